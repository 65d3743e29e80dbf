import Ledger

/// Watches that no money is made or lost and that no transfer is half done. It reads what was done
/// to each account, not how the ledger decided it.
public struct LedgerMonitor: Sendable {
  public struct Finding: Sendable, Equatable {
    public var monitor: String
    public var detail: String
  }

  /// Money in the beginning.
  private let total: Int64
  /// What all changes so far add up to: never above 0, for what is paid is taken first.
  private var net: Int64 = 0
  public internal(set) var findings: [Finding] = []
  /// Parts that are held now.
  public internal(set) var held = 0
  /// Accounts that have moved.
  public internal(set) var moved = 0
  /// Transfers whose broker was short of money, so that the shards moved it.
  public internal(set) var relayed = 0
  public private(set) var committed = 0
  public private(set) var aborted = 0

  init(total: Int64) { self.total = total }

  /// Money that is neither on an account nor spent: held, or between shards.
  public var inFlight: Int64 { -net }

  private mutating func report(_ monitor: String, _ detail: String) {
    guard findings.count < 100 else { return }
    findings.append(Finding(monitor: monitor, detail: detail))
  }

  mutating func changed(_ leg: Leg, by amount: Int64) {
    net += amount
    let surplus = net
    if surplus > 0 { report("conservation", "\(surplus) more than there was") }
    if leg.applied != 0, leg.applied != leg.amount {
      report(
        "exactly-once",
        "account \(leg.account.index) changed by \(leg.applied), not by \(leg.amount)")
    }
  }

  /// An operation that gives back what `part` held has been carried out.
  mutating func noteReleased(_ part: Int, _ transfers: Transfers) {
    guard transfers.parts[part].state == .held else { return }
    report("atomicity", "transfer \(transfers.parts[part].transfer) was aborted and is still held")
  }

  mutating func noteConflict(on account: Int) {
    report("isolation", "two transfers hold account \(account)")
  }

  /// All parts of a transfer are done, or none of them will be.
  mutating func close(_ transfer: Int, committed isCommitted: Bool, _ transfers: Transfers) {
    if isCommitted { committed += 1 } else { aborted += 1 }
    for part in transfers.parts(of: transfer) {
      for leg in transfers.legs(of: part) {
        let leg = transfers.legs[leg]
        if leg.applied != (isCommitted ? leg.amount : 0) {
          report(
            "atomicity",
            "transfer \(transfer) is \(isCommitted ? "committed" : "aborted"), but account "
              + "\(leg.account.index) changed by \(leg.applied)")
        }
      }
    }
  }

  /// At the end of a run: what is on the accounts and in flight is what there was, and what was
  /// done to the accounts is what the transfers say.
  public func audit(_ ledger: ShardLedger) -> [Finding] {
    var all = findings
    let balances = ledger.balances.reduce(0, +)
    let applied = ledger.transfers.legs.reduce(0) { $0 + $1.applied }
    if balances != total + applied {
      all.append(
        Finding(
          monitor: "conservation",
          detail: "\(balances) on the accounts, \(total) in the beginning, \(applied) by transfers")
      )
    }
    if let account = ledger.balances.firstIndex(where: { $0 < 0 }) {
      all.append(Finding(monitor: "conservation", detail: "account \(account) is overdrawn"))
    }
    for transfer in 0..<ledger.transfers.count where !ledger.transfers[transfer].isMove {
      let parts = ledger.transfers.parts(of: transfer)
      let states = parts.map { ledger.transfers.parts[$0].state }
      let sum = parts.reduce(0) { sum, part in
        ledger.transfers.legs(of: part).reduce(sum) { $0 + ledger.transfers.legs[$1].applied }
      }
      if sum > 0 {
        all.append(Finding(monitor: "conservation", detail: "transfer \(transfer) made \(sum)"))
      }
      if states.contains(.done), states.contains(.released) || states.contains(.refused) {
        all.append(
          Finding(monitor: "atomicity", detail: "transfer \(transfer) is done in part, and undone"))
      }
    }
    return all
  }
}
