import Consensus
import Kernel
import Ledger

// Validators that enter and leave: deposits and voluntary exits are gossiped to everybody, and
// proposers put them into blocks (electra; phase0/p2p-interface).
//
// An operation is named by its validator and kind: `validator * 2`, plus 1 if it is an exit.

extension Gasper {
  static let depositKind: UInt8 = 3
  static let exitKind: UInt8 = 4

  /// A `DepositRequest` in a block, beside the transaction that it is of: key, credentials, amount,
  /// signature, index. A `SignedVoluntaryExit`.
  static var depositRequestBytes: Int { 48 + 32 + 8 + signatureBytes + 8 }
  static var exitBytes: Int { 8 + 8 + signatureBytes }

  /// What a node knows of deposits and exits.
  struct Operations: Sendable {
    /// Those that its chain did not hold for good when it last looked, as they came.
    var open: [UInt32] = []
    /// A bit for each that has come; empty as long as none has.
    var seen: [UInt64] = []

    func has(_ operation: UInt32) -> Bool {
      !seen.isEmpty && seen[Int(operation >> 6)] >> UInt64(operation & 63) & 1 == 1
    }

    /// - Parameter validators: how many there ever may be.
    mutating func take(_ operation: UInt32, validators: Int) {
      if seen.isEmpty { seen = Array(repeating: 0, count: 2 * validators / 64 + 1) }
      seen[Int(operation >> 6)] |= 1 << UInt64(operation & 63)
      open.append(operation)
    }
  }

  // MARK: - Whose validators

  /// Nodes that host those who enter: all, one after another, but not the adversary's.
  private var hosts: Range<Int> { (settings.adversary > 0 ? 1 : 0)..<firstValidator.count - 1 }

  func isMine(_ validator: Int) -> Bool {
    guard validator >= settings.validators else {
      return firstValidator[me] <= UInt32(validator) && UInt32(validator) < firstValidator[me + 1]
    }
    return Self.host(ofEntrant: validator - settings.validators, hosts) == me
  }

  static func host(ofEntrant k: Int, _ hosts: Range<Int>) -> Int {
    hosts.lowerBound + k % hosts.count
  }

  /// The place of one of the node's validators among its own.
  func place(of validator: Int) -> Int {
    guard validator >= settings.validators else { return validator - Int(firstValidator[me]) }
    return Int(firstValidator[me + 1] - firstValidator[me])
      + (validator - settings.validators) / hosts.count
  }

  var ownValidators: Int {
    Int(firstValidator[me + 1] - firstValidator[me])
      + (settings.entrants.count + hosts.count - 1) / hosts.count
  }

  /// The validator of genesis that leaves as number `k`: they are spread evenly.
  private func leaver(_ k: Int) -> Int { k * settings.validators / settings.leavers.count }

  // MARK: - Asking for it

  /// Plans the deposit of the next of the node's validators from number `k` on.
  mutating func planEntry(from k: Int) {
    guard hosts.contains(me) else { return }
    let next = k + (me - hosts.lowerBound - k % hosts.count + hosts.count) % hosts.count
    guard next < settings.entrants.count else { return }
    plan(.enter, at: settings.entrants.time(of: next), in: UInt32(next))
  }

  mutating func planExit(from k: Int) {
    // The first of them that is not before the node's own validators.
    let (count, all) = (settings.leavers.count, settings.validators)
    let next = max(k, (Int(firstValidator[me]) * count + all - 1) / all)
    guard next < count, isMine(leaver(next)) else { return }
    plan(.leave, at: settings.leavers.time(of: next), in: UInt32(next))
  }

  mutating func ask(for task: Task, _ effects: inout ChainEffectsOf<GasperContent>) {
    let k = Int(task.slot)
    let isExit = task.kind == .leave
    if isExit { planExit(from: k + 1) } else { planEntry(from: k + 1) }
    let validator = isExit ? leaver(k) : settings.validators + k
    let operation = UInt32(validator) << 1 | (isExit ? 1 : 0)
    guard !operations.has(operation) else { return }
    operations.take(operation, validators: settings.allValidators)
    effects.charge(settings.costs.sign)
    spread(operation, &effects)
  }

  private func spread(_ operation: UInt32, _ effects: inout ChainEffectsOf<GasperContent>) {
    let isExit = operation & 1 == 1
    effects.gossip(
      Note(
        kind: isExit ? Self.exitKind : Self.depositKind, topic: TopicBook.everyone,
        bytes: isExit ? Self.exitBytes : settings.depositBytes, item: operation,
        digest: UInt64(operation)))
  }

  mutating func take(operation: UInt32) -> Bool {
    guard !operations.has(operation) else { return false }
    operations.take(operation, validators: settings.allValidators)
    return true
  }

  /// Once an epoch: drops what the chain of the node's head holds for good, and sends those of its
  /// own validators' that it does not hold again.
  mutating func tendOperations(_ effects: inout ChainEffectsOf<GasperContent>) {
    guard !operations.open.isEmpty, let state = effects.content.state(of: head) else { return }
    let epoch = effects.content.epoch(of: store.slot)
    operations.open.removeAll {
      let v = Int($0 >> 1)
      return $0 & 1 == 1
        ? state.exit[v] <= epoch || state.slashed[v] : state.effective[v] > 0
    }
    for operation in operations.open
    where isMine(Int(operation >> 1)) && isWanted(operation, state, epoch) {
      spread(operation, &effects)
    }
  }

  /// Whether a block on `state` may hold `operation`.
  private func isWanted(_ operation: UInt32, _ state: BeaconState, _ epoch: UInt32) -> Bool {
    let v = Int(operation >> 1)
    return operation & 1 == 1
      ? state.mayLeave(v, in: epoch, settings.rewards) : !state.hasDeposit(of: v)
  }

  // MARK: - In blocks

  /// Puts in what the chain lacks, in the order in which it came.
  func pack(
    operationsFor state: BeaconState, _ epoch: UInt32, _ body: inout GasperContent.Body,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Int {
    body.firstOperation = effects.content.partOperations.endIndex
    var exits = 0
    var deposits = 0
    for operation in operations.open where isWanted(operation, state, epoch) {
      if operation & 1 == 1 {
        guard exits < settings.maxExits else { continue }
        exits += 1
      } else {
        guard deposits < settings.maxDeposits else { continue }
        deposits += 1
      }
      effects.content.partOperations.append(operation)
      body.operationCount += 1
    }
    return exits * Self.exitBytes
      + deposits * (settings.depositBytes + Self.depositRequestBytes)
  }
}
