import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Testing

/// Replicas of PBFT on links of 1 ms, without an engine: what they send, line by line.
private struct ReplicaTimeline {
  private enum Step {
    case message(PBFT.Message, from: Int)
    case requests(TxRange, RequestArrival)
    case timeout(PBFT.Timer, generation: Int)
  }

  private var replicas: [PBFT]
  private var effects: Effects<PBFT>
  private var generations: [[Int]]
  private var pending: [(time: Int, to: Int, step: Step)] = []
  private var down: [Bool]
  private var now = 0
  private(set) var lines: [String] = []

  init(n: Int, settings: PBFT.Settings) {
    let committee = Committee(n: n)
    replicas = (0..<n).map { PBFT(me: ReplicaID($0), committee: committee, settings: settings) }
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "timeline", entity: 0))
    generations = Array(repeating: [0, 0, 0, 0], count: n)
    down = Array(repeating: false, count: n)
  }

  mutating func crash(_ replica: Int) {
    down[replica] = true
    lines.append("\(now) ms: \(replica) crashes")
  }

  mutating func submit(_ number: UInt64, to targets: [Int], _ arrival: RequestArrival) {
    for to in targets {
      let range = TxRange(population: 0, first: number, count: 1)
      pending.append((now + 1, to, .requests(range, arrival)))
    }
    lines.append("\(now) ms: client sends \(number) to \(targets)")
  }

  mutating func run(until end: Int) {
    while let k = pending.indices.min(by: { (pending[$0].time, $0) < (pending[$1].time, $1) }),
      pending[k].time <= end
    {
      let (time, to, step) = pending.remove(at: k)
      now = time
      if !down[to] { take(step, at: to) }
    }
    now = end
  }

  private mutating func take(_ step: Step, at i: Int) {
    let local = LocalTime(nanoseconds: Int64(now) * 1_000_000)
    switch step {
    case .message(let message, let sender):
      replicas[i].upon(message, from: ReplicaID(sender), at: local, &effects)
    case .requests(let range, let arrival):
      replicas[i].upon(requests: range, arrival, at: local, &effects)
    case .timeout(let timer, let generation):
      guard generations[i][timer.slot] == generation else { return }
      lines.append("\(now) ms: \(i) times out")
      replicas[i].upon(timeout: timer, at: local, &effects)
    }
    for change in effects.timerChanges { carryOut(change, of: i) }
    effects.timerChanges.removeAll()
    for item in effects.items { carryOut(item, of: i) }
    effects.items.removeAll()
  }

  private mutating func carryOut(_ change: Effects<PBFT>.TimerChange, of i: Int) {
    switch change {
    case .disarm(let slot): generations[i][slot] += 1
    case .arm(let timer, let delay):
      generations[i][timer.slot] += 1
      let due = now + Int(delay.nanoseconds / 1_000_000)
      pending.append((due, i, .timeout(timer, generation: generations[i][timer.slot])))
    }
  }

  private mutating func carryOut(_ effect: Effects<PBFT>.Effect, of i: Int) {
    switch effect {
    case .broadcast(let message):
      lines.append("\(now) ms: \(i) -> all: \(text(message))")
      for to in replicas.indices where to != i {
        pending.append((now + 1, to, .message(message, from: i)))
      }
    case .send(let to, let message):
      lines.append("\(now) ms: \(i) -> \(to.index): \(text(message))")
      pending.append((now + 1, Int(to.index), .message(message, from: i)))
    case .forward(let range, let to):
      lines.append("\(now) ms: \(i) -> \(to.index): request \(range.first)")
      pending.append((now + 1, Int(to.index), .requests(range, .fromClient)))
    case .decide(let decision):
      let what = decision.batch == .none ? "nothing" : "\(decision.transactions) so far"
      lines.append("\(now) ms: \(i) executes slot \(decision.slot.number), \(what)")
    case .replyAgain(let range, _): lines.append("\(now) ms: \(i) replies to \(range.first) again")
    case .caughtUp(let slot, _, _): lines.append("\(now) ms: \(i) jumps to \(slot.number)")
    }
  }

  private func text(_ message: PBFT.Message) -> String {
    let name = PBFT.Message.kinds[message.kind]
    switch message {
    case .prePrepare(let v, let n, _, _), .prepare(let v, let n, _), .commit(let v, let n, _):
      return "\(name) v\(v.number) n\(n.number)"
    case .viewChange(let v, let body):
      guard case .viewChange(let change) = effects.body(body) else { return name }
      return "\(name) v\(v.number), prepared \(change.prepared.map(\.slot.number))"
    case .newView(let v, let body):
      guard case .newView(let view) = effects.body(body) else { return name }
      return "\(name) v\(v.number), of \(view.changes.map(\.sender.index)), "
        + "proposes \(view.proposals.map(\.slot.number))"
    default: return name
    }
  }
}

@Suite("PBFT, step by step")
struct PBFTTimelineTests {
  private static var settings: PBFT.Settings {
    var settings = PBFTRun.plainSettings
    settings.viewTimeout = .milliseconds(20)
    settings.statusInterval = .seconds(3600)
    return settings
  }

  @Test("four replicas decide a request in three phases")
  func normalCase() {
    var timeline = ReplicaTimeline(n: 4, settings: Self.settings)
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 100)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: pre-prepare v0 n1
        2 ms: 1 -> all: prepare v0 n1
        2 ms: 2 -> all: prepare v0 n1
        2 ms: 3 -> all: prepare v0 n1
        3 ms: 2 -> all: commit v0 n1
        3 ms: 3 -> all: commit v0 n1
        3 ms: 0 -> all: commit v0 n1
        3 ms: 1 -> all: commit v0 n1
        4 ms: 0 executes slot 1, 1 so far
        4 ms: 1 executes slot 1, 1 so far
        4 ms: 2 executes slot 1, 1 so far
        4 ms: 3 executes slot 1, 1 so far
        """)
  }

  @Test("what was prepared under a primary that crashed is proposed again under the next")
  func viewChange() {
    var timeline = ReplicaTimeline(n: 4, settings: Self.settings)
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 2)
    timeline.crash(0)
    timeline.run(until: 10)
    timeline.submit(1, to: [1, 2, 3], .retransmitted)
    timeline.run(until: 40)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: pre-prepare v0 n1
        2 ms: 1 -> all: prepare v0 n1
        2 ms: 2 -> all: prepare v0 n1
        2 ms: 3 -> all: prepare v0 n1
        2 ms: 0 crashes
        3 ms: 2 -> all: commit v0 n1
        3 ms: 3 -> all: commit v0 n1
        3 ms: 1 -> all: commit v0 n1
        4 ms: 1 executes slot 1, 1 so far
        4 ms: 2 executes slot 1, 1 so far
        4 ms: 3 executes slot 1, 1 so far
        10 ms: client sends 1 to [1, 2, 3]
        11 ms: 1 -> 0: request 1
        11 ms: 2 -> 0: request 1
        11 ms: 3 -> 0: request 1
        31 ms: 1 times out
        31 ms: 1 -> all: view-change v1, prepared [1]
        31 ms: 2 times out
        31 ms: 2 -> all: view-change v1, prepared [1]
        31 ms: 3 times out
        31 ms: 3 -> all: view-change v1, prepared [1]
        32 ms: 1 -> all: new-view v1, of [1, 2, 3], proposes [1]
        32 ms: 1 -> all: pre-prepare v1 n2
        33 ms: 2 -> all: prepare v1 n1
        33 ms: 2 -> 1: request 1
        33 ms: 3 -> all: prepare v1 n1
        33 ms: 3 -> 1: request 1
        33 ms: 2 -> all: prepare v1 n2
        33 ms: 3 -> all: prepare v1 n2
        34 ms: 3 -> all: commit v1 n1
        34 ms: 1 -> all: commit v1 n1
        34 ms: 2 -> all: commit v1 n1
        34 ms: 3 -> all: commit v1 n2
        34 ms: 1 -> all: commit v1 n2
        34 ms: 2 -> all: commit v1 n2
        35 ms: 2 executes slot 2, 2 so far
        35 ms: 1 executes slot 2, 2 so far
        35 ms: 3 executes slot 2, 2 so far
        """)
  }
}
