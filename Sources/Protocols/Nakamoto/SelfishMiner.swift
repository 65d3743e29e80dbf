import Consensus
import Kernel
import Ledger

/// A miner that keeps its blocks back, so that the others waste work on blocks that it then makes
/// stale: Eyal and Sirer, "Majority is not enough", FC 2014; Sapirshtein, Sompolinsky and Zohar,
/// "Optimal selfish mining strategies in Bitcoin", FC 2016.
///
/// It knows what others have told it and what it has published. Each block, its own or of others
/// that makes the public chain longer, is an event; the policy says what to do. How many of the
/// others mine on its chain after a match (gamma) is not its choice: it is where it sits in the
/// network, or their coin (`Nakamoto.Settings.tieBreaking`).
public struct SelfishMiner: Sendable {
  public let policy: SelfishPolicy
  /// What the policy should earn, if it was computed for a share and a gamma.
  public let expectedRevenue: Double?
  /// End of the longest chain that the others know.
  var publicHead = BlockID.genesis
  /// Where the miner's chain and the public one part.
  var base = BlockID.genesis
  var fork = SelfishPolicy.Fork.irrelevant
  /// Own blocks that nobody knows, oldest first.
  var secret: [BlockID] = []
  /// Number of the miner in its chain, as its blocks say.
  var me = UInt32.max
  /// Blocks below the newest `base`: they stay, for all that the miner knows.
  public internal(set) var ownBlocks = 0
  public internal(set) var othersBlocks = 0
  /// How often it did what, by `SelfishPolicy.Action`: adopt, override, match.
  public internal(set) var adoptions = 0
  public internal(set) var overrides = 0
  public internal(set) var matches = 0

  public init(policy: SelfishPolicy, expectedRevenue: Double? = nil) {
    self.policy = policy
    self.expectedRevenue = expectedRevenue
    secret.reserveCapacity(256)
  }

  /// The miner's share of the blocks that stay; nil before there are any.
  public var revenue: Double? {
    let all = ownBlocks + othersBlocks
    return all > 0 ? Double(ownBlocks) / Double(all) : nil
  }

  mutating func begin(on block: BlockID) {
    publicHead = block
    base = block
    fork = .irrelevant
    secret.removeAll(keepingCapacity: true)
  }

  /// Moves `base`, and counts the blocks that it passes; those of a chain that the others have left
  /// no longer.
  mutating func settle(at block: BlockID, _ blocks: BlockArena) {
    guard block != base else { return }
    let shared = blocks.commonAncestor(base, block)
    count(from: block, to: shared, 1, blocks)
    count(from: base, to: shared, -1, blocks)
    base = block
  }

  private mutating func count(
    from block: BlockID, to ancestor: BlockID, _ sign: Int, _ blocks: BlockArena
  ) {
    var walk = block
    while walk != ancestor, blocks.contains(walk) {
      if blocks[walk].miner == me { ownBlocks += sign } else { othersBlocks += sign }
      walk = blocks[walk].parent
    }
  }
}

extension Nakamoto {
  /// The selfish miner has found a block.
  mutating func uponSelfish(own block: BlockID, _ effects: inout ChainEffects) {
    head = block
    selfish?.me = effects.blocks[block].miner
    selfish?.secret.append(block)
    if selfish?.fork == .relevant { selfish?.fork = .irrelevant }
    followPolicy(&effects)
  }

  /// The others have found a block.
  mutating func uponSelfish(others block: BlockID, _ effects: inout ChainEffects) {
    guard let known = selfish?.publicHead,
      effects.blocks[block].totalWork > effects.blocks[known].totalWork
    else { return }
    selfish?.publicHead = block
    selfish?.fork = .relevant
    followPolicy(&effects)
  }

  private mutating func followPolicy(_ effects: inout ChainEffects) {
    guard var race = selfish else { return }
    // Moved out while it changes, so that there is one owner and nothing is copied.
    selfish = nil
    defer { selfish = race }
    race.settle(at: effects.blocks.commonAncestor(head, race.publicHead), effects.blocks)
    let start = effects.blocks[race.base].height
    let a = Int(effects.blocks[head].height - start)
    let h = Int(effects.blocks[race.publicHead].height - start)
    switch race.policy.action(a, h, race.fork) {
    case .adopt:
      race.adoptions += 1
      head = race.publicHead
      race.settle(at: head, effects.blocks)
      race.begin(on: head)
    case .override:
      race.overrides += 1
      race.publish(upTo: start + UInt32(h) + 1, &effects)
      race.publicHead = effects.blocks.ancestor(of: head, at: start + UInt32(h) + 1)
      race.settle(at: race.publicHead, effects.blocks)
      race.fork = .irrelevant
    case .match:
      race.matches += 1
      race.publish(upTo: start + UInt32(h), &effects)
      race.fork = .active
    case .wait: break
    }
  }
}

extension SelfishMiner {
  /// Publishes what is still secret of the miner's chain up to `height`.
  fileprivate mutating func publish(upTo height: UInt32, _ effects: inout ChainEffects) {
    var count = 0
    while count < secret.count, effects.blocks[secret[count]].height <= height {
      effects.publish(secret[count])
      count += 1
    }
    secret.removeFirst(count)
  }
}
