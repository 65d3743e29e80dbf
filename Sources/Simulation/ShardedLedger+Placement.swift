import Kernel
import Ledger
import Machines
import Sharding
import Workloads

// MARK: - Accounts are placed anew

extension ShardedLedgerState {
  /// Host 0, which is the supervisor and knows all transfers as their only client, places the
  /// accounts anew by those since the last time, and asks the shards to move them.
  mutating func relocate(_ world: inout World) {
    guard let (every, rule) = settings.relocation else { return }
    if world.now + every <= settings.clients.until {
      world.schedule(
        Event(at: world.now + every, subsystem: index, kind: Kind.relocation.rawValue, target: 0))
    }
    var transfers: [(AccountID, AccountID)] = []
    for transfer in placed..<ledger.transfers.count where !ledger.transfers[transfer].isMove {
      let parts = ledger.transfers.parts(of: transfer)
      let first = ledger.transfers.legs(of: parts.lowerBound).lowerBound
      let last = ledger.transfers.legs(of: parts.upperBound - 1).upperBound - 1
      if first < last {
        transfers.append(
          (ledger.transfers.legs[first].account, ledger.transfers.legs[last].account))
      }
    }
    let graph = TransactionGraph(accounts: settings.money.accounts, transfers: transfers)
    let now = ledger.destination.map { UInt32($0) }
    let next = rule.improved(now, graph, shards: shards.count).places
    counts.relocations += 1
    effects.removeAll()
    for account in next.indices where next[account] != now[account] {
      guard ledger.home[account] != ShardLedger.away else { continue }
      let move = ledger.transfers.addMove(
        AccountID(account), from: Int(now[account]), to: Int(next[account]), host: 0)
      let part = ledger.transfers.parts(of: move).lowerBound
      effects.requests.append(
        .init(operation: Operation(.leave, part: part), shard: UInt16(now[account])))
      counts.askedToMove += 1
    }
    while news.count < ledger.transfers.parts.count { news.append(News()) }
    sendRequests(from: 0, isLater: true, &world)
    placed = ledger.transfers.count
  }

  /// Submits the transfers of the trace that are due.
  mutating func replay(_ world: inout World) {
    let trace = settings.money.trace
    let population = Int(hosts[0].population)
    let first = traced
    while traced < trace.count, trace[traced].time <= world.now {
      world.logs[population].submit(at: trace[traced].time)
      traced += 1
    }
    begin(first..<traced, from: 0, &world)
    guard traced < trace.count, trace[traced].time <= settings.clients.until else { return }
    world.schedule(
      Event(at: trace[traced].time, subsystem: index, kind: Kind.traced.rawValue, target: 0))
  }
}
