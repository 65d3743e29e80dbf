import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Testing

/// Servers whose messages are delivered by hand.
private struct Script {
  var servers: [Raft]
  var effects: Effects<Raft>
  var pending: [(from: Int, to: Int, message: Raft.Message)] = []
  /// What each server has decided: the batch of each slot.
  var decided: [[UInt32: BatchHandle]]

  init(n: Int, settings: Raft.Settings) {
    let committee = Committee(n: n, faults: .crash)
    servers = (0..<n).map { Raft(me: ReplicaID($0), committee: committee, settings: settings) }
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]), random: RandomStream(seed: 1, purpose: "figure 8"))
    decided = Array(repeating: [:], count: n)
  }

  private let now = LocalTime(nanoseconds: 0)

  /// Lets `i` stand until it is elected to a new term, and delivers what `isDelivered` allows until
  /// nothing is left. A leader of before finds first that nobody follows it.
  mutating func elect(_ i: Int, isDelivered: (Int, Int, Raft.Message) -> Bool) {
    let before = servers[i].currentTerm
    for _ in 0..<8 where !servers[i].isLeader || servers[i].currentTerm == before {
      servers[i].upon(timeout: .election, at: now, &effects)
      collect(i)
      deliver(isDelivered)
    }
  }

  mutating func submit(_ number: UInt64, to i: Int, isDelivered: (Int, Int, Raft.Message) -> Bool) {
    let range = TxRange(population: 0, first: number, count: 1)
    servers[i].upon(requests: range, .fromClient, at: now, &effects)
    collect(i)
    deliver(isDelivered)
  }

  private mutating func deliver(_ isDelivered: (Int, Int, Raft.Message) -> Bool) {
    while !pending.isEmpty {
      let (from, to, message) = pending.removeFirst()
      guard isDelivered(from, to, message) else { continue }
      servers[to].upon(message, from: ReplicaID(from), at: now, &effects)
      collect(to)
    }
  }

  private mutating func collect(_ i: Int) {
    effects.timerChanges.removeAll()
    for item in effects.items {
      switch item {
      case .send(let to, let message): pending.append((i, Int(to.index), message))
      case .broadcast(let message):
        for to in servers.indices where to != i { pending.append((i, to, message)) }
      case .decide(let decision): decided[i][decision.slot.number] = decision.batch
      case .forward, .replyAgain, .caughtUp, .accuse: break
      }
    }
    effects.items.removeAll()
  }

  /// Slots that two servers decided differently.
  var conflicts: Int {
    let slots = Set(decided.flatMap(\.keys))
    return slots.filter { slot in Set(decided.compactMap { $0[slot] }).count > 1 }.count
  }
}

/// "A leader cannot determine commitment using log entries from older terms" (§5.4.2, figure 8).
@Suite("Raft, figure 8") struct RaftFigure8Tests {
  private func run(_ weakness: Raft.Weakness) -> Script {
    var script = Script(
      n: 5,
      settings: raftSettings {
        $0.asksBeforeVoting = false
        $0.catchUpEntries = 1
        $0.weakness = weakness
      })
    func among(_ group: [Int]) -> (Int, Int, Raft.Message) -> Bool {
      { from, to, _ in group.contains(from) && group.contains(to) }
    }
    // (a) S1 leads, and replicates an entry to S2 alone.
    script.elect(0, isDelivered: among([0, 1, 2, 3, 4]))
    script.submit(0, to: 0, isDelivered: among([0, 1]))
    // (b) S1 is down; S5 is elected by S3 and S4, and appends another entry that goes nowhere.
    script.elect(4) { from, to, message in
      if case .append = message { return false }
      return among([2, 3, 4])(from, to, message)
    }
    // (c) S5 is down; S1 is elected by S2 and S3, and replicates its old entry to S3, but its new
    // term's to S2 alone.
    script.elect(0) { from, to, message in
      if case .append = message { return to == 1 }
      return among([0, 1, 2])(from, to, message)
    }
    // (d) S1 is down; S5 is elected by S3 and S4, and overwrites the entry.
    script.elect(4, isDelivered: among([1, 2, 3, 4]))
    script.submit(1, to: 4, isDelivered: among([1, 2, 3, 4]))
    return script
  }

  @Test("counting replicas of an entry of an earlier term decides it twice") func weak() {
    let script = run(.commitsEarlierTerms)
    #expect(script.conflicts > 0)
  }

  @Test("Raft does not") func sound() {
    let script = run([])
    #expect(script.conflicts == 0)
    #expect(script.decided[4].count >= 3)
    #expect(script.decided[0].count == 1)
  }
}
