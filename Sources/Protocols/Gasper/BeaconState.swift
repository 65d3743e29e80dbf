import Ledger

/// The state of the beacon chain after a block, or after slots without one.
///
/// It is a function of the chain alone, so it is computed once for all nodes that have the chain.
/// Arrays are shared between the states of a chain until one of them changes.
public struct BeaconState: Sendable {
  /// FAR_FUTURE_EPOCH.
  public static var never: UInt32 { .max }

  public internal(set) var slot: UInt32 = 0
  public internal(set) var latestBlock = BlockID.genesis
  /// Of validators, in gwei.
  public internal(set) var balances: [UInt64]
  public internal(set) var effective: [UInt64]
  public internal(set) var scores: [UInt64]
  public internal(set) var activation: [UInt32]
  public internal(set) var exit: [UInt32]
  public internal(set) var withdrawable: [UInt32]
  public internal(set) var slashed: [Bool]
  /// TIMELY_SOURCE, TIMELY_TARGET and TIMELY_HEAD flags: bits 0, 1, 2.
  public internal(set) var previousFlags: [UInt8]
  public internal(set) var currentFlags: [UInt8]
  /// Effective balance slashed, by epoch: the entries of `slashings` that are not 0.
  var slashings: [(epoch: UInt32, gwei: UInt64)] = []
  /// RANDAO mixes of the last four epochs, by epoch modulo 4.
  var mixes: InlineArray<4, Hash256>
  public internal(set) var finality = Finality()
  /// `get_block_root` of the current and of the previous epoch.
  var currentTarget = BlockID.genesis
  var previousTarget = BlockID.genesis
  var earliestExit: UInt32 = 0
  var exitBudget: UInt64 = 0
  var entries: Entries
  /// Active balance of the current epoch.
  public internal(set) var totalActive: UInt64

  /// The state at genesis: `validators` are active, with equal balances; those that
  /// `settings.entrants` adds have nothing.
  public init(validators: Int, settings: Gasper.Settings, seed: Hash256) {
    let rewards = settings.rewards
    let entrants = settings.entrants.count
    let all = validators + entrants
    balances = Array(repeating: rewards.initial, count: validators)
    balances.append(contentsOf: repeatElement(0, count: entrants))
    effective = balances
    scores = Array(repeating: 0, count: all)
    activation = Array(repeating: 0, count: validators)
    activation.append(contentsOf: repeatElement(Self.never, count: entrants))
    exit = Array(repeating: Self.never, count: all)
    withdrawable = exit
    slashed = Array(repeating: false, count: all)
    previousFlags = Array(repeating: 0, count: all)
    entries = Entries(first: validators, count: entrants)
    currentFlags = previousFlags
    mixes = InlineArray(repeating: seed)
    totalActive = UInt64(validators) * rewards.initial
  }

  /// Goes on in the memory of `old`, a state that nobody needs any more, with what every block
  /// changes: so that a block allocates nothing.
  mutating func reuse(_ old: inout BeaconState) {
    Self.exchange(&balances, &old.balances)
    Self.exchange(&currentFlags, &old.currentFlags)
    Self.exchange(&previousFlags, &old.previousFlags)
  }

  private static func exchange<T: BitwiseCopyable>(_ own: inout [T], _ other: inout [T]) {
    guard own.count == other.count else { return }
    own.withUnsafeBufferPointer { source in
      other.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: source) }
    }
    swap(&own, &other)
  }

  public func isActive(_ validator: Int, in epoch: UInt32) -> Bool {
    activation[validator] <= epoch && epoch < exit[validator]
  }

  /// `get_active_validator_indices`, in the order of the registry.
  func active(in epoch: UInt32) -> [UInt32] {
    var list: [UInt32] = []
    list.reserveCapacity(balances.count)
    for v in 0..<entries.first where isActive(v, in: epoch) { list.append(UInt32(v)) }
    for v in entries.registered where isActive(Int(v), in: epoch) { list.append(v) }
    return list
  }

  /// `get_seed`: what the mix before the last epoch's gives for `epoch` (MIN_SEED_LOOKAHEAD 1).
  func seed(for epoch: UInt32, domain: UInt32) -> Hash256 {
    let mix = mixes[Int((epoch &+ 2) & 3)]
    return mix.hashed(with: UInt64(domain) | UInt64(epoch) << 32, count: 8)
  }

  func isSlashable(_ validator: Int, in epoch: UInt32) -> Bool {
    !slashed[validator] && activation[validator] <= epoch && epoch < withdrawable[validator]
  }

  /// Unslashed active balance with `flag` set: `get_total_balance` of the participating indices.
  func balance(with flag: UInt8, _ flags: [UInt8], in epoch: UInt32, least: UInt64) -> UInt64 {
    var total: UInt64 = 0
    for v in flags.indices
    where flags[v] & flag != 0 && !slashed[v] && isActive(v, in: epoch) { total += effective[v] }
    return max(total, least)
  }
}

// MARK: - Justification

extension BeaconState {
  /// `process_justification_and_finalization` at the end of `epoch`, the current one.
  func justified(at epoch: UInt32, _ settings: Gasper.Settings) -> Finality {
    guard epoch > 1 else { return finality }
    var next = finality
    let least = settings.rewards.increment
    next.weigh(
      previous: Checkpoint(epoch: epoch - 1, root: previousTarget),
      current: Checkpoint(epoch: epoch, root: currentTarget), total: totalActive,
      previousTarget: balance(with: 2, previousFlags, in: epoch - 1, least: least),
      currentTarget: balance(with: 2, currentFlags, in: epoch, least: least),
      needs: settings.weakness == .halfJustifies ? (1, 2) : (2, 3))
    return next
  }
}

// MARK: - Slots and blocks

/// A group of validators that voted alike, as a block holds it.
struct IncludedVote {
  var data: AttestationData
  var validators: [UInt32]
  /// `get_block_root_at_slot` of the vote's slot, on the chain of the block.
  var rootAtSlot: BlockID
}

extension BeaconState {
  /// `process_slots` over the end of an epoch, into `epoch`, the next.
  mutating func enter(_ epoch: UInt32, _ settings: Gasper.Settings) {
    processEpoch(epoch - 1, settings)
    mixes[Int(epoch & 3)] = mixes[Int((epoch - 1) & 3)]
    slot = epoch * UInt32(settings.slotsPerEpoch)
    previousTarget = currentTarget
    currentTarget = latestBlock
  }

  /// `process_randao` and the header; `slot` is of the epoch that the state has entered.
  mutating func begin(block: BlockID, at slot: UInt32, reveal: Hash256, _ settings: Gasper.Settings)
  {
    self.slot = slot
    latestBlock = block
    let epoch = slot / UInt32(settings.slotsPerEpoch)
    if slot % UInt32(settings.slotsPerEpoch) == 0 { currentTarget = block }
    mixes[Int(epoch & 3)] = mixes[Int(epoch & 3)] ^ reveal.hashed()
  }

  /// Which flags `data` earns in this state: `get_attestation_participation_flag_indices`; nil if
  /// it must not be included.
  func flags(
    for data: AttestationData, rootAtSlot: BlockID, at slot: UInt32, _ settings: Gasper.Settings
  ) -> UInt8? {
    let perEpoch = UInt32(settings.slotsPerEpoch)
    let epoch = slot / perEpoch
    let isCurrent = data.target.epoch == epoch
    guard isCurrent || data.target.epoch + 1 == epoch, data.slot < slot,
      data.target.epoch == data.slot / perEpoch
    else { return nil }
    let source = isCurrent ? finality.currentJustified : finality.previousJustified
    guard data.source == source else { return nil }
    let delay = slot - data.slot
    var flags: UInt8 = 0
    if UInt64(delay) <= squareRoot(UInt64(perEpoch)) { flags |= 1 }
    if data.target.root == (isCurrent ? currentTarget : previousTarget) {
      flags |= 2
      if data.head == rootAtSlot, delay == 1 { flags |= 4 }
    }
    return flags
  }

  /// `process_attestation`; returns the numerator of the proposer's reward.
  mutating func process(
    _ vote: IncludedVote, _ settings: Gasper.Settings
  ) -> UInt64 {
    guard let flags = flags(for: vote.data, rootAtSlot: vote.rootAtSlot, at: slot, settings)
    else { return 0 }
    let isCurrent = vote.data.target.epoch == slot / UInt32(settings.slotsPerEpoch)
    let perIncrement = baseRewardPerIncrement(settings)
    var numerator: UInt64 = 0
    for validator in vote.validators {
      let v = Int(validator)
      let before = isCurrent ? currentFlags[v] : previousFlags[v]
      let fresh = flags & ~before
      guard fresh != 0 else { continue }
      if isCurrent { currentFlags[v] = before | flags } else { previousFlags[v] = before | flags }
      let base = effective[v] / settings.rewards.increment * perIncrement
      for flag in 0..<3 where fresh >> UInt8(flag) & 1 == 1 {
        numerator += base * Gasper.flagWeights[flag]
      }
    }
    return numerator
  }

  /// Pays the proposer of a block for the votes in it.
  mutating func reward(_ proposer: Int, _ numerator: UInt64) {
    let (all, own) = (Gasper.weightDenominator, Gasper.proposerWeight)
    balances[proposer] += numerator / ((all - own) * all / own)
  }

  func baseRewardPerIncrement(_ settings: Gasper.Settings) -> UInt64 {
    settings.rewards.increment * settings.rewards.baseReward / squareRoot(totalActive)
  }

  mutating func decrease(_ validator: Int, by gwei: UInt64) {
    balances[validator] -= min(gwei, balances[validator])
  }

  /// `slash_validator` of Electra; the proposer who brings the evidence is the whistleblower.
  mutating func slash(_ validator: Int, by proposer: Int, _ settings: Gasper.Settings) {
    let epoch = slot / UInt32(settings.slotsPerEpoch)
    let rewards = settings.rewards
    initiateExit(of: validator, at: epoch, settings)
    slashed[validator] = true
    withdrawable[validator] = max(withdrawable[validator], epoch + rewards.slashingsVector)
    slashings.append((epoch, effective[validator]))
    decrease(validator, by: effective[validator] / rewards.slashingQuotient)
    balances[proposer] += effective[validator] / rewards.whistleblowerQuotient
  }

  /// `initiate_validator_exit` with Electra's queue by balance.
  mutating func initiateExit(of validator: Int, at epoch: UInt32, _ settings: Gasper.Settings) {
    guard exit[validator] == Self.never else { return }
    let rewards = settings.rewards
    let earliest = max(earliestExit, epoch + 1 + rewards.seedLookahead)
    let churn = churnLimit(rewards)
    var budget = earliestExit < earliest ? churn : exitBudget
    var at = earliest
    let leaving = effective[validator]
    if leaving > budget {
      let more = (leaving - budget - 1) / churn + 1
      at += UInt32(more)
      budget += more * churn
    }
    exitBudget = budget - leaving
    earliestExit = at
    exit[validator] = at
    withdrawable[validator] = at + rewards.withdrawability
  }
}

/// `integer_squareroot`.
func squareRoot(_ n: UInt64) -> UInt64 {
  guard n > 1 else { return n }
  var x = n
  var y = x / 2 + 1
  while y < x {
    x = y
    y = (x + n / x) / 2
  }
  return x
}
