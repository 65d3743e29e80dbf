import Kernel

extension Gasper {
  /// A validator that does not follow the protocol, and from which epoch on up to which it does
  /// not.
  public struct Misbehaviour: Sendable, Equatable, BitwiseCopyable {
    /// Share of the validators, spread evenly over all: 0...1.
    public var share: Double
    public var from: UInt32
    public var until: UInt32

    public init(share: Double, from: UInt32 = 0, until: UInt32 = .max) {
      self.share = share
      self.from = from
      self.until = until
    }

    public static var none: Misbehaviour { Misbehaviour(share: 0) }

    func applies(to validator: Int, in epoch: UInt32) -> Bool {
      guard share > 0, epoch >= from, epoch < until else { return false }
      return Int(Double(validator + 1) * share + 1e-9) > Int(Double(validator) * share + 1e-9)
    }
  }

  /// Validators that enter or leave, one after another.
  public struct Movement: Sendable, Equatable, BitwiseCopyable {
    public var count: Int
    /// When the first asks for it, and how much later each other does.
    public var at: SimDuration
    public var every: SimDuration

    public init(count: Int, at: SimDuration = .zero, every: SimDuration = .zero) {
      self.count = count
      self.at = at
      self.every = every
    }

    public static var none: Movement { Movement(count: 0) }

    func time(of k: Int) -> Int64 { at.nanoseconds + Int64(k) * every.nanoseconds }
  }

  /// Rules that may be left out, so that tests see a monitor find it.
  public enum Weakness: String, Sendable, CaseIterable, BitwiseCopyable {
    case none
    /// Half of the stake justifies a checkpoint, instead of two thirds.
    case halfJustifies = "half-justifies"
    /// Of two branches the lighter is taken.
    case lightestBranch = "lightest-branch"
    /// Evidence of double and surround votes is not acted upon.
    case noSlashing = "no-slashing"
    /// Validators vote again when another head comes in their slot, and sign whatever that is.
    case votesAgain = "votes-again"
  }

  /// Everything that a scenario can set. Names of the specification stand beside each.
  public struct Settings: Sendable, Equatable {
    public var validators = 1024
    /// SLOT_DURATION_MS and SLOTS_PER_EPOCH.
    public var slot = SimDuration.milliseconds(12_000)
    public var slotsPerEpoch = 32
    /// MAX_COMMITTEES_PER_SLOT, TARGET_COMMITTEE_SIZE, SHUFFLE_ROUND_COUNT.
    public var maxCommittees = 64
    public var targetCommitteeSize = 128
    public var shuffleRounds = 90
    /// TARGET_AGGREGATORS_PER_COMMITTEE.
    public var targetAggregators = 16
    /// ATTESTATION_SUBNET_COUNT, SUBNETS_PER_NODE.
    public var subnets = 64
    public var subnetsPerNode = 2
    /// ATTESTATION_DUE_BPS, AGGREGATE_DUE_BPS, PROPOSER_REORG_CUTOFF_BPS: of 10,000.
    public var attestationDue = 3333
    public var aggregateDue = 6667
    public var reorgCutoff = 1667
    /// PROPOSER_SCORE_BOOST, REORG_HEAD_WEIGHT_THRESHOLD, REORG_PARENT_WEIGHT_THRESHOLD: percent of
    /// one slot's committee weight; REORG_MAX_EPOCHS_SINCE_FINALIZATION.
    public var boost = 40
    public var reorgHead = 20
    public var reorgParent = 160
    public var reorgEpochs = 2
    /// MAX_ATTESTATIONS_ELECTRA, MAX_ATTESTER_SLASHINGS_ELECTRA, MAX_PROPOSER_SLASHINGS.
    public var maxAttestations = 8
    public var maxAttesterSlashings = 1
    public var maxProposerSlashings = 16
    /// MAX_DEPOSIT_REQUESTS_PER_PAYLOAD, MAX_VOLUNTARY_EXITS.
    public var maxDeposits = 8192
    public var maxExits = 16
    /// Bytes of the transaction that holds a deposit.
    public var depositBytes = 540
    public var rewards = Rewards()
    public var costs = Costs()
    public var weakness = Weakness.none

    /// Validators that are not there at genesis, and those of genesis that leave by themselves.
    public var entrants = Movement.none
    public var leavers = Movement.none

    public var offline = Misbehaviour.none
    public var doubleVoters = Misbehaviour.none
    public var equivocators = Misbehaviour.none
    public var late = Misbehaviour.none
    /// How late those who are propose.
    public var lateBy = SimDuration.seconds(6)
    /// The first node holds this share of the stake and balances two branches; 0: there is none.
    public var adversary = 0.0
    /// Epoch in which it begins.
    public var adversaryFrom: UInt32 = 2
    /// How long before it matters the adversary lets a message go.
    public var adversaryLead = SimDuration.milliseconds(100)
    /// Longest one-way delay that the adversary expects.
    public var adversaryDelay = SimDuration.milliseconds(200)

    public init() {}

    /// Validators of genesis, and those that enter later.
    var allValidators: Int { validators + entrants.count }
  }

  /// Balances, in gwei and gwei for each.
  public struct Rewards: Sendable, Equatable, BitwiseCopyable {
    /// EFFECTIVE_BALANCE_INCREMENT; MIN_ACTIVATION_BALANCE, which every validator has at first and
    /// its effective balance never exceeds; MAX_EFFECTIVE_BALANCE_ELECTRA, over which proposers are
    /// drawn; EJECTION_BALANCE.
    public var increment: UInt64 = 1_000_000_000
    public var initial: UInt64 = 32_000_000_000
    public var largest: UInt64 = 2_048_000_000_000
    public var ejection: UInt64 = 16_000_000_000
    /// HYSTERESIS_QUOTIENT and its multipliers.
    public var hysteresis: (quotient: UInt64, down: UInt64, up: UInt64) = (4, 1, 5)
    /// BASE_REWARD_FACTOR.
    public var baseReward: UInt64 = 64
    /// MIN_EPOCHS_TO_INACTIVITY_PENALTY, INACTIVITY_SCORE_BIAS, INACTIVITY_SCORE_RECOVERY_RATE,
    /// INACTIVITY_PENALTY_QUOTIENT_BELLATRIX.
    public var leakAfter: UInt32 = 4
    public var scoreBias: UInt64 = 4
    public var scoreRecovery: UInt64 = 16
    public var inactivityQuotient: UInt64 = 16_777_216
    /// EPOCHS_PER_SLASHINGS_VECTOR, PROPORTIONAL_SLASHING_MULTIPLIER_BELLATRIX,
    /// MIN_SLASHING_PENALTY_QUOTIENT_ELECTRA, WHISTLEBLOWER_REWARD_QUOTIENT_ELECTRA.
    public var slashingsVector: UInt32 = 8192
    public var slashingMultiplier: UInt64 = 3
    public var slashingQuotient: UInt64 = 4096
    public var whistleblowerQuotient: UInt64 = 4096
    /// CHURN_LIMIT_QUOTIENT, MIN_PER_EPOCH_CHURN_LIMIT_ELECTRA,
    /// MAX_PER_EPOCH_ACTIVATION_EXIT_CHURN_LIMIT.
    public var churnQuotient: UInt64 = 65_536
    public var minChurn: UInt64 = 128_000_000_000
    public var maxChurn: UInt64 = 256_000_000_000
    /// MAX_SEED_LOOKAHEAD, MIN_VALIDATOR_WITHDRAWABILITY_DELAY, SHARD_COMMITTEE_PERIOD.
    public var seedLookahead: UInt32 = 4
    public var withdrawability: UInt32 = 256
    public var servicePeriod: UInt32 = 256
    /// MAX_PENDING_DEPOSITS_PER_EPOCH.
    public var depositsPerEpoch = 16

    public init() {}

    public static func == (a: Rewards, b: Rewards) -> Bool {
      a.increment == b.increment && a.initial == b.initial && a.largest == b.largest
        && a.ejection == b.ejection && a.hysteresis == b.hysteresis
        && a.baseReward == b.baseReward && a.leakAfter == b.leakAfter
        && a.scoreBias == b.scoreBias && a.scoreRecovery == b.scoreRecovery
        && a.inactivityQuotient == b.inactivityQuotient && a.slashingsVector == b.slashingsVector
        && a.slashingMultiplier == b.slashingMultiplier
        && a.slashingQuotient == b.slashingQuotient
        && a.whistleblowerQuotient == b.whistleblowerQuotient
        && a.churnQuotient == b.churnQuotient && a.minChurn == b.minChurn
        && a.maxChurn == b.maxChurn && a.seedLookahead == b.seedLookahead
        && a.withdrawability == b.withdrawability && a.servicePeriod == b.servicePeriod
        && a.depositsPerEpoch == b.depositsPerEpoch
    }
  }

  /// Processor time of BLS12-381 on the reference machine.
  public struct Costs: Sendable, Equatable, BitwiseCopyable {
    public var sign = SimDuration.zero
    public var verify = SimDuration.zero
    /// Adding a signature to an aggregate; verifying an aggregate costs `verify` and this for each
    /// public key.
    public var aggregate = SimDuration.zero
    public var addKey = SimDuration.zero

    public init() {}
  }

  // Weights of the specification (altair): source, target, head; of 64. The sync committee's 2 and
  // the proposer's 8 make up the rest.
  static let flagWeights: [UInt64] = [14, 26, 14]
  static let weightDenominator: UInt64 = 64
  static let proposerWeight: UInt64 = 8
}
