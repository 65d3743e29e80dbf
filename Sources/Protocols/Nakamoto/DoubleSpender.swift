import Consensus
import Kernel
import Ledger

/// The attacker of Nakamoto (2008), §11: pays a merchant, and mines in secret a chain in which the
/// payment never happened.
///
/// An attempt begins on a block that all have: the merchant's transaction goes into the next honest
/// block, the attacker mines beside it. The merchant delivers at z confirmations. The attempt
/// succeeds when the merchant has delivered and the secret chain has caught up: is `lead` blocks
/// ahead of the public one, 0 in the convention of Nakamoto and of Grunspan & Pérez-Marco. The
/// secret blocks are then published. It is given up when the secret chain is `deficit` behind.
///
/// With a share q of the hash rate, no delay, lead 0 and a large deficit, the probability of
/// success is I_{4pq}(z, 1/2) (Grunspan & Pérez-Marco, "Double spend races", 2018); attempts are
/// independent because the race is memoryless.
public struct DoubleSpender: Sendable, Equatable {
  public let confirmations: Int
  public let lead: Int
  public let deficit: Int
  /// End of the chain that the others know.
  var publicHead = BlockID.genesis
  /// The block on which the attempt began.
  var start = BlockID.genesis
  /// Blocks kept back, oldest first.
  var secret: [BlockID] = []
  public internal(set) var attempts = 0
  public internal(set) var successes = 0

  /// - Parameters:
  ///   - confirmations: z, at least 1.
  ///   - lead: at least 0.
  ///   - deficit: at least 1; what is lost by giving up is about (q / p)^deficit.
  public init(confirmations: Int, lead: Int = 0, deficit: Int) {
    precondition(confirmations >= 1 && lead >= 0 && deficit >= 1, "an attack that cannot succeed")
    self.confirmations = confirmations
    self.lead = lead
    self.deficit = deficit
    secret.reserveCapacity(64)
  }

  /// Begins the next attempt on `block`.
  mutating func begin(on block: BlockID) {
    start = block
    publicHead = block
    secret.removeAll(keepingCapacity: true)
  }
}

extension Nakamoto {
  /// The attacker has found a block, and keeps it back.
  mutating func uponSecret(_ block: BlockID, _ effects: inout ChainEffects) {
    head = block
    attack?.secret.append(block)
    mineAgainIfHarder(&effects)
    decideAttack(&effects)
  }

  /// The others have found a block.
  mutating func uponPublic(_ block: BlockID, _ effects: inout ChainEffects) {
    guard let known = attack?.publicHead,
      effects.blocks[block].totalWork > effects.blocks[known].totalWork
    else { return }
    attack?.publicHead = block
    decideAttack(&effects)
  }

  private mutating func decideAttack(_ effects: inout ChainEffects) {
    guard let plan = attack else { return }
    let start = Int(effects.blocks[plan.start].height)
    let theirs = Int(effects.blocks[plan.publicHead].height) - start
    let ours = plan.secret.count
    if theirs >= plan.confirmations, ours >= theirs + plan.lead {
      attack?.successes += 1
      for k in plan.secret.indices { effects.publish(plan.secret[k]) }
      // Only a longer chain is adopted by those who saw the other first.
      beginAttempt(on: ours > theirs ? head : plan.publicHead, &effects)
    } else if theirs - ours >= plan.deficit {
      beginAttempt(on: plan.publicHead, &effects)
    }
  }

  private mutating func beginAttempt(on block: BlockID, _ effects: inout ChainEffects) {
    attack?.attempts += 1
    attack?.begin(on: block)
    head = block
    mineAgainIfHarder(&effects)
  }
}
