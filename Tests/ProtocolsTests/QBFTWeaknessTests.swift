import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Without one of its rules, QBFT breaks, and a monitor says so")
struct QBFTWeaknessTests {
  /// Proposers crash one after the other and come back, on links with heavy tails; for a second,
  /// two and two replicas do not reach each other.
  static func violations(of weakness: IstanbulSettings.Weakness, seed: UInt64) -> [String] {
    var run = QBFTRun()
    run.seed = seed
    run.settings = QBFTRun.faultySettings
    run.settings.blockPeriod = .milliseconds(10)
    run.settings.requestTimeout = .milliseconds(6)
    run.settings.weakness = weakness
    run.delay = .pareto(scale: 1e6, shape: 1.1)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 500)
    run.clientTimeout = .milliseconds(100)
    run.until = SimTime(nanoseconds: 2_000_000_000)
    run.partitions = [
      Partition(
        from: SimTime(nanoseconds: 700_000_000), until: SimTime(nanoseconds: 1_700_000_000),
        side: [0, 0, 1, 1, 0, 1])
    ]
    run.faults = [300, 600, 1000].map {
      Fault(
        at: SimTime(nanoseconds: $0 * 1_000_000),
        .crash(.proposer(subsystem: 1), downTime: .milliseconds(100), keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 4_000_000_000))
    return simulation.world.violations.map(\.monitor)
  }

  static let seeds = 1...20 as ClosedRange<UInt64>

  @Test("whole, it holds under the same faults")
  func whole() {
    for seed in Self.seeds { #expect(Self.violations(of: [], seed: seed) == []) }
  }

  @Test("a proposer that does not propose again what was prepared breaks agreement")
  func forgetsPrepared() {
    let seen = Self.seeds.count {
      Self.violations(of: .forgetsPrepared, seed: $0).contains("agreement")
    }
    #expect(seen >= 5, "\(seen) of 20 seeds")
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() {
    let seen = Self.seeds.count {
      Self.violations(of: .quorumOfTwoF, seed: $0).contains("agreement")
    }
    #expect(seen >= 10, "\(seen) of 20 seeds")
  }
}

/// Replicas whose messages a test delivers by hand, so that one of them may lie.
struct QBFTStage {
  struct Letter {
    var from: Int
    var to: Int
    var message: IstanbulMessage
  }

  var replicas: [QBFT]
  var effects: Effects<QBFT>
  var letters: [Letter] = []
  var monitor: AgreementMonitor
  var findings: [String] = []
  var accused: [Int] = []

  init(n: Int, _ weakness: IstanbulSettings.Weakness) {
    var settings = QBFTRun.plainSettings
    settings.weakness = weakness
    let committee = Committee(n: n)
    replicas = (0..<n).map {
      QBFT(me: ReplicaID($0), committee: committee, settings: settings)
    }
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "stage", entity: 0))
    monitor = AgreementMonitor(replicas: n, populations: 1)
  }

  private func local(_ ms: Int64) -> LocalTime { LocalTime(nanoseconds: ms * 1_000_000) }

  /// Lets replica `i` take a step and posts what it sends; sender `as` another for a double.
  mutating func act(
    _ i: Int, posts: Bool = true, _ step: (inout QBFT, inout Effects<QBFT>) -> Void
  ) -> [IstanbulMessage] {
    step(&replicas[i], &effects)
    var sent: [IstanbulMessage] = []
    for item in effects.items {
      switch item {
      case .broadcast(let message):
        sent.append(message)
        guard posts else { continue }
        for to in replicas.indices where to != i {
          letters.append(Letter(from: i, to: to, message: message))
        }
      case .send(let to, let message):
        letters.append(Letter(from: i, to: Int(to.index), message: message))
      case .decide(let decision): note(decision, by: i)
      case .accuse(let other): accused.append(Int(other.index))
      case .forward, .replyAgain, .caughtUp: break
      }
    }
    effects.clearAll()
    return sent
  }

  private mutating func note(_ decision: Effects<QBFT>.Decision, by i: Int) {
    let batch = effects.batches[decision.batch]
    let (_, finding) = monitor.decide(
      replica: i, slot: Int(decision.slot.number), batch: batch.digest,
      ranges: effects.batches.rangeCount(of: decision.batch),
      range: { effects.batches.range($0, of: decision.batch) }, state: decision.state,
      transactions: decision.transactions, submitted: { _ in 100 })
    if let finding { findings.append(finding.monitor) }
  }

  @discardableResult
  mutating func deliver(_ message: IstanbulMessage, from: Int, to: Int, at ms: Int64 = 1000)
    -> [IstanbulMessage]
  {
    let now = local(ms)
    return act(to) { $0.upon(message, from: ReplicaID(from), at: now, &$1) }
  }

  /// Delivers what is posted, and what follows from it, as far as `passes` lets it; the rest is
  /// kept.
  mutating func deliverAll(at ms: Int64 = 1000, where passes: (Letter) -> Bool) {
    var kept: [Letter] = []
    while !letters.isEmpty {
      let letter = letters.removeFirst()
      if passes(letter) {
        deliver(letter.message, from: letter.from, to: letter.to, at: ms)
      } else {
        kept.append(letter)
      }
    }
    letters = kept
  }

  @discardableResult
  mutating func fire(_ timer: IstanbulTimer, at i: Int, ms: Int64) -> [IstanbulMessage] {
    let now = local(ms)
    return act(i) { $0.upon(timeout: timer, at: now, &$1) }
  }

  mutating func submit(_ number: UInt64, to i: Int) {
    let now = local(0)
    _ = act(i, posts: false) {
      $0.upon(
        requests: TxRange(population: 0, first: number, count: 1), .fromClient, at: now, &$1)
    }
  }
}

extension Effects {
  fileprivate mutating func clearAll() {
    items.removeAll()
    timerChanges.removeAll()
  }
}

@Suite("One replica lies, and QBFT without one of its rules disagrees")
struct QBFTLiarTests {
  /// Five replicas; the proposer shows two of them one block, two another. Three are 2f + 1, but
  /// two sets of three meet in the liar alone.
  static func twoFaces(_ weakness: IstanbulSettings.Weakness) -> QBFTStage {
    var stage = QBFTStage(n: 5, weakness)
    let start = stage.replicas[0]
    for (camp, transaction) in [([1, 2], 0), ([3, 4], 1)] {
      stage.replicas[0] = start
      stage.submit(UInt64(transaction), to: 0)
      stage.fire(.block, at: 0, ms: 1000)
      let side = [0] + camp
      stage.deliverAll { side.contains($0.from) && side.contains($0.to) }
      stage.letters.removeAll()
    }
    return stage
  }

  @Test("a quorum of 2f + 1 at n = 3f + 2")
  func quorumOfTwoFAndOne() {
    let weak = Self.twoFaces(.quorumOfTwoFAndOne)
    #expect(weak.findings.contains("agreement"))
    let whole = Self.twoFaces([])
    #expect(whole.findings == [] && whole.monitor.slots == 0)
  }

  /// Round 0 decides at replica 2 alone. The proposer of round 1 has a block of its own, and no
  /// round changes to show.
  static func usurper(_ weakness: IstanbulSettings.Weakness) -> QBFTStage {
    var stage = QBFTStage(n: 4, weakness)
    stage.submit(0, to: 0)
    stage.submit(1, to: 1)
    let liar = stage.replicas[1]
    stage.fire(.block, at: 0, ms: 1000)
    stage.deliverAll { letter in
      if case .commit = letter.message { return letter.to == 2 }
      return true
    }
    #expect(stage.monitor.slots == 1)
    stage.letters.removeAll()
    // It makes a proposal as if all had left round 0 with nothing prepared.
    stage.replicas[1] = liar
    let nothing = IstanbulBody.RoundChange(
      height: Slot(1), round: Round(1), prepared: nil, preparedRound: Round(0), prepares: 0)
    for i in [0, 2, 3] {
      let body = stage.effects.store(.roundChange(nothing))
      stage.deliver(.roundChange(h: Slot(1), r: Round(1), body), from: i, to: 1, at: 5000)
    }
    for k in stage.letters.indices {
      guard case .justified(let h, let r, let body) = stage.letters[k].message,
        case .proposal(var proposal) = stage.effects.body(body)
      else { continue }
      proposal.changes = []
      stage.letters[k].message = .justified(h: h, r: r, stage.effects.store(.proposal(proposal)))
    }
    stage.deliverAll(at: 5000) { $0.to != 2 && $0.from != 2 }
    return stage
  }

  @Test("proposals of later rounds without justification")
  func skipsJustification() {
    #expect(Self.usurper(.skipsJustification).findings.contains("agreement"))
    #expect(Self.usurper([]).findings == [])
  }

  /// Round 1 decides at replica 1 alone. In round 2, before its proposal comes, the proposer of
  /// round 0 shows its old block.
  static func latecomer(_ weakness: IstanbulSettings.Weakness) -> QBFTStage {
    var stage = QBFTStage(n: 4, weakness)
    stage.submit(0, to: 0)
    stage.submit(1, to: 1)
    let late = stage.fire(.block, at: 0, ms: 1000)
    stage.letters.removeAll()
    for i in 1...3 { stage.fire(.round, at: i, ms: 5000) }
    stage.deliverAll(at: 5000) { letter in
      if letter.to == 0 { return false }
      if case .commit = letter.message { return letter.to == 1 }
      return true
    }
    #expect(stage.monitor.slots == 1)
    stage.letters.removeAll()
    for i in 2...3 { stage.fire(.round, at: i, ms: 13_000) }
    stage.letters.removeAll()
    for message in late { for i in 2...3 { stage.deliver(message, from: 0, to: i, at: 13_000) } }
    stage.deliverAll(at: 13_000) { $0.to >= 2 && $0.from >= 2 }
    if case .prepare(let h, _, let d)? = late.last {
      for i in 2...3 {
        stage.deliver(.commit(h: h, r: Round(2), d: d), from: 0, to: i, at: 13_000)
      }
    }
    return stage
  }

  @Test("proposals and votes of rounds that are over")
  func acceptsStaleRounds() {
    #expect(Self.latecomer(.acceptsStaleRounds).findings.contains("agreement"))
    #expect(Self.latecomer([]).findings == [])
  }

  /// Round 0 decides at replica 2 alone, then all leave it.
  static func successor(_ weakness: IstanbulSettings.Weakness) -> QBFTStage {
    var stage = QBFTStage(n: 4, weakness)
    stage.submit(0, to: 0)
    stage.submit(1, to: 1)
    stage.fire(.block, at: 0, ms: 1000)
    stage.deliverAll { letter in
      if case .commit = letter.message { return letter.to == 2 }
      return true
    }
    stage.letters.removeAll()
    for i in [0, 1, 3] { stage.fire(.round, at: i, ms: 5000) }
    stage.deliverAll(at: 5000) { $0.to != 2 }
    return stage
  }

  @Test("the block prepared last is proposed again, and decided at those who missed it")
  func proposesAgain() {
    let whole = Self.successor([])
    #expect(whole.findings == [])
    #expect(whole.replicas.map(\.decided.number) == [1, 1, 1, 1])
    #expect(whole.replicas.allSatisfy { $0.state == whole.replicas[2].state })
    #expect(Self.successor(.forgetsPrepared).findings.contains("agreement"))
  }

  @Test("who proposes or prepares two blocks in one round is named")
  func equivocation() {
    var stage = QBFTStage(n: 4, [])
    let start = stage.replicas[0]
    var shown: [[IstanbulMessage]] = []
    for transaction in 0...1 {
      stage.replicas[0] = start
      stage.submit(UInt64(transaction), to: 0)
      shown.append(stage.fire(.block, at: 0, ms: 1000))
    }
    stage.letters.removeAll()
    for message in shown[0] + [shown[0][0]] { stage.deliver(message, from: 0, to: 1) }
    #expect(stage.accused == [])
    stage.deliver(shown[1][0], from: 0, to: 1)
    #expect(stage.accused == [0])
    stage.deliver(shown[1][1], from: 0, to: 1)
    #expect(stage.accused == [0, 0])
  }

  @Test("a block that is not what its digest says is refused, and one without its justification")
  func invalidProposals() {
    var stage = QBFTStage(n: 4, [])
    let proposal = stage.fire(.block, at: 0, ms: 1000)[0]
    stage.letters.removeAll()
    #expect(QBFT.hasInvalidProposals)
    guard let wrong = stage.replicas[0].invalidated(proposal, &stage.effects) else {
      Issue.record("a pre-prepare is a proposal")
      return
    }
    #expect(stage.deliver(wrong, from: 0, to: 1).isEmpty)
    #expect(stage.deliver(proposal, from: 0, to: 1).count == 1)

    var later = QBFTStage(n: 4, [])
    for i in 1...3 { later.fire(.round, at: i, ms: 5000) }
    later.deliverAll(at: 5000) { letter in
      if case .justified = letter.message { return false }
      return letter.to == 1
    }
    let held = later.letters.first {
      if case .justified = $0.message { return $0.to == 2 }
      return false
    }
    guard let held, let short = later.replicas[1].invalidated(held.message, &later.effects) else {
      Issue.record("round 1 has a proposal")
      return
    }
    #expect(later.deliver(short, from: 1, to: 2, at: 5000).isEmpty)
    #expect(later.deliver(held.message, from: 1, to: 2, at: 5000).count == 1)
    #expect(
      later.replicas[1].invalidated(
        .prepare(h: Slot(1), r: Round(0), d: Digest(1)), &later.effects) == nil)
  }
}
