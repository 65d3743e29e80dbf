import Consensus
import Kernel
import Ledger
import Machines

/// Replicas on links of 1 ms, without an engine: what they send, line by line.
struct ReplicaTimeline<P: ConsensusProtocol> {
  private enum Step {
    case message(P.Message, from: Int)
    case requests(TxRange, RequestArrival)
    case timeout(P.Timer, generation: Int)
  }

  private var replicas: [P]
  private var effects: Effects<P>
  private var generations: [[Int]]
  private var pending: [(time: Int, to: Int, step: Step)] = []
  private var down: [Bool]
  /// Kinds of messages of a replica that reach nobody.
  private var muted: [(kind: String, replica: Int)] = []
  private var now = 0
  private(set) var lines: [String] = []

  /// What a line says of a message.
  private let text: (P.Message, borrowing Effects<P>) -> String

  /// - Parameter text: what a line says of a message; its kind if it says nothing.
  init(
    _ replicas: [P],
    text: @escaping (P.Message, borrowing Effects<P>) -> String = { message, _ in
      P.Message.kinds[message.kind]
    }
  ) {
    self.replicas = replicas
    self.text = text
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "timeline", entity: 0))
    generations = replicas.map { _ in Array(repeating: 0, count: P.Timer.slots) }
    down = Array(repeating: false, count: replicas.count)
  }

  /// Lets all replicas enter the run, at time 0.
  mutating func start() {
    for i in replicas.indices {
      replicas[i].start(at: LocalTime(nanoseconds: 0), &effects)
      carryOut(of: i)
    }
  }

  mutating func crash(_ replica: Int) {
    down[replica] = true
    lines.append("\(now) ms: \(replica) crashes")
  }

  /// From now on messages of `kind` that `replica` sends are lost.
  mutating func mute(_ kind: String, of replica: Int) {
    precondition(P.Message.kinds.contains(kind), "no kind \(kind)")
    muted.append((kind, replica))
  }

  private func isLost(_ message: P.Message, of replica: Int) -> Bool {
    muted.contains { $0.replica == replica && $0.kind == P.Message.kinds[message.kind] }
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
    carryOut(of: i)
  }

  private mutating func carryOut(of i: Int) {
    for change in effects.timerChanges { carryOut(change, of: i) }
    effects.timerChanges.removeAll()
    for item in effects.items { carryOut(item, of: i) }
    effects.items.removeAll()
  }

  private mutating func carryOut(_ change: Effects<P>.TimerChange, of i: Int) {
    switch change {
    case .disarm(let slot): generations[i][slot] += 1
    case .arm(let timer, let delay):
      generations[i][timer.slot] += 1
      let due = now + Int(delay.nanoseconds / 1_000_000)
      pending.append((due, i, .timeout(timer, generation: generations[i][timer.slot])))
    }
  }

  private mutating func carryOut(_ effect: Effects<P>.Effect, of i: Int) {
    switch effect {
    case .broadcast(let message):
      let isLost = isLost(message, of: i)
      lines.append("\(now) ms: \(i) -> \(isLost ? "nobody" : "all"): \(text(message, effects))")
      for to in replicas.indices where to != i && !isLost {
        pending.append((now + 1, to, .message(message, from: i)))
      }
    case .send(let to, let message):
      let isLost = isLost(message, of: i)
      lines.append(
        "\(now) ms: \(i) -> \(isLost ? "nobody" : "\(to.index)"): \(text(message, effects))")
      if !isLost { pending.append((now + 1, Int(to.index), .message(message, from: i))) }
    case .forward(let range, let to):
      lines.append("\(now) ms: \(i) -> \(to.index): request \(range.first)")
      pending.append((now + 1, Int(to.index), .requests(range, .fromClient)))
    case .decide(let decision):
      let what = decision.batch == .none ? "nothing" : "\(decision.transactions) so far"
      lines.append("\(now) ms: \(i) executes slot \(decision.slot.number), \(what)")
    case .replyAgain(let range, _): lines.append("\(now) ms: \(i) replies to \(range.first) again")
    case .caughtUp(let slot, _, _): lines.append("\(now) ms: \(i) jumps to \(slot.number)")
    case .accuse(let other): lines.append("\(now) ms: \(i) accuses \(other.index)")
    }
  }
}
