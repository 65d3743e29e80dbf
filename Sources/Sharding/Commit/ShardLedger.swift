import Kernel
import Ledger

/// What a scenario says of how transfers commit.
public struct CommitSettings: Sendable, Equatable {
  /// What a lock holds.
  public enum Locks: String, Sendable, CaseIterable {
    /// The whole account: another transfer that pays from it is refused until the lock ends, which
    /// takes an operation of its own there.
    case accounts
    /// Only what is paid, as an unspent output is: nothing but too little money is refused.
    case amounts
  }

  /// A planted bug, for tests of the monitors.
  public enum Weakness: String, Sendable, CaseIterable {
    /// An aborted transfer's holds stay.
    case neverReleases = "never-releases"
    /// A relay is applied as often as it arrives.
    case appliesTwice = "applies-twice"
    /// Money is added without the proofs that it was taken.
    case unlocksWithoutProof = "unlocks-without-proof"
    /// A lock keeps nobody out.
    case ignoresLocks = "ignores-locks"
    /// An account arrives at its new shard without what was on it.
    case dropsState = "drops-state"
    /// A broker may pay although its lock has ended and the payer has the money back.
    case ignoresExpiry = "ignores-expiry"
  }

  /// What becomes of a transfer whose broker has too little money where it is to pay.
  public enum Shortage: String, Sendable, CaseIterable {
    /// The broker tries again, until its lock ends.
    case wait
    /// The shards move the money themselves, as by a relay.
    case relay
  }

  public var commit: CommitProtocol
  public var locks: Locks
  public var weakness: Weakness?
  public var shortage = Shortage.wait

  public init(_ commit: CommitProtocol, locks: Locks = .accounts, weakness: Weakness? = nil) {
    self.commit = commit
    self.locks = locks
    self.weakness = weakness
  }
}

/// The accounts of all shards, and what operations do to them. Each operation touches accounts of
/// its own shard only; proofs from other shards are tokens that exist if and only if what they
/// prove has happened.
public struct ShardLedger: Sendable {
  public let settings: CommitSettings
  public var transfers = Transfers()
  /// By account.
  public internal(set) var balances: [Int64]
  /// Shard of each account; `away` while it moves.
  public internal(set) var home: [UInt16]
  /// Where each account is, or is going.
  public internal(set) var destination: [UInt16]
  public static var away: UInt16 { .max }
  /// Transfer that holds each account, plus 1; 0: none.
  var holders: [UInt32]
  public var monitor: LedgerMonitor
  /// Accounts from here on are brokers'.
  public let firstBroker: Int

  /// - Parameters:
  ///   - balances: by account, not negative.
  ///   - home: shard of each account.
  ///   - brokers: how many accounts, the last ones, are brokers'.
  public init(
    _ settings: CommitSettings, balances: [Int64], home: [Int], brokers: Int = 0
  ) {
    firstBroker = balances.count - brokers
    precondition(balances.count == home.count, "a home for every account")
    self.settings = settings
    self.balances = balances
    self.home = home.map { UInt16($0) }
    destination = self.home
    holders = Array(repeating: 0, count: balances.count)
    monitor = LedgerMonitor(total: balances.reduce(0, +))
  }

  public func home(of account: AccountID) -> Int { Int(home[Int(account.index)]) }

  /// Carries out `operation` on its shard; the same at every member that has executed the same.
  ///
  /// - Parameter slot: of the shard's chain.
  public mutating func execute(
    _ operation: Operation, at shard: Int, in slot: Int = 0, _ effects: inout CommitEffects
  ) {
    let part = Int(operation.part)
    precondition(Int(transfers.parts[part].shard) == shard, "a part of another shard")
    let verdict =
      switch operation.kind {
      case .whole: executeWhole(part)
      case .withdraw: withdraw(part, &effects)
      case .deposit: deposit(part, &effects)
      case .lock: lock(part)
      case .commit: commit(part)
      case .abort: abort(part)
      case .prepare: prepare(part, &effects)
      case .accept: accept(part, &effects)
      case .create: create(part)
      case .yank: yank(part, &effects)
      case .complete: complete(part, &effects)
      case .refund: refund(part)
      case .leave: leave(part, &effects)
      case .enter: enter(part)
      case .payBroker: payBroker(part)
      case .brokerPays: brokerPays(part, in: slot, &effects)
      case .expire: expire(part, in: slot, &effects)
      case .settle: settle(part)
      }
    effects.receipts.append(
      .init(operation: operation, verdict: verdict, state: transfers.parts[part].state))
    noteFate(Int(transfers.parts[part].transfer))
  }

  /// A transfer on one shard: all of it or nothing.
  private mutating func executeWhole(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let verdict = problem(with: part)
    guard verdict == .accepted else {
      transfers.parts[part].state = .refused
      return verdict
    }
    apply(part)
    return .accepted
  }

  /// The observer's: whether all parts of `transfer` are done, or none will be.
  private mutating func noteFate(_ transfer: Int) {
    guard transfers[transfer].fate == .open, !transfers[transfer].isMove else { return }
    if settings.commit == .broker, transfers.isCrossShard(transfer) {
      return noteBrokered(transfer)
    }
    let parts = transfers.parts(of: transfer)
    if parts.allSatisfy({ transfers.parts[$0].state == .done }) {
      transfers[transfer].fate = .committed
      monitor.close(transfer, committed: true, transfers)
    } else if transfers.payingParts(of: transfer).allSatisfy({
      transfers.parts[$0].state == .refused || transfers.parts[$0].state == .released
    }) {
      transfers[transfer].fate = .aborted
      monitor.close(transfer, committed: false, transfers)
    }
  }
}

// MARK: - Accounts

extension ShardLedger {
  /// Why the legs of `part` that pay cannot be carried out; `accepted` if they can.
  func problem(with part: Int) -> Verdict {
    let transfer = transfers.parts[part].transfer
    for leg in transfers.legs(of: part) {
      let account = Int(transfers.legs[leg].account.index)
      if home[account] != transfers.parts[part].shard { return .hasMoved }
      guard transfers.legs[leg].amount < 0 else { continue }
      let holder = holders[account]
      if holder != 0, holder != transfer + 1, settings.weakness != .ignoresLocks {
        return .isLocked
      }
      if balances[account] + transfers.legs[leg].amount < 0 { return .lacksFunds }
    }
    return .accepted
  }

  /// Adds the amount of `leg` to its account, or takes it back.
  mutating func change(_ leg: Int, undo: Bool = false) {
    let amount = undo ? -transfers.legs[leg].amount : transfers.legs[leg].amount
    balances[Int(transfers.legs[leg].account.index)] += amount
    transfers.legs[leg].applied += amount
    monitor.changed(transfers.legs[leg], by: amount)
  }

  /// Carries out all legs of `part`.
  mutating func apply(_ part: Int) {
    for leg in transfers.legs(of: part) { change(leg) }
    transfers.parts[part].state = .done
  }

  /// What is moved to another committee locks nothing where it was; a broker's lock is on money.
  var locksAccounts: Bool {
    settings.locks == .accounts && settings.commit != .yank && settings.commit != .broker
  }

  /// Takes what `part` pays, and holds its accounts if locks do so.
  mutating func hold(_ part: Int) {
    for leg in transfers.legs(of: part) where transfers.legs[leg].amount < 0 {
      change(leg)
      guard locksAccounts else { continue }
      let account = Int(transfers.legs[leg].account.index)
      if holders[account] != 0 { monitor.noteConflict(on: account) }
      holders[account] = transfers.parts[part].transfer + 1
    }
    transfers.parts[part].state = .held
    monitor.held += 1
  }

  /// Carries out what a held part receives, and frees its accounts.
  mutating func finishHeld(_ part: Int) {
    for leg in transfers.legs(of: part) where transfers.legs[leg].amount > 0 { change(leg) }
    free(part)
    transfers.parts[part].state = .done
  }

  /// Gives back what a held part has paid.
  mutating func release(_ part: Int) {
    defer { monitor.noteReleased(part, transfers) }
    guard settings.weakness != .neverReleases else { return }
    for leg in transfers.legs(of: part) where transfers.legs[leg].amount < 0 {
      change(leg, undo: true)
    }
    free(part)
    transfers.parts[part].state = .released
  }

  private mutating func free(_ part: Int) {
    monitor.held -= 1
    for leg in transfers.legs(of: part) {
      let account = Int(transfers.legs[leg].account.index)
      if holders[account] == transfers.parts[part].transfer + 1 { holders[account] = 0 }
    }
  }
}
