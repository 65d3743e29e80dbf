import Consensus
import Kernel
import Ledger
import Machines

/// Delegated proof of stake in the manner of EOSIO: stakeholders elect producers, who make blocks
/// in
/// turn; a block is irreversible when more than two thirds of the producers have built on what more
/// than two thirds had confirmed.
///
/// After the EOS.IO technical white paper (v2, 2018) and the header state of EOSIO/eos 1.x. This
/// file is a node: it makes blocks in its slots, takes the longest chain that keeps its last
/// irreversible block, and checks schedules. What a chain implies has its own file.
public struct DPoS: ChainProtocol {
  public static var name: String { "dpos" }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Producers on a schedule: N.
    public var producers: Int
    /// Blocks in a row that a producer makes in its turn: r.
    public var repetitions: Int
    /// Length of a time slot, which is for one block.
    public var slot: SimDuration
    /// Slots from one count of votes to the next, more than.
    public var electionInterval: UInt64
    /// A producer on the schedule that made no block for so many slots is not elected.
    public var absence: UInt64
    /// How many slots it takes until it is a candidate again.
    public var ban: UInt64
    /// How far ahead of the node's clock a block's slot may begin.
    public var clockSkew: SimDuration
    public var weakness = ChoiceWeakness.none

    public init(
      producers: Int, repetitions: Int, slot: SimDuration, electionInterval: UInt64,
      absence: UInt64, ban: UInt64, clockSkew: SimDuration
    ) {
      precondition(producers >= 1 && repetitions >= 1, "\(producers) x \(repetitions) blocks")
      precondition(slot > .zero, "slots of \(slot)")
      self.producers = producers
      self.repetitions = repetitions
      self.slot = slot
      self.electionInterval = electionInterval
      self.absence = absence
      self.ban = ban
      self.clockSkew = clockSkew
    }

    /// Producers that must confirm: more than two thirds.
    public var required: Int { producers * 2 / 3 + 1 }
  }

  let settings: Settings
  let votes: Votes
  /// Index among the candidates: every node is one.
  let me: Int
  public internal(set) var head = BlockID.genesis
  public internal(set) var refused = 0
  /// What the chain of `head` implies, and what its irreversible part does.
  public internal(set) var tip: HeaderState
  var base: HeaderState
  var baseBlock = BlockID.genesis
  /// Where a chain is tried before it is adopted.
  var trial: HeaderState
  /// Of the chain that is tried, from its end down.
  var path: [BlockID] = []
  /// Highest block that this node has signed, on whatever chain: it confirms nothing up to there
  /// again.
  var watermark: UInt32 = 0

  /// - Parameter candidate: index of the node.
  public init(settings: Settings, votes: Votes, candidate: Int) {
    precondition(votes.candidates >= settings.producers, "\(votes.candidates) candidates")
    self.settings = settings
    self.votes = votes
    me = candidate
    tip = HeaderState(votes: votes, settings)
    base = tip
    trial = tip
    path.reserveCapacity(HeaderState.tracked)
  }

  public static func genesis() -> BlockArena { BlockArena() }

  public var shown: BlockID { head }
  public var confirmations: Int { 1 }
  public var irreversible: BlockID? { baseBlock }
  public var rollbackLimit: Int? { nil }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) {
    waitForTurn(from: max(slot(at: now), 1), at: now, &effects)
  }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    let current = slot(at: now)
    defer { waitForTurn(from: current + 1, at: now, &effects) }
    guard tip.producer(of: current, settings) == me, effects.blocks[head].slot < current else {
      return nil
    }
    // Of its own blocks on other chains it must not confirm rivals.
    let height = effects.blocks[head].height
    let confirmed = watermark < height ? UInt64(height - watermark) : 0
    return BlockDraft(
      parent: head, work: 1, stamp: now.nanoseconds, slot: current,
      salt: effects.random.next(), fold: confirmed)
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    watermark = max(watermark, effects.blocks[block].height)
    if effects.blocks[block].parent == head {
      extend(to: block, at: now, &effects)
    } else {
      consider(block, at: now, &effects)
    }
    effects.publish(block)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    let begins = Int64(effects.blocks[block].slot) * settings.slot.nanoseconds
    guard begins <= now.nanoseconds + settings.clockSkew.nanoseconds else {
      refused += 1
      return
    }
    if effects.blocks[block].parent == head {
      extend(to: block, at: now, &effects)
    } else {
      consider(block, at: now, &effects)
    }
  }

  /// A block on the head.
  private mutating func extend(
    to block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    let schedule = tip.version
    guard tip.apply(effects.blocks[block], votes, settings) else {
      refused += 1
      return
    }
    head = block
    moveBase(effects.blocks)
    if tip.version != schedule { waitForTurn(from: slot(at: now) + 1, at: now, &effects) }
  }

  /// A block elsewhere: its chain is adopted if it is longer, keeps what is irreversible here, and
  /// every block of it was made by whose turn it was.
  private mutating func consider(
    _ block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    guard
      settings.weakness.takes(block, over: head, effects.blocks)
        ?? (effects.blocks[block].height > effects.blocks[head].height)
    else { return }
    guard effects.blocks.isAncestor(baseBlock, of: block) else {
      refused += 1
      return
    }
    path.removeAll(keepingCapacity: true)
    var walk = block
    while walk != baseBlock {
      path.append(walk)
      walk = effects.blocks[walk].parent
    }
    trial.assign(base)
    while let next = path.popLast() {
      guard trial.apply(effects.blocks[next], votes, settings) else {
        refused += 1
        return
      }
    }
    let schedule = tip.version
    swap(&tip, &trial)
    head = block
    moveBase(effects.blocks)
    if tip.version != schedule { waitForTurn(from: slot(at: now) + 1, at: now, &effects) }
  }

  /// For the monitor: a longer chain. Who has refused one may rightly not be on it.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    guard refused == 0 else { return nil }
    return known.first { blocks[$0].height > blocks[head].height }
  }

  /// Follows with the state of the irreversible part.
  private mutating func moveBase(_ blocks: BlockArena) {
    while base.height < tip.irreversible {
      let next = blocks.ancestor(of: head, at: base.height + 1)
      let isValid = base.apply(blocks[next], votes, settings)
      precondition(isValid, "an irreversible block \(next) that is not valid")
      baseBlock = next
    }
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if base != nil {
      // It is given a snapshot of the last block that it knew to be irreversible.
      head = baseBlock
      tip.assign(self.base)
    }
    waitForTurn(from: slot(at: now) + 1, at: now, &effects)
  }

  func slot(at now: LocalTime) -> UInt64 {
    UInt64(max(now.nanoseconds, 0) / settings.slot.nanoseconds)
  }

  /// Lets the lottery come up at the first slot from `first` on that is this node's.
  private func waitForTurn(
    from first: UInt64, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    guard let place = tip.active.firstIndex(of: UInt16(me)) else { return }
    let turn = UInt64(settings.repetitions)
    let round = turn * UInt64(tip.active.count)
    var target = first / round * round + UInt64(place) * turn
    if target + turn <= first { target += round }
    target = max(target, first)
    let start = LocalTime(nanoseconds: Int64(target) * settings.slot.nanoseconds)
    effects.draw(after: start - now)
  }

  // MARK: - Costs

  public func workOfMaking(_ costs: CostSheet) -> SimDuration { costs.sign }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { costs.verify }
  /// A signature and an execution for each transaction, and the digest of the body.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}
