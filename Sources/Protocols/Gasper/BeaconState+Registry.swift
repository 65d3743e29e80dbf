import Ledger

// Who enters and who leaves, by the rules of Electra: deposits wait in the state (EIP-6110), and so
// much balance becomes active or leaves in an epoch (EIP-7251).

/// What the state keeps of validators that were not there at genesis.
///
/// A validator that enters has a number of its own from the beginning, behind those of genesis, as
/// it has a key; its place in the registry is its place in `registered`.
struct Entries: Sendable {
  /// `PendingDeposit`, of MIN_ACTIVATION_BALANCE.
  struct Deposit: Sendable, BitwiseCopyable {
    var validator: UInt32
    /// Of the block that held it.
    var slot: UInt32
  }

  /// Validators at genesis.
  let first: Int
  var pending: [Deposit] = []
  /// `deposit_balance_to_consume`, in gwei.
  var budget: UInt64 = 0
  /// Those that are in the registry, in its order.
  var registered: [UInt32] = []
  /// `activation_eligibility_epoch`, and whether the chain holds the deposit, of each.
  var eligibility: [UInt32]
  var isDeposited: [Bool]

  init(first: Int, count: Int) {
    self.first = first
    eligibility = Array(repeating: BeaconState.never, count: count)
    isDeposited = Array(repeating: false, count: count)
  }
}

extension BeaconState {
  /// Deposits in the chain whose validators are not in the registry yet.
  public var pendingDeposits: Int { entries.pending.count }

  /// Validators of the registry that are not active yet: the activation queue.
  public func waiting(in epoch: UInt32) -> Int {
    entries.registered.reduce(0) { $0 + (activation[Int($1)] > epoch ? 1 : 0) }
  }

  /// Whether the chain holds a deposit of `validator`, who was not there at genesis.
  func hasDeposit(of validator: Int) -> Bool { entries.isDeposited[validator - entries.first] }

  /// `get_activation_exit_churn_limit`.
  func churnLimit(_ rewards: Gasper.Rewards) -> UInt64 {
    let churn = max(rewards.minChurn, totalActive / rewards.churnQuotient)
    return min(rewards.maxChurn, churn - churn % rewards.increment)
  }

  // MARK: - Operations in blocks

  /// `process_deposit_request`, in the state's slot.
  mutating func deposit(_ validator: Int) {
    entries.isDeposited[validator - entries.first] = true
    entries.pending.append(Entries.Deposit(validator: UInt32(validator), slot: slot))
  }

  /// The conditions of `process_voluntary_exit`.
  func mayLeave(_ validator: Int, in epoch: UInt32, _ rewards: Gasper.Rewards) -> Bool {
    isActive(validator, in: epoch) && exit[validator] == Self.never
      && epoch >= activation[validator] + rewards.servicePeriod
  }

  // MARK: - Epochs

  /// `process_registry_updates`: who has a full deposit may enter once that is final; who has too
  /// little leaves, through the queue.
  mutating func updateRegistry(_ epoch: UInt32, _ settings: Gasper.Settings) {
    let rewards = settings.rewards
    for v in 0..<entries.first { ejectIfPoor(v, epoch, settings) }
    for validator in entries.registered {
      let v = Int(validator)
      let eligible = entries.eligibility[v - entries.first]
      if eligible == Self.never, effective[v] >= rewards.initial {
        entries.eligibility[v - entries.first] = epoch + 1
      } else if isActive(v, in: epoch), effective[v] <= rewards.ejection {
        ejectIfPoor(v, epoch, settings)
      } else if eligible <= finality.finalized.epoch, activation[v] == Self.never {
        activation[v] = epoch + 1 + rewards.seedLookahead
      }
    }
  }

  private mutating func ejectIfPoor(_ v: Int, _ epoch: UInt32, _ settings: Gasper.Settings) {
    guard effective[v] <= settings.rewards.ejection, isActive(v, in: epoch),
      exit[v] == Self.never
    else { return }
    initiateExit(of: v, at: epoch, settings)
  }

  /// `process_pending_deposits`: those that are final, in order, as many as the churn allows. What
  /// an epoch leaves of its churn goes to the next only if a deposit waits for it.
  mutating func processDeposits(_ epoch: UInt32, _ settings: Gasper.Settings) {
    let rewards = settings.rewards
    let available = entries.budget + churnLimit(rewards)
    let finalized = finality.finalized.epoch * UInt32(settings.slotsPerEpoch)
    var processed: UInt64 = 0
    var count = 0
    var isLimited = false
    for deposit in entries.pending {
      guard deposit.slot <= finalized, count < rewards.depositsPerEpoch else { break }
      isLimited = processed + rewards.initial > available
      if isLimited { break }
      processed += rewards.initial
      count += 1
      register(Int(deposit.validator), rewards)
    }
    if count > 0 { entries.pending.removeFirst(count) }
    let budget = isLimited ? available - processed : 0
    if budget != entries.budget { entries.budget = budget }
  }

  /// `add_validator_to_registry`.
  private mutating func register(_ v: Int, _ rewards: Gasper.Rewards) {
    balances[v] = rewards.initial
    effective[v] = rewards.initial
    entries.registered.append(UInt32(v))
  }
}
