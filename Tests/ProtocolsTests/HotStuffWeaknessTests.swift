import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("Without one of its rules, HotStuff or Jolteon breaks, and a monitor says so")
struct HotStuffWeaknessTests {
  /// Leaders crash one after the other and come back, on links with heavy tails; for a second, two
  /// and two replicas do not reach each other.
  static func violations<Rule: ChainRule>(
    _ rule: Rule.Type, _ weakness: HotStuffSettings.Weakness, seed: UInt64
  ) -> [String] {
    var run = HotStuffRun<Rule>(.faulty(views: Rule.chains + 1))
    run.n = 4
    run.seed = seed
    run.settings.viewTimeout = .milliseconds(20)
    run.settings.weakness = weakness
    run.delay = .pareto(scale: 1e6, shape: 1.1)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 500)
    run.clientTimeout = .milliseconds(100)
    run.until = ms(2000)
    run.partitions = [Partition(from: ms(700), until: ms(1700), side: [0, 0, 1, 1, 0, 1])]
    run.faults = [300, 600, 1000].map {
      Fault(
        at: ms($0), .crash(.proposer(subsystem: 1), downTime: .milliseconds(100), keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: ms(4000))
    return simulation.world.violations.map(\.monitor)
  }

  static let seeds = 1...20 as ClosedRange<UInt64>

  @Test("whole, they hold under the same faults")
  func whole() {
    for seed in Self.seeds {
      #expect(Self.violations(ThreeChain.self, [], seed: seed) == [])
      #expect(Self.violations(TwoChain.self, [], seed: seed) == [])
    }
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() {
    let three = Self.seeds.count {
      Self.violations(ThreeChain.self, .quorumOfTwoF, seed: $0).contains("agreement")
    }
    let two = Self.seeds.count {
      Self.violations(TwoChain.self, .quorumOfTwoF, seed: $0).contains("agreement")
    }
    #expect(three >= 10 && two >= 10, "\(three) and \(two) of 20 seeds")
  }

  @Test("replicas without a lock, under leaders who ask nobody, break agreement")
  func missingLock() {
    let three = Self.seeds.count {
      Self.violations(ThreeChain.self, .missingLock, seed: $0).contains("agreement")
    }
    #expect(three >= 1, "\(three) of 20 seeds")
  }
}

/// Correct replicas in the hands of a Byzantine leader: the test says who hears what.
private struct Script<Rule: ChainRule> {
  typealias Replica = ChainedHotStuff<Rule>

  var replicas: [Replica]
  var effects: Effects<Replica>
  /// What the leader, replica 0, was sent: votes by block.
  var votes: [(digest: Digest, from: Int)] = []
  /// Blocks decided, by replica and slot.
  var decided: [[Digest]]
  var accused: [ReplicaID] = []
  /// Faulty replicas, the leader among them, who vote for whatever it proposes.
  let helpers: Int

  init(n: Int, _ weakness: HotStuffSettings.Weakness) {
    var settings = HotStuffSettings.plain
    settings.weakness = weakness
    let committee = Committee(n: n)
    helpers = committee.f
    replicas = (0..<n).map { Replica(me: ReplicaID($0), committee: committee, settings: settings) }
    effects = Effects(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "script", entity: 0))
    decided = Array(repeating: [], count: n)
  }

  /// Shows `targets` a block of `view` on `certificate`; returns the certificate of the votes.
  mutating func propose(
    _ view: UInt32, on certificate: QuorumCertificate, _ batch: BatchHandle, to targets: [Int]
  ) -> QuorumCertificate {
    votes = []
    for target in targets {
      replicas[target].upon(
        .proposal(
          p: certificate.block, w: certificate.view, v: View(view), batch: batch,
          votes: certificate.votes),
        from: ReplicaID(0), at: LocalTime(nanoseconds: Int64(view)), &effects)
      carryOut(of: target)
    }
    // The leader votes for what it proposes, whatever that is.
    let block = votes.first?.digest ?? Digest(0)
    let count = votes.count { $0.digest == block } + helpers
    return QuorumCertificate(block: block, view: View(view), votes: UInt16(count))
  }

  mutating func carryOut(of i: Int) {
    for item in effects.items {
      switch item {
      case .send(_, .vote(_, let d)): votes.append((d, i))
      case .decide(let decision):
        let batch = decision.batch
        decided[i].append(batch == .none ? Digest(0) : effects.batches[batch].digest)
      case .accuse(let other): accused.append(other)
      default: break
      }
    }
    effects.items.removeAll()
    effects.timerChanges.removeAll()
  }

  mutating func makeBatch(_ number: UInt64) -> BatchHandle {
    effects.batches.add(TxRange(population: 0, first: number, count: 1), bytes: 100)
    return effects.batches.seal(salt: number << 32 | 77)
  }

  /// Whether two replicas decided different blocks at one height.
  var isSplit: Bool {
    for a in decided {
      for b in decided where zip(a, b).contains(where: { $0 != $1 }) { return true }
    }
    return false
  }
}

@Suite("A Byzantine leader splits HotStuff or Jolteon only if a rule is missing")
struct HotStuffScriptTests {
  /// The leader shows one chain to one half and another to the other half.
  private static func splits<Rule: ChainRule>(
    _ rule: Rule.Type, n: Int, _ weakness: HotStuffSettings.Weakness, forging: Bool = false
  ) -> Bool {
    var script = Script<Rule>(n: n, weakness)
    let first = Committee(n: n).f
    let half = (n - first) / 2
    for (side, targets) in [Array(first..<first + half), Array(first + half..<n)].enumerated() {
      var certificate = QuorumCertificate.genesis
      for view in 1...5 as ClosedRange<UInt32> {
        let batch = script.makeBatch(UInt64(view) + 100 * UInt64(side))
        let next = script.propose(view, on: certificate, batch, to: targets)
        if next.block == Digest(0) { break }
        certificate = next
        // It cannot forge votes, only claim fewer than a quorum, and hope.
        if !forging, Int(next.votes) < targets.count + script.helpers { break }
      }
    }
    return script.isSplit
  }

  @Test("2f + 1 votes are too few for n = 3f + 2, a quorum is not", arguments: [5, 8])
  func quorums(n: Int) {
    #expect(Self.splits(ThreeChain.self, n: n, .quorumOfTwoFPlusOne))
    #expect(Self.splits(TwoChain.self, n: n, .quorumOfTwoFPlusOne))
    #expect(!Self.splits(ThreeChain.self, n: n, []))
    #expect(!Self.splits(TwoChain.self, n: n, []))
  }

  @Test("certificates short of votes split who does not count them")
  func certificates() {
    #expect(Self.splits(ThreeChain.self, n: 4, .uncheckedCertificates, forging: true))
    #expect(Self.splits(TwoChain.self, n: 4, .uncheckedCertificates, forging: true))
    #expect(!Self.splits(ThreeChain.self, n: 4, [], forging: true))
    #expect(!Self.splits(TwoChain.self, n: 4, [], forging: true))
  }

  /// Two chains at once, view by view, to all; only the last blocks go to one half each.
  private static func splitsByTwins<Rule: ChainRule>(
    _ rule: Rule.Type, _ weakness: HotStuffSettings.Weakness
  ) -> Bool {
    var script = Script<Rule>(n: 4, weakness)
    var heads = [QuorumCertificate.genesis, .genesis]
    let last = UInt32(Rule.chains)
    for view in 1...last {
      for side in 0..<2 {
        let batch = script.makeBatch(UInt64(view) + 100 * UInt64(side))
        let next = script.propose(view, on: heads[side], batch, to: [1, 2, 3])
        if next.block == Digest(0) { return script.isSplit }
        heads[side] = next
      }
    }
    for (side, targets) in [[1], [2, 3]].enumerated() {
      let batch = script.makeBatch(UInt64(last) + 1 + 100 * UInt64(side))
      _ = script.propose(last + 1, on: heads[side], batch, to: targets)
    }
    return script.isSplit
  }

  @Test("who votes twice in a view is split")
  func staleViews() {
    #expect(Self.splitsByTwins(ThreeChain.self, .staleViews))
    #expect(Self.splitsByTwins(TwoChain.self, .staleViews))
    #expect(!Self.splitsByTwins(ThreeChain.self, []))
    #expect(!Self.splitsByTwins(TwoChain.self, []))
  }

  /// One replica learns that the first block is decided; then the leader begins again at genesis.
  private static func splitsByRewriting<Rule: ChainRule>(
    _ rule: Rule.Type, _ weakness: HotStuffSettings.Weakness
  ) -> Bool {
    var script = Script<Rule>(n: 4, weakness)
    var view = UInt32(0)
    var certificate = QuorumCertificate.genesis
    func next(on qc: QuorumCertificate, to targets: [Int]) -> QuorumCertificate {
      view += 1
      return script.propose(view, on: qc, script.makeBatch(UInt64(view)), to: targets)
    }
    for _ in 0..<Rule.chains { certificate = next(on: certificate, to: [1, 2, 3]) }
    _ = next(on: certificate, to: [1])
    certificate = .genesis
    for _ in 0...Rule.chains { certificate = next(on: certificate, to: [2, 3]) }
    return script.isSplit
  }

  @Test("who votes against its lock is split")
  func locks() {
    #expect(Self.splitsByRewriting(ThreeChain.self, .missingLock))
    #expect(Self.splitsByRewriting(TwoChain.self, .missingLock))
    #expect(!Self.splitsByRewriting(ThreeChain.self, []))
    #expect(!Self.splitsByRewriting(TwoChain.self, []))
  }

  @Test("two proposals for a view are proof against their leader")
  func accusation() {
    var script = Script<ThreeChain>(n: 4, [])
    let batches = [script.makeBatch(1), script.makeBatch(2)]
    for batch in batches { _ = script.propose(1, on: .genesis, batch, to: [1]) }
    #expect(script.accused == [ReplicaID(0)])
  }

  @Test("a chain with a view missing decides nothing, unless the rule is gone")
  func gaps() {
    func decisions(_ weakness: HotStuffSettings.Weakness) -> Int {
      var script = Script<ThreeChain>(n: 4, weakness)
      var certificate = QuorumCertificate.genesis
      for view in [1, 3, 5, 7, 9] as [UInt32] {
        let batch = script.makeBatch(UInt64(view))
        certificate = script.propose(view, on: certificate, batch, to: [1, 2, 3])
      }
      return script.decided[1].count
    }
    #expect(decisions([]) == 0)
    #expect(decisions(.gapsInChains) == 2)
  }

  @Test("a proposal made invalid is refused by all", arguments: [4, 7])
  func invalid(n: Int) {
    var script = Script<TwoChain>(n: n, [])
    let batch = script.makeBatch(1)
    let message = HotStuffMessage.proposal(
      p: Digest(0), w: View(0), v: View(1), batch: batch, votes: 0)
    let replica = script.replicas[0]
    guard let bad = replica.invalidated(message, &script.effects) else {
      Issue.record("a proposal can be made invalid")
      return
    }
    for (sent, count) in [(bad, 0), (message, n - 1)] {
      script.votes = []
      for target in 1..<n {
        script.replicas[target].upon(
          sent, from: ReplicaID(0), at: LocalTime(nanoseconds: 1), &script.effects)
        script.carryOut(of: target)
      }
      #expect(script.votes.count == count)
    }
  }
}
