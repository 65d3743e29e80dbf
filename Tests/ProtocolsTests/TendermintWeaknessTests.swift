import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Testing

@Suite("Without one of its rules, Tendermint breaks, and a monitor says so")
struct TendermintWeaknessTests {
  static let seeds = 1...4000 as ClosedRange<UInt64>

  static func violations(of weakness: Tendermint.Weakness, n: Int) -> Int {
    seeds.count { seed in
      var schedule = HostileSchedule(n: n, weakness: weakness, seed: seed)
      schedule.run(steps: 150 * n)
      return schedule.findings.contains { $0.monitor == "agreement" }
    }
  }

  @Test("whole, it holds under the same schedules", arguments: [4, 5, 7])
  func whole(n: Int) { #expect(Self.violations(of: [], n: n) == 0) }

  @Test("whole, it decides in most of them, and never accuses a correct replica")
  func decides() {
    var decided = 0
    var accused = 0
    for seed in Self.seeds.prefix(500) {
      var schedule = HostileSchedule(n: 4, weakness: [], seed: seed)
      schedule.run(steps: 600)
      if schedule.decisions > 0 { decided += 1 }
      if schedule.accused.contains(3) { accused += 1 }
      #expect(schedule.accused.allSatisfy { $0 == 3 })
    }
    #expect(decided > 250, "\(decided) of 500")
    #expect(accused > 50, "\(accused) of 500")
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() { #expect(Self.violations(of: .quorumOfTwoF, n: 4) > 0) }

  @Test("quorums of 2f + 1 break agreement where n = 3f + 2")
  func quorumOfTwoFPlusOne() {
    #expect(Self.violations(of: .quorumOfTwoFPlusOne, n: 5) > 0)
    #expect(Self.violations(of: .quorumOfTwoFPlusOne, n: 4) == 0, "it is the quorum there")
  }

  @Test("replicas that forget their lock break agreement")
  func forgetsLock() { #expect(Self.violations(of: .forgetsLock, n: 4) > 0) }

  /// Round 0: all but 3 prevote v, and only 0 learns that they are a quorum. Round 1: the others
  /// prevote v', and 3 alone decides it. Round 2: nobody hears the proposer. Round 3 is that of 3,
  /// who is a height ahead; now all learn of round 0. Round 4: 0 proposes v with its proof of lock,
  /// which is older than the locks of 1 and 2.
  @Test(
    "replicas that do not check the proof of lock, or take an older one than their lock, do too",
    arguments: [Tendermint.Weakness.ignoresProofOfLock, .acceptsStaleRounds, []])
  func proofOfLock(weakness: Tendermint.Weakness) {
    var schedule = HostileSchedule(n: 4, weakness: weakness) { message, from, to in
      switch message {
      case .proposal(let h, let r, _, _, _) where h.number == 1:
        r.number == 0 && to == 3 || r.number == 2 ? .lost : .delivered
      case .prevote(let h, let r, _) where h.number == 1:
        if r.number == 0, from == 0 {
          .untilRoundThree
        } else {
          r.number == 1 && from == 3 && to == 0 ? .lost : .delivered
        }
      case .precommit(let h, let r, _) where h.number == 1:
        r.number == 1 && from == 3 ? .lost : .delivered
      default: .delivered
      }
    }
    schedule.run(steps: 2000)
    #expect(schedule.decisions >= 1)
    #expect(schedule.findings.contains { $0.monitor == "agreement" } == !weakness.isEmpty)
  }
}

/// Replicas whose messages an adversary loses, delays and orders as a seed says, whose timers run
/// out when it likes, and the last of whom is two: each twin talks to a part of the others, which
/// changes from time to time. A correct protocol decides little, but nothing twice.
struct HostileSchedule {
  private enum Step {
    case message(Tendermint.Message, from: Int)
    case timeout(Tendermint.Timer, generation: Int)
  }

  private struct Pending {
    var instance: Int
    var step: Step
  }

  private let n: Int
  /// Replicas 0..<n, and the twin of the last as instance n.
  private var instances: [Tendermint]
  private var effects: Effects<Tendermint>
  private var generations: [[Int]]
  private var pending: [Pending] = []
  private var draw: RandomStream
  /// Which twin each correct replica hears and talks to.
  private var side: [Bool]
  private let loss: Double
  /// Messages that come twice, the second time much later.
  private let duplication: Double
  /// What becomes of each message, if nothing is left to chance; then there are no twins.
  private let script: Script?
  private var held: [Pending] = []

  typealias Script = (Tendermint.Message, Int, Int) -> Fate
  enum Fate { case delivered, lost, untilRoundThree }
  private var monitor: AgreementMonitor
  private(set) var findings: [AgreementMonitor.Finding] = []
  private(set) var decisions = 0
  private(set) var accused: Set<Int> = []

  init(
    n: Int, weakness: Tendermint.Weakness, seed: UInt64 = 1,
    script: Script? = nil
  ) {
    self.n = n
    self.script = script
    var settings = TendermintRun.plainSettings
    settings.proposesEmpty = true
    settings.statusInterval = .seconds(1_000_000)
    settings.commitTimeout = .milliseconds(1)
    settings.weakness = weakness
    let committee = Committee(n: n)
    let last = script == nil ? n : n - 1
    instances = (0...last).map {
      Tendermint(me: ReplicaID(min($0, n - 1)), committee: committee, settings: settings, seed: 1)
    }
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: seed, purpose: "replicas", entity: 0))
    generations = instances.map { _ in Array(repeating: 0, count: Tendermint.Timer.slots) }
    draw = RandomStream(seed: seed, purpose: "schedule", entity: 0)
    loss = script == nil ? 0.1 + 0.4 * draw.unit() : 0
    duplication = script == nil ? 0.3 * draw.unit() : 0
    side = (0..<n).map { _ in false }
    monitor = AgreementMonitor(replicas: n, populations: 1)
    if script == nil { for i in side.indices { side[i] = draw.bernoulli(0.5) } }
    for i in instances.indices {
      instances[i].start(at: LocalTime(nanoseconds: 0), &effects)
      carryOut(of: i)
    }
  }

  mutating func run(steps: Int) {
    for _ in 0..<steps where !pending.isEmpty {
      guard script == nil else {
        takeInOrder()
        continue
      }
      if draw.bernoulli(0.02) { side[draw.range(0..<n)].toggle() }
      // Mostly the oldest, so that rounds get somewhere; timers rarely.
      let k = draw.range(0..<min(pending.count, 2 * n))
      if case .timeout = pending[k].step, draw.bernoulli(0.7) { continue }
      let next = pending.remove(at: k)
      if case .message = next.step, draw.bernoulli(duplication) { pending.append(next) }
      take(next.step, at: next.instance)
    }
  }

  /// The oldest message; a timer only if there is none.
  private mutating func takeInOrder() {
    let k = pending.firstIndex { if case .message = $0.step { true } else { false } } ?? 0
    let next = pending.remove(at: k)
    if case .timeout(.status, _) = next.step { return }
    take(next.step, at: next.instance)
  }

  private mutating func take(_ step: Step, at i: Int) {
    let now = LocalTime(nanoseconds: 0)
    switch step {
    case .message(let message, let sender):
      instances[i].upon(message, from: ReplicaID(sender), at: now, &effects)
    case .timeout(let timer, let generation):
      guard generations[i][timer.slot] == generation else { return }
      instances[i].upon(timeout: timer, at: now, &effects)
    }
    carryOut(of: i)
  }

  private mutating func carryOut(of i: Int) {
    for change in effects.timerChanges {
      switch change {
      case .disarm(let slot): generations[i][slot] += 1
      case .arm(let timer, _):
        generations[i][timer.slot] += 1
        let generation = generations[i][timer.slot]
        pending.append(Pending(instance: i, step: .timeout(timer, generation: generation)))
      }
    }
    effects.timerChanges.removeAll()
    let items = effects.items
    effects.items.removeAll()
    effects.charged = .zero
    for item in items {
      switch item {
      case .broadcast(let message): for to in 0..<n { send(message, from: i, to: to) }
      case .send(let to, let message): send(message, from: i, to: Int(to.index))
      case .decide(let decision): if isCorrect(i) { note(decision, by: i) }
      case .accuse(let other): if isCorrect(i) { accused.insert(Int(other.index)) }
      case .forward, .replyAgain, .caughtUp: break
      }
    }
  }

  private func isCorrect(_ i: Int) -> Bool { script != nil || i < n - 1 }

  private mutating func send(_ message: Tendermint.Message, from i: Int, to: Int) {
    let sender = min(i, n - 1)
    guard to != sender, !draw.bernoulli(loss) else { return }
    if let script { return follow(script, message, from: i, to: to) }
    // A twin talks to its side; who talks to the twins is heard by one.
    if i >= n - 1, side[to] != (i == n) { return }
    let instance = to == n - 1 && side[sender] ? n : to
    pending.append(Pending(instance: instance, step: .message(message, from: sender)))
  }

  private mutating func follow(
    _ script: Script, _ message: Tendermint.Message, from i: Int, to: Int
  ) {
    if case .prevote(_, let r, _) = message, r.number >= 3 {
      pending += held
      held.removeAll()
    }
    let item = Pending(instance: to, step: .message(message, from: i))
    switch script(message, i, to) {
    case .delivered: pending.append(item)
    case .lost: break
    case .untilRoundThree: held.append(item)
    }
  }

  private mutating func note(_ decision: Effects<Tendermint>.Decision, by i: Int) {
    decisions += 1
    let batch = decision.batch
    let finding = monitor.decide(
      replica: i, slot: Int(decision.slot.number), batch: effects.batches[batch].digest,
      ranges: effects.batches.rangeCount(of: batch),
      range: { effects.batches.range($0, of: batch) }, state: decision.state,
      transactions: decision.transactions, submitted: { _ in 0 }
    ).finding
    if let finding { findings.append(finding) }
  }
}
