import CAllocationCounter
import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

private func rules(epoch: UInt32 = 30_000, ties: Clique.TieRule = .coin) -> Clique.Settings {
  Clique.Settings(
    period: .seconds(15), wiggle: .milliseconds(500), epoch: epoch, confirmations: 1, ties: ties,
    clockSkew: .zero)
}

private func signers(_ n: Int, _ settings: Clique.Settings = rules()) -> [Clique] {
  (0..<n).map {
    Clique(settings: settings, signers: (0..<n).map { UInt16($0) }, address: $0)
  }
}

/// A mesh whose observer keeps as many blocks as a scenario's.
private func mesh(of n: Int, _ blocks: Dissemination = .announce) -> ChainSetup {
  var setup = ChainSetup(topology: mesh(n), blocks: blocks)
  setup.settings.retained = 64
  return setup
}

/// Floor(S / 2) + 1.
private func limit(_ n: Int) -> Int { n / 2 + 1 }

@Suite("Clique, the rules of EIP-225")
struct CliqueRuleTests {
  /// Signs a chain by a script: `A+B` is a block of A with a vote for B, `A-B` against. Returns the
  /// signers at its end, or why the last block was refused.
  static func signers(_ genesis: String, _ script: String, epoch: UInt32 = 30_000) -> String {
    func address(_ name: Character) -> UInt16 { UInt16(name.asciiValue ?? 0) - 65 }
    var snapshot = Clique.Snapshot(signers: genesis.map(address))
    var blocks = Clique.genesis()
    var head = BlockID.genesis
    for word in script.split(separator: " ") {
      let letters = Array(word)
      let signer = address(letters[0])
      var fold: UInt64 = 0
      if letters.count == 3 {
        fold = UInt64(address(letters[2])) + 1 | (letters[1] == "+" ? 1 << 32 : 0)
      }
      let isTurn = snapshot.isTurn(of: signer, at: snapshot.height + 1)
      let draft = BlockDraft(parent: head, work: isTurn ? 2 : 1, stamp: 0, fold: fold)
      head = blocks.seal(draft, by: Int(signer), at: .zero, filler: 0)
      if let refusal = snapshot.refusal(of: blocks[head], epoch: epoch) { return "\(refusal)" }
      snapshot.apply(blocks[head], epoch: epoch)
    }
    return String(snapshot.signers.map { Character(UnicodeScalar(UInt8($0) + 65)) })
  }

  @Test("the test cases of EIP-225")
  func testCases() {
    #expect(Self.signers("A", "A") == "A")
    #expect(Self.signers("A", "A+B B A+C") == "AB")
    #expect(Self.signers("AB", "A+C B+C A+D B+D C A+E B+E") == "ABCD")
    #expect(Self.signers("A", "A-A") == "")
    #expect(Self.signers("AB", "A-B") == "AB")
    #expect(Self.signers("AB", "A-B B-B") == "A")
    #expect(Self.signers("ABC", "A-C B-C") == "AB")
    #expect(Self.signers("ABCD", "A-C B-C") == "ABCD")
    #expect(Self.signers("ABCD", "A-D B-D C-D") == "ABC")
    #expect(Self.signers("AB", "A+C B A+C B A+C") == "AB")
    #expect(Self.signers("AB", "A+C B A+D B A B+D A B+C") == "ABCD")
    #expect(Self.signers("AB", "A-B B A-B B A-B") == "AB")
    #expect(Self.signers("ABCD", "A-C B C A-D B C A B-D C-D A B-C") == "AB")
    #expect(Self.signers("ABC", "C-B A-C B-C A-B") == "AB")
    #expect(Self.signers("ABC", "C+D A-C B-C A+D") == "AB")
    #expect(Self.signers("ABCD", "A-C B C A-D B-C C A B-D C-D") == "ABC")
    #expect(Self.signers("ABCD", "A-C B C A-D B-C C A B-D C-D A C+C") == "AB")
    #expect(Self.signers("ABCD", "A-C B C A-D B-C C A B-D C-D A B+C") == "ABC")
    #expect(
      Self.signers("ABCDE", "A+F B+F C+F D-F E-F B-F C-F D+F E+F B-A C-A D-A B+F") == "BCDEF")
    #expect(Self.signers("AB", "A+C B A B+C", epoch: 3) == "AB")
    #expect(Self.signers("A", "B") == "unauthorized")
    #expect(Self.signers("AB", "A A") == "signedRecently")
    #expect(Self.signers("ABC", "A B A A", epoch: 3) == "signedRecently")
  }

  @Test("votes in a block that resets votes, and wrong difficulties, are refused")
  func refusals() {
    #expect(Self.signers("AB", "A B A+C", epoch: 3) == "voteAtCheckpoint")
    let snapshot = Clique.Snapshot(signers: [0, 1, 2])
    var blocks = Clique.genesis()
    for (signer, work) in [(1, 1), (0, 2), (0, 3)] as [(Int, UInt64)] {
      let draft = BlockDraft(parent: .genesis, work: work, stamp: 0)
      let block = blocks.seal(draft, by: signer, at: .zero, filler: 0)
      #expect(snapshot.refusal(of: blocks[block], epoch: 9) == .wrongDifficulty)
    }
  }

  @Test("one in floor(S/2) + 1 blocks: all S - limit + 1 others may sign", arguments: 1...12)
  func recentlySigned(n: Int) {
    var snapshot = Clique.Snapshot(signers: (0..<n).map { UInt16($0) })
    var blocks = Clique.genesis()
    var head = BlockID.genesis
    for height in 1...3 * n {
      let signer = height % n
      #expect(snapshot.isTurn(of: UInt16(signer), at: UInt32(height)))
      #expect(snapshot.mayBeFollowed(by: UInt16(signer)))
      let draft = BlockDraft(parent: head, work: 2, stamp: 0)
      head = blocks.seal(draft, by: signer, at: .zero, filler: 0)
      snapshot.apply(blocks[head], epoch: 30_000)
      let barred = (0..<n).filter { !snapshot.mayBeFollowed(by: UInt16($0)) }
      let last = (0..<min(limit(n) - 1, height)).map { (height - $0) % n }
      #expect(barred == last.sorted())
    }
  }
}

@Suite("Clique, a chain")
struct CliqueChainTests {
  @Test("at zero delay the signers take turns, a block every period", arguments: [1, 3, 4, 7, 10])
  func turns(n: Int) {
    let setup = mesh(of: n)
    let run = setup.makeRun(seed: 1, genesis: Clique.genesis(), protocols: signers(n))
    run.simulation.run(until: ms(3_001_000))
    let blocks = run.chain.blocks
    var walk = run.chain.protocols[0].head
    #expect(blocks[walk].height == 200 && blocks[walk].totalWork == 400)
    while blocks.contains(walk), blocks[walk].height > 0 {
      let block = blocks[walk]
      #expect(Int(block.miner) == Int(block.height) % n && block.work == 2)
      #expect(block.made == ms(15_000 * Int64(block.height)))
      walk = block.parent
    }
    #expect(run.simulation.world.violations.isEmpty)
    #expect(run.chain.summary().totals.stale == 0)
  }

  @Test(
    "with a constant delay d, each of S - limit signers out of turn forks with probability d / W",
    arguments: [(5, 0.3), (10, 0.2), (21, 0.5)])
  func forkShare(n: Int, delay: Double) {
    var setup = mesh(of: n, .direct)
    setup.delay = .constant(delay * 1e9)
    let run = setup.makeRun(seed: 7, genesis: Clique.genesis(), protocols: signers(n))
    let heights = 4000
    run.simulation.run(until: ms(15_000 * Int64(heights) + 14_000))
    let totals = run.chain.summary().totals
    #expect(totals.blocks == heights)
    // Whose turn it is is never late, and its block is heavier.
    #expect(run.chain.blocks[run.chain.protocols[0].head].totalWork == UInt64(2 * heights))
    let p = delay / (0.5 * Double(limit(n)))
    let trials = Double((n - limit(n)) * heights)
    let error = (trials * p * (1 - p)).squareRoot()
    #expect(
      abs(Double(totals.stale) - trials * p) < 4 * error, "\(totals.stale), not \(trials * p)")
  }

  /// Mean difficulty at zero delay when signer `down` is: the stationary law of who signed last, by
  /// steps of one height. Out of turn, any of those who may is first with equal probability.
  static func expectedDifficulty(_ n: Int, down: Int) -> Double {
    // Key: the last limit - 1 signers, oldest first, in base n + 1, where n is nobody.
    let memory = limit(n) - 1
    var base = 1
    for _ in 0..<memory { base *= n + 1 }
    var law = [Double](repeating: 0, count: base)
    law[base - 1] = 1
    var total = 0.0
    let (warm, steps) = (600 * n, 400 * n)
    for height in 1...warm + steps {
      var next = [Double](repeating: 0, count: base)
      var inTurn = 0.0
      for key in law.indices where law[key] > 0 {
        var barred: [Int] = []
        var rest = key
        for _ in 0..<memory {
          barred.append(rest % (n + 1))
          rest /= n + 1
        }
        let turn = height % n
        var choices = (0..<n).filter { $0 != down && !barred.contains($0) }
        if choices.contains(turn) {
          choices = [turn]
          inTurn += law[key]
        }
        for signer in choices {
          let after = memory > 0 ? (key * (n + 1) + signer) % base : 0
          next[after] += law[key] / Double(choices.count)
        }
      }
      law = next
      if height > warm { total += 1 + inTurn }
    }
    return total / Double(steps)
  }

  @Test(
    "with a signer down, the mean difficulty is that of the chain of signers",
    arguments: [3, 5, 6])
  func crashedSigner(n: Int) {
    var setup = mesh(of: n, .direct)
    setup.faults = [
      Fault(at: ms(1), .crash(.node(NodeID(n - 1)), downTime: nil, keepsDisk: true))
    ]
    let heights = 6000
    let run = setup.makeRun(seed: 3, genesis: Clique.genesis(), protocols: signers(n))
    // Wiggles are shorter than the period: they delay no later block.
    run.simulation.run(until: ms(15_000 * Int64(heights) + 14_000))
    let head = run.chain.blocks[run.chain.protocols[0].head]
    #expect(Int(head.height) == heights)
    let mean = Double(head.totalWork) / Double(heights)
    let expected = Self.expectedDifficulty(n, down: n - 1)
    #expect(abs(mean - expected) < 0.03, "\(mean), not \(expected)")
    #expect(run.chain.summary().totals.stale == 0)
    if n == 3 { #expect(abs(expected - 4.0 / 3) < 1e-9) }
    if n == 3 { #expect(abs(mean - 4.0 / 3) < 0.001) }
  }

  @Test("fewer than floor(S/2) + 1 signers make a block each, and then none")
  func minority() {
    let n = 7
    var setup = mesh(of: n, .direct)
    setup.settings.requestTimeout = .seconds(2)
    setup.partitions = [
      Partition(
        from: ms(299_000), until: ms(1_200_500), side: (0..<n).map { $0 < 4 ? 0 : 1 })
    ]
    let run = setup.makeRun(seed: 5, genesis: Clique.genesis(), protocols: signers(n))
    run.simulation.run(until: ms(1_199_000))
    let heights = run.chain.protocols.map { run.chain.blocks[$0.head].height }
    // Before the cut 19 blocks are made; on the small side whoever had not signed in the last
    // three.
    #expect(heights[0..<4].allSatisfy { $0 >= 75 })
    #expect(heights[4..<7].allSatisfy { $0 <= 19 + 3 })
    run.simulation.run(until: ms(2_000_500))
    #expect(Set(run.chain.protocols.map(\.head)).count == 1)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("too few signers stop the chain, and the first to come back starts it again")
  func halt() {
    let n = 5
    var setup = mesh(of: n, .direct)
    setup.settings.requestTimeout = .seconds(2)
    setup.faults = (2..<5).map {
      Fault(
        at: ms(301_000),
        .crash(.node(NodeID($0)), downTime: .seconds($0 == 2 ? 600 : 3000), keepsDisk: true))
    }
    let run = setup.makeRun(seed: 5, genesis: Clique.genesis(), protocols: signers(n))
    run.simulation.run(until: ms(900_000))
    let stopped = run.chain.blocks[run.chain.protocols[0].head].height
    #expect(stopped >= 20 && stopped <= 22)
    run.simulation.run(until: ms(1_500_000))
    #expect(run.chain.blocks[run.chain.protocols[0].head].height >= stopped + 38)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("operators vote a node in and another out", arguments: [true, false])
  func votes(resets: Bool) {
    let proposals = [
      Clique.Proposal(
        from: LocalTime(nanoseconds: 100_000_000_000), vote: .init(target: 5, authorizes: true)),
      Clique.Proposal(
        from: LocalTime(nanoseconds: 600_000_000_000), vote: .init(target: 0, authorizes: false)),
    ]
    // Where votes are reset every other block, no proposal finds a majority.
    let settings = rules(epoch: resets ? 2 : 30_000)
    let nodes = (0..<6).map {
      Clique(settings: settings, signers: [0, 1, 2, 3, 4], address: $0, proposals: proposals)
    }
    let run = mesh(of: 6).makeRun(
      seed: 2, genesis: Clique.genesis(), protocols: nodes)
    run.simulation.run(until: ms(550_000))
    #expect(run.chain.protocols[0].tip.signers == (resets ? [0, 1, 2, 3, 4] : [0, 1, 2, 3, 4, 5]))
    run.simulation.run(until: ms(1_500_000))
    #expect(run.chain.protocols[5].tip.signers == (resets ? [0, 1, 2, 3, 4] : [1, 2, 3, 4, 5]))
    let totals = run.chain.summary().totals
    #expect(resets == (totals.byMiner[5] == 0))
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("who crashes comes back to the chain of the others", arguments: [true, false])
  func restarts(disk: Bool) {
    let n = 7
    var setup = mesh(of: n)
    setup.delay = .constant(20e6)
    setup.settings.requestTimeout = .seconds(2)
    setup.faults = [
      Fault(at: ms(2_001_000), .crash(.node(NodeID(3)), downTime: .seconds(600), keepsDisk: disk))
    ]
    let run = setup.makeRun(seed: 2, genesis: Clique.genesis(), protocols: signers(n))
    run.simulation.run(until: ms(4_006_000))
    #expect(Set(run.chain.protocols.map(\.head)).count == 1)
    #expect(run.chain.blocks[run.chain.protocols[3].head].height >= 260)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("a second run has the same digest, a copy too, and reference lanes are one-event lanes")
  func determinism() {
    func run(_ seed: UInt64, reference: Bool = false) -> ChainRun<Clique> {
      var setup = mesh(of: 7)
      setup.delay = .exponential(mean: 4e8)
      setup.usesReferenceLanes = reference
      setup.machines = MachineSpec(processor: .init(cores: 2), uplink: 1e8, downlink: 1e8)
      setup.settings.costs.message = .microseconds(5)
      setup.settings.costs.sign = .microseconds(30)
      setup.settings.costs.verify = .microseconds(50)
      setup.settings.requestTimeout = .seconds(5)
      setup.clients = .init(rate: 0.2, hosts: 2)
      setup.faults = [
        Fault(
          at: ms(1_500_000),
          .crash(.node(NodeID(2)), downTime: .seconds(300), keepsDisk: seed % 2 == 0))
      ]
      return setup.makeRun(seed: seed, genesis: Clique.genesis(), protocols: signers(7))
    }
    for seed in 1...6 as ClosedRange<UInt64> {
      let first = run(seed)
      first.simulation.run(until: ms(1_400_000))
      let copy = first.copy()
      first.simulation.run(until: ms(4_000_000))
      copy.simulation.run(until: ms(4_000_000))
      let reference = run(seed, reference: true)
      reference.simulation.run(until: ms(4_000_000))
      let other = run(seed + 100)
      other.simulation.run(until: ms(4_000_000))
      #expect(first.simulation.digests == copy.simulation.digests)
      #expect(first.simulation.digests == reference.simulation.digests)
      #expect(first.simulation.digests != other.simulation.digests)
      #expect(first.simulation.world.violations.isEmpty)
      #expect(first.chain.protocols[0].tip.height > 200)
    }
  }

  @Test("in steady state it allocates nothing")
  func allocations() {
    var setup = mesh(of: 21)
    setup.delay = .exponential(mean: 2e8)
    setup.machines = MachineSpec(processor: .init(cores: 4), uplink: 1e9, downlink: 1e9)
    setup.settings.costs.message = .microseconds(5)
    let run = setup.makeRun(seed: 3, genesis: Clique.genesis(), protocols: signers(21))
    run.chain.reserve(blocks: 20_000, parts: 20_000)
    run.simulation.world.decisionLogs[1].reserve(20_000)
    run.simulation.run(until: ms(30_000_000))
    let before = allocationsOfThisThread()
    let events = run.simulation.run(until: ms(60_000_000))
    #expect(allocationsOfThisThread() - before == 0)
    #expect(events > 100_000)
  }
}
