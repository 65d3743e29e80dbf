import Consensus
import Kernel
import Ledger
import Machines

/// Clique proof of authority, after EIP-225 (Szilágyi, 2017) and its strategy as go-ethereum has
/// it.
///
/// This file is a node: when it signs, and the heaviest chain. Who may sign, and votes on signers,
/// have their own file.
public struct Clique: ChainProtocol {
  public static var name: String { "clique" }

  /// Difficulty of a block by whose turn it is, and by another.
  public static var inTurn: UInt64 { 2 }
  public static var outOfTurn: UInt64 { 1 }

  /// What decides between two chains of equal weight and length.
  public enum TieRule: String, Sendable, CaseIterable, BitwiseCopyable {
    /// The chain that came first.
    case firstSeen = "first-seen"
    /// A coin, but for blocks of one's own, as go-ethereum's fork choice has it.
    case coin
  }

  public struct Settings: Sendable, Equatable, BitwiseCopyable {
    /// Least difference of the times of a block and its parent.
    public var period: SimDuration
    /// Out of turn, a signer waits up to so long for each of floor(S / 2) + 1 signers.
    public var wiggle: SimDuration
    /// Blocks from one reset of votes to the next.
    public var epoch: UInt32
    /// Blocks after which a transaction counts as decided; its own is the first.
    public var confirmations: Int
    public var ties: TieRule
    /// How far ahead of the node's clock a block's time may be.
    public var clockSkew: SimDuration
    public var weakness = ChoiceWeakness.none

    public init(
      period: SimDuration, wiggle: SimDuration, epoch: UInt32, confirmations: Int,
      ties: TieRule, clockSkew: SimDuration
    ) {
      precondition(period > .zero && wiggle >= .zero, "a period of \(period)")
      precondition(epoch >= 1 && confirmations >= 1, "epochs of \(epoch)")
      self.period = period
      self.wiggle = wiggle
      self.epoch = epoch
      self.confirmations = confirmations
      self.ties = ties
      self.clockSkew = clockSkew
    }
  }

  /// What an operator tells its signer to vote for, from a time on its clock.
  public struct Proposal: Sendable, Equatable, BitwiseCopyable {
    public var from: LocalTime
    public var vote: Vote

    public init(from: LocalTime, vote: Vote) {
      self.from = from
      self.vote = vote
    }
  }

  /// Forks deeper than so many blocks are refused. Fewer than floor(S / 2) + 1 signers make at most
  /// one block each, so that up to 128 signers cannot make deeper ones.
  public static var depth: UInt32 { 64 }

  let settings: Settings
  /// Its address: index of the node.
  let me: UInt16
  let proposals: [Proposal]
  public internal(set) var head = BlockID.genesis
  public internal(set) var refused = 0
  /// Who may sign on the head, and `depth` blocks below it.
  public internal(set) var tip: Snapshot
  var base: Snapshot
  var baseBlock = BlockID.genesis
  /// Where a chain is tried before it is adopted.
  var trial: Snapshot
  /// Of the chain that is tried, from its end down.
  var path: [BlockID] = []
  /// The block on which the pending lottery is to sign, and with what time; nil: none.
  var planned: (parent: BlockID, stamp: Int64)?

  /// - Parameters:
  ///   - signers: of genesis.
  ///   - address: index of the node.
  public init(
    settings: Settings, signers: [UInt16], address: Int, proposals: [Proposal] = []
  ) {
    self.settings = settings
    self.proposals = proposals
    me = UInt16(address)
    tip = Snapshot(signers: signers)
    base = tip
    trial = tip
    path.reserveCapacity(4 * Int(Self.depth))
  }

  public static func genesis() -> BlockArena { BlockArena() }

  public var shown: BlockID { head }
  public var confirmations: Int { settings.confirmations }
  public var rollbackLimit: Int? { nil }

  public mutating func start(at now: LocalTime, _ effects: inout ChainEffects) {
    plan(at: now, &effects)
  }

  /// Signs on the head when it may: at once when the block's time comes, if it is its turn;
  /// otherwise after a random while, so that whose turn it is has been heard.
  private mutating func plan(at now: LocalTime, _ effects: inout ChainEffects) {
    planned = nil
    guard tip.mayBeFollowed(by: me) else { return }
    let earliest = effects.blocks[head].stamp + settings.period.nanoseconds
    let stamp = max(earliest, now.nanoseconds)
    var delay = SimDuration(nanoseconds: stamp - now.nanoseconds)
    if !tip.isTurn(of: me, at: tip.height + 1) {
      let most = settings.wiggle * Int64(tip.limit)
      let share = effects.random.unit()
      delay += SimDuration(nanoseconds: Int64(Double(most.nanoseconds) * share))
    }
    planned = (head, stamp)
    effects.draw(after: delay)
  }

  public mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) -> BlockDraft? {
    guard let planned, planned.parent == head else { return nil }
    self.planned = nil
    let height = tip.height + 1
    return BlockDraft(
      parent: head, work: tip.isTurn(of: me, at: height) ? Self.inTurn : Self.outOfTurn,
      stamp: planned.stamp, salt: effects.random.next(),
      fold: chooseVote(for: height, at: now, &effects)?.word ?? 0)
  }

  /// One of the proposals that would change something; none in a block that resets votes.
  private func chooseVote(
    for height: UInt32, at now: LocalTime, _ effects: inout ChainEffects
  ) -> Vote? {
    guard height % settings.epoch != 0 else { return nil }
    let count = proposals.count { $0.from <= now && tip.isMeaningful($0.vote) }
    guard count > 0 else { return nil }
    var pick = min(Int(effects.random.unit() * Double(count)), count - 1)
    for proposal in proposals where proposal.from <= now && tip.isMeaningful(proposal.vote) {
      if pick == 0 { return proposal.vote }
      pick -= 1
    }
    return nil
  }

  public mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if isBetter(block, isOwn: true, &effects) { adopt(block, at: now, &effects) }
    effects.publish(block)
  }

  public mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    guard effects.blocks[block].stamp <= now.nanoseconds + settings.clockSkew.nanoseconds else {
      refused += 1
      return
    }
    if isBetter(block, isOwn: false, &effects) { adopt(block, at: now, &effects) }
  }

  /// The heaviest chain; of equally heavy ones the shorter, whose signers kept their turns better.
  private func isBetter(
    _ block: BlockID, isOwn: Bool, _ effects: inout ChainEffects
  ) -> Bool {
    if let takes = settings.weakness.takes(block, over: head, effects.blocks) { return takes }
    let (new, old) = (effects.blocks[block], effects.blocks[head])
    if new.totalWork != old.totalWork { return new.totalWork > old.totalWork }
    guard settings.ties == .coin else { return false }
    if new.height != old.height { return new.height < old.height }
    if old.miner == UInt32(me) { return false }
    return isOwn || effects.random.unit() < 0.5
  }

  /// For the monitor: a heavier chain. Who has refused one may rightly not be on it.
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? {
    guard refused == 0 else { return nil }
    return known.first { blocks[$0].totalWork > blocks[head].totalWork }
  }

  private mutating func adopt(
    _ block: BlockID, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if effects.blocks[block].parent == head {
      guard isValid(block, on: tip, effects.blocks) else {
        refused += 1
        return
      }
      tip.apply(effects.blocks[block], epoch: settings.epoch)
    } else {
      guard tryChain(to: block, effects.blocks) else {
        refused += 1
        return
      }
      swap(&tip, &trial)
    }
    head = block
    while tip.height > base.height + Self.depth {
      baseBlock = effects.blocks.ancestor(of: head, at: base.height + 1)
      base.apply(effects.blocks[baseBlock], epoch: settings.epoch)
    }
    plan(at: now, &effects)
  }

  /// Follows the chain of `block` from the block far below the head on.
  private mutating func tryChain(to block: BlockID, _ blocks: BlockArena) -> Bool {
    guard blocks.isAncestor(baseBlock, of: block) else { return false }
    path.removeAll(keepingCapacity: true)
    var walk = block
    while walk != baseBlock {
      path.append(walk)
      walk = blocks[walk].parent
    }
    trial.assign(base)
    while let next = path.popLast() {
      guard isValid(next, on: trial, blocks) else { return false }
      trial.apply(blocks[next], epoch: settings.epoch)
    }
    return true
  }

  /// Signed by who may, with the right difficulty, no earlier than a period after its parent, and
  /// without a vote where votes are reset.
  private func isValid(_ block: BlockID, on snapshot: Snapshot, _ blocks: BlockArena) -> Bool {
    let content = blocks[block]
    return snapshot.refusal(of: content, epoch: settings.epoch) == nil
      && content.stamp >= blocks[content.parent].stamp + settings.period.nanoseconds
  }

  public mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffects
  ) {
    if base != nil {
      // It is given the state of a block that all have long left behind.
      head = baseBlock
      tip.assign(self.base)
    }
    plan(at: now, &effects)
  }

  // MARK: - Costs

  public func workOfMaking(_ costs: CostSheet) -> SimDuration { costs.sign }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { costs.verify }
  /// A signature and an execution for each transaction, and the digest of the body.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }
}
