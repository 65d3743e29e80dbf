import Ledger

/// What a client does about its transfers: the first requests, and what follows from receipts. It
/// knows of each part what the last receipt said.
public struct TransferClient: Sendable {
  public let settings: CommitSettings
  /// What receipts have said, by part.
  private var views: [Part.State] = []
  /// Whether it has asked for the last operation of each part.
  private var isDriven: [Bool] = []

  public init(_ settings: CommitSettings) { self.settings = settings }

  /// What it has been told of `part`.
  public func view(of part: Int) -> Part.State { views[part] }

  /// Makes room for all parts so far.
  private mutating func grow(to count: Int) {
    while views.count < count {
      views.append(.idle)
      isDriven.append(false)
    }
  }

  /// The requests that begin `transfer`.
  public mutating func begin(
    _ transfer: Int, _ ledger: borrowing ShardLedger, _ effects: inout CommitEffects
  ) {
    grow(to: ledger.transfers.parts.count)
    let parts = ledger.transfers.parts(of: transfer)
    func request(_ kind: Operation.Kind, _ part: Int) {
      effects.request(kind, part, at: ledger.transfers.parts[part].shard)
    }
    guard parts.count > 1 else { return request(.whole, parts.lowerBound) }
    switch settings.commit {
    case .relay: request(.withdraw, parts.lowerBound)
    case .atomix: for part in ledger.transfers.payingParts(of: transfer) { request(.lock, part) }
    case .sbac: for part in ledger.transfers.payingParts(of: transfer) { request(.prepare, part) }
    case .yank:
      let output = ledger.outputPart(of: transfer)
      effects.orders.append(
        .init(transfer: UInt32(transfer), shard: ledger.transfers.parts[output].shard))
    }
  }

  /// Takes a receipt in. Returns what has become of the transfer, as far as its client knows.
  public mutating func upon(
    _ receipt: CommitEffects.Receipt, _ ledger: borrowing ShardLedger,
    _ effects: inout CommitEffects
  ) -> Transfer.Fate {
    let part = Int(receipt.operation.part)
    grow(to: ledger.transfers.parts.count)
    let old = views[part]
    // Receipts may overtake each other: a part goes on from idle to held to its end only.
    if rank(receipt.state) > rank(old) { views[part] = receipt.state }
    let transfer = Int(ledger.transfers.parts[part].transfer)
    if settings.commit == .atomix, views[part] != old, ledger.transfers.isCrossShard(transfer) {
      drive(transfer, ledger, &effects)
    }
    return fate(of: transfer, ledger)
  }

  private func rank(_ state: Part.State) -> Int {
    switch state {
    case .idle: 0
    case .held: 1
    case .done, .refused, .released: 2
    }
  }

  /// Atomix: with all acceptances, commit; with one rejection, give back what is locked.
  private mutating func drive(
    _ transfer: Int, _ ledger: borrowing ShardLedger, _ effects: inout CommitEffects
  ) {
    let paying = ledger.transfers.payingParts(of: transfer)
    if paying.contains(where: { views[$0] == .refused }) {
      for part in paying where views[part] == .held && !isDriven[part] {
        isDriven[part] = true
        effects.request(.abort, part, at: ledger.transfers.parts[part].shard)
      }
    } else if paying.allSatisfy({ views[$0] != .idle }) {
      for part in ledger.transfers.parts(of: transfer)
      where !isDriven[part] && needsCommit(part, ledger.transfers) {
        isDriven[part] = true
        effects.request(.commit, part, at: ledger.transfers.parts[part].shard)
      }
    }
  }

  /// Whether `part` waits for a commit: it receives something, or its lock must end.
  private func needsCommit(_ part: Int, _ transfers: borrowing Transfers) -> Bool {
    switch views[part] {
    case .idle: !transfers.parts[part].pays
    case .held: !isSpentByItsHold(part, transfers)
    case .done, .refused, .released: false
    }
  }

  /// Nothing but money to pay, which is spent when it is held and the transfer commits elsewhere.
  private func isSpentByItsHold(_ part: Int, _ transfers: borrowing Transfers) -> Bool {
    guard transfers.parts[part].pays,
      settings.commit == .yank || (settings.commit == .atomix && settings.locks == .amounts)
    else { return false }
    for leg in transfers.legs(of: part) where transfers.legs[leg].amount > 0 { return false }
    return true
  }

  /// What its client knows of `transfer`.
  public func fate(of transfer: Int, _ ledger: borrowing ShardLedger) -> Transfer.Fate {
    if settings.commit == .yank, ledger.transfers.isCrossShard(transfer) {
      return fateByOutput(transfer, ledger)
    }
    var isDone = true
    for part in ledger.transfers.parts(of: transfer) {
      let isSpent = views[part] == .held && isSpentByItsHold(part, ledger.transfers)
      if views[part] != .done, !isSpent { isDone = false }
    }
    if isDone { return .committed }
    for part in ledger.transfers.payingParts(of: transfer)
    where views[part] != .refused && views[part] != .released {
      return .open
    }
    return .aborted
  }

  /// The output committee says whether a transfer of yanks commits; those with something to receive
  /// tell when they have.
  private func fateByOutput(_ transfer: Int, _ ledger: borrowing ShardLedger) -> Transfer.Fate {
    switch views[ledger.outputPart(of: transfer)] {
    case .refused, .released: return .aborted
    case .idle, .held: return .open
    case .done: break
    }
    for part in ledger.transfers.parts(of: transfer) where isOpen(part, ledger) { return .open }
    return .committed
  }

  /// What to ask again for after a silence: every part that is not at its end, with the operation
  /// that it waits for as far as the client gave it.
  public func isOpen(_ part: Int, _ ledger: borrowing ShardLedger) -> Bool {
    let transfer = Int(ledger.transfers.parts[part].transfer)
    switch views[part] {
    case .done, .refused, .released: return false
    case .held: return !isSpentByItsHold(part, ledger.transfers)
    case .idle:
      // The output committee answers for an input that only pays.
      return settings.commit != .yank || part == ledger.outputPart(of: transfer)
        || !isSpentByItsHold(part, ledger.transfers)
        || !ledger.transfers.isCrossShard(transfer)
    }
  }
}
