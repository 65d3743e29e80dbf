import Kernel

/// Byzantine behaviour that wraps the replicas of a committee, or the nodes of a chain, without the
/// protocol knowing: they run its code, and what leaves or reaches them is tampered with.
public struct Adversary: Sendable, Equatable {
  public enum Behaviour: Sendable, Equatable {
    /// Sends nothing, handles everything; of a chain that spreads blocks, makes none either.
    case silent
    /// What it sends leaves later, each message by a draw of its own, in nanoseconds.
    case delay(Distribution)
    /// What it sends to all reaches a drawn share of them, what it sends to one leaves with that
    /// probability.
    case withhold(share: Double, proposalsOnly: Bool)
    /// It does not see a share of the transactions of some populations (`nil`: of all).
    case censor(populations: [UInt32]?, share: Double)
    /// Sends proposals that a correct replica must refuse.
    case invalid
    /// Not Byzantine: the node crashes at the worst moment, when its proposal number `proposal` has
    /// left to `reach` replicas.
    case crash(proposal: Int, reach: Int, downTime: SimDuration?, keepsDisk: Bool)
    case twins(Twins)
  }

  /// Two copies of the correct replica with one identity: a leader that equivocates and a voter
  /// that votes twice, of any protocol (Bano et al., "Twins: BFT systems made robust", 2020; there
  /// the parts change with the round, here with time).
  ///
  /// Each has a state, timers, a random stream and a view of the clients' requests of its own; they
  /// share their node. One talks to one part of the others, one to the rest. Twins of one entry
  /// share the parts: they collude.
  public struct Twins: Sendable, Equatable {
    public enum Parts: Sendable, Equatable {
      /// Whether the second copies talk to each role.
      case given([Bool])
      /// Drawn anew at every multiple of the period: each role belongs to either part by a fair
      /// coin.
      case drawn(every: SimDuration)
    }

    public var parts: Parts
    /// Both copies hear everybody; otherwise only those to whom they talk.
    public var hearsAll: Bool
    /// Share of transactions that the second copy overlooks, so that proposals conflict.
    public var overlooks: Double

    public init(parts: Parts, hearsAll: Bool, overlooks: Double) {
      self.parts = parts
      self.hearsAll = hearsAll
      self.overlooks = overlooks
    }
  }

  /// Roles of the chain, each once.
  public var roles: [Int]
  /// Outside this time they do what a correct one does; the second copy of twins listens only.
  public var from: SimTime
  public var until: SimTime
  public var behaviour: Behaviour

  public init(
    _ behaviour: Behaviour, roles: [Int], from: SimTime = .zero, until: SimTime = .never
  ) {
    self.behaviour = behaviour
    self.roles = roles
    self.from = from
    self.until = until
  }

  func isActive(at time: SimTime) -> Bool { time >= from && time < until }

  /// Whether what its roles say they decided binds nobody. A crash is no lie.
  var isByzantine: Bool {
    if case .crash = behaviour { false } else { true }
  }
}

extension [Adversary] {
  /// Roles that run in two copies, in order of the entries.
  public var twins: [Int] {
    flatMap { adversary -> [Int] in
      if case .twins = adversary.behaviour { adversary.roles } else { [] }
    }
  }

  /// Whether each of `count` roles is Byzantine.
  func byzantine(of count: Int) -> [Bool] {
    var flags = [Bool](repeating: false, count: count)
    for adversary in self where adversary.isByzantine {
      for role in adversary.roles { flags[role] = true }
    }
    return flags
  }

  /// For each of `count` roles the entries that name it.
  func indices(of count: Int) -> [[Int]] {
    var entries = [[Int]](repeating: [], count: count)
    for (index, adversary) in enumerated() {
      for role in adversary.roles { entries[role].append(index) }
    }
    return entries
  }
}

/// Messages that a delaying adversary keeps back, by handle.
struct HeldOutputs<Output: Sendable & BitwiseCopyable>: Sendable {
  private var entries: [Output] = []
  private var free: [Int] = []

  mutating func keep(_ output: Output) -> UInt64 {
    if let place = free.popLast() {
      entries[place] = output
      return UInt64(place)
    }
    entries.append(output)
    return UInt64(entries.count - 1)
  }

  mutating func release(_ handle: UInt64) -> Output {
    free.append(Int(handle))
    return entries[Int(handle)]
  }
}
