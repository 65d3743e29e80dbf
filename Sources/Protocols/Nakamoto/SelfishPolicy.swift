/// What a selfish miner does next, by the state of its race with the others.
///
/// The state is that of Sapirshtein, Sompolinsky and Zohar (FC 2016): a blocks of the miner and h
/// blocks of the others since their chains parted, and the label of the fork. A policy is a plain
/// table of actions; what it earns is left to the race.
public struct SelfishPolicy: Sendable, Equatable {
  public enum Action: UInt8, Sendable {
    /// Give up the own blocks, and mine on the others' chain.
    case adopt
    /// Publish h + 1 blocks, which are a longer chain; a > h.
    case override
    /// Publish h blocks just after the others' h-th, so that there are two equal chains; a >= h.
    case match
    /// Mine on, publish nothing.
    case wait
  }

  /// What a match would bring now.
  public enum Fork: UInt8, Sendable {
    /// Nothing: the newest block is the miner's own, so that all others have the h-th block
    /// already.
    case irrelevant
    /// The others have just found their h-th block.
    case relevant
    /// A match has been made, and the others are divided.
    case active
  }

  /// The table holds a and h up to this; 0: no table, the rule of SM1.
  public let longest: Int
  private let actions: [Action]

  /// SM1, the strategy of Eyal and Sirer (FC 2014), Algorithm 1: of a lead of two it publishes all
  /// when the others find a block, of a longer one as much as the others have, and a tie it races.
  public static var eyalSirer: SelfishPolicy { SelfishPolicy(longest: 0, actions: []) }

  /// - Parameters:
  ///   - longest: at least 1.
  ///   - actions: by a, then h, then fork, each from 0 on.
  init(longest: Int, actions: [Action]) {
    precondition(longest == 0 || actions.count == Self.size(longest), "a table of another size")
    self.longest = longest
    self.actions = actions
  }

  static func size(_ longest: Int) -> Int { (longest + 1) * (longest + 1) * 3 }

  /// - Parameter a, h: at least 0.
  public func action(_ a: Int, _ h: Int, _ fork: Fork) -> Action {
    guard longest > 0 else { return Self.sm1(a, h, fork) }
    // Where the table ends, the race ends too.
    guard a <= longest, h <= longest else { return a > h ? .override : .adopt }
    return actions[(a * (longest + 1) + h) * 3 + Int(fork.rawValue)]
  }

  private static func sm1(_ a: Int, _ h: Int, _ fork: Fork) -> Action {
    if h > a { return .adopt }
    if h > 0, a == h + 1 { return .override }
    return h > 0 && fork == .relevant ? .match : .wait
  }
}
