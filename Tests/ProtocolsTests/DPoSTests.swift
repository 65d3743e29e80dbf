import CAllocationCounter
import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

/// EOSIO's rules; nobody is demoted unless a test says so.
private func rules(
  producers: Int = 21, repetitions: Int = 12, absence: UInt64 = 1 << 40
) -> DPoS.Settings {
  DPoS.Settings(
    producers: producers, repetitions: repetitions, slot: .milliseconds(500),
    electionInterval: 120, absence: absence, ban: 100_000, clockSkew: .seconds(7))
}

/// Every node votes for itself alone, the first ones with more stake.
private func ownVotes(_ n: Int) -> DPoS.Votes {
  DPoS.Votes(
    candidates: n, stakes: (0..<n).map { UInt64(1000 - $0) },
    ballots: (0..<n).map { [DPoS.Votes.Ballot(slot: 0, approved: [UInt16($0)])] })
}

private func nodes(_ n: Int, _ settings: DPoS.Settings, _ votes: DPoS.Votes? = nil) -> [DPoS] {
  let votes = votes ?? ownVotes(n)
  return (0..<n).map { DPoS(settings: settings, votes: votes, candidate: $0) }
}

@Suite("Delegated proof of stake")
struct DPoSTests {
  @Test("producers make r blocks each in turn, one in every slot")
  func turns() {
    let setup = ChainSetup(topology: mesh(21))
    let run = setup.makeRun(seed: 1, genesis: DPoS.genesis(), protocols: nodes(21, rules()))
    run.simulation.run(until: ms(400_100))
    let (blocks, head) = (run.chain.blocks, run.chain.protocols[0].head)
    #expect(blocks[head].height == 800 && blocks[head].slot == 800)
    var walk = head
    while blocks.contains(walk), blocks[walk].height > 0 {
      let block = blocks[walk]
      #expect(Int(block.miner) == Int(block.slot % 252 / 12))
      #expect(block.made == ms(Int64(block.slot) * 500))
      walk = block.parent
    }
    #expect(run.simulation.world.violations.isEmpty)
    #expect(run.chain.summary().totals.stale == 0)
  }

  /// Slots from block `j` (1...r) of a turn until it is irreversible, with q of N to confirm: the
  /// producer of the turn and q - 1 after it confirm; the last of them, and q - 1 more, build on
  /// that.
  static func lag(of j: Int, producers n: Int, repetitions r: Int) -> Int {
    let q = n * 2 / 3 + 1
    // With one block a turn, the last to confirm does not build on it in its own turn.
    let turns = r > 1 ? 2 * q - 2 : 2 * q - 1
    return turns * r - j + 1
  }

  @Test(
    "at zero delay, block j of a turn is irreversible (2q - 2) r - j + 1 slots later",
    arguments: [4, 7, 9, 20, 21, 22], [1, 2, 12])
  func irreversibility(n: Int, r: Int) {
    let setup = ChainSetup(topology: mesh(n))
    let run = setup.makeRun(
      seed: 1, genesis: DPoS.genesis(), protocols: nodes(n, rules(producers: n, repetitions: r)))
    let end = Self.lag(of: 1, producers: n, repetitions: r) + 3 * n * r
    var last = UInt32(0)
    for slot in 1...end {
      run.simulation.run(until: ms(Int64(slot) * 500 + 100))
      for node in run.chain.protocols {
        let block = node.irreversible ?? .none
        let height = run.chain.blocks[block].height
        #expect(height == node.tip.irreversible)
        // The first round has no turns before it; the slots of height h are h.
        guard Int(height) > n * r else { continue }
        let place = { (h: Int) in h % r + 1 }
        let h = Int(height)
        #expect(h + Self.lag(of: place(h), producers: n, repetitions: r) <= slot)
        #expect(h + 1 + Self.lag(of: place(h + 1), producers: n, repetitions: r) > slot)
      }
      last = max(last, run.chain.protocols[0].tip.irreversible)
    }
    #expect(Int(last) > n * r)
  }

  @Test("EOSIO's lag: 325 to 336 slots, 162.5 to 168 s")
  func eosLag() {
    let lags = (1...12).map { Self.lag(of: $0, producers: 21, repetitions: 12) }
    #expect(lags == (325...336).reversed())
  }

  @Test("a partition without two thirds makes nothing irreversible, and heals to the longer side")
  func partition() {
    let n = 21
    var setup = ChainSetup(topology: mesh(n))
    setup.delay = .constant(20e6)
    setup.settings.requestTimeout = .seconds(2)
    setup.partitions = [
      Partition(from: ms(300_000), until: ms(700_000), side: (0..<n).map { $0 < 14 ? 0 : 1 })
    ]
    let run = setup.makeRun(seed: 4, genesis: DPoS.genesis(), protocols: nodes(n, rules()))
    run.simulation.run(until: ms(690_000))
    // What was under way may still be confirmed by who has not signed on the other side.
    let during = run.chain.protocols.map(\.tip.irreversible)
    #expect(during.max() ?? 0 <= 600)
    let heads = run.chain.protocols.map(\.head)
    #expect(heads[0] != heads[20])
    run.simulation.run(until: ms(1_200_400))
    let after = run.chain.protocols
    #expect(Set(after.map(\.head)).count == 1)
    #expect(after.allSatisfy { $0.tip.irreversible > 1500 })
    #expect(run.simulation.world.violations.isEmpty)
    // The larger side's chain, of its 14 producers' slots, is kept.
    #expect(run.chain.blocks.isAncestor(after[0].irreversible ?? .none, of: after[0].head))
    #expect(after[20].refused == 0)
    #expect(run.chain.summary().totals.stale > 200)
  }

  @Test("of 15 and 6 producers, only the 15 make blocks irreversible meanwhile")
  func minority() {
    let n = 21
    var setup = ChainSetup(topology: mesh(n))
    setup.settings.requestTimeout = .seconds(2)
    setup.partitions = [
      Partition(from: ms(300_000), until: ms(1_000_000), side: (0..<n).map { $0 < 15 ? 0 : 1 })
    ]
    let run = setup.makeRun(seed: 4, genesis: DPoS.genesis(), protocols: nodes(n, rules()))
    run.simulation.run(until: ms(990_000))
    let large = run.chain.protocols[0].tip.irreversible
    let small = run.chain.protocols[20].tip.irreversible
    #expect(large > 900 && small <= 600)
    run.simulation.run(until: ms(1_400_400))
    #expect(Set(run.chain.protocols.map(\.head)).count == 1)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("votes elect: who loses approval leaves the schedule once that is irreversible")
  func votes() {
    var ballots = (0..<5).map { [DPoS.Votes.Ballot(slot: 0, approved: [UInt16($0)])] }
    ballots[0] = [
      DPoS.Votes.Ballot(slot: 0, approved: [0]), DPoS.Votes.Ballot(slot: 300, approved: [4]),
    ]
    let votes = DPoS.Votes(candidates: 5, stakes: [50, 40, 30, 20, 10], ballots: ballots)
    let settings = rules(producers: 4, repetitions: 2)
    let setup = ChainSetup(topology: mesh(5))
    let run = setup.makeRun(
      seed: 1, genesis: DPoS.genesis(), protocols: nodes(5, settings, votes))
    run.simulation.run(until: ms(181_100))
    #expect(run.chain.protocols[0].tip.active == [0, 1, 2, 3])
    // Counts of votes are at slots 121, 242, 363; twice the lag of at most 8 slots after it.
    run.simulation.run(until: ms(500 * (363 + 20)))
    for node in run.chain.protocols {
      #expect(node.tip.active == [1, 2, 3, 4])
      #expect(node.tip.version == 1)
    }
    run.simulation.run(until: ms(400_000))
    #expect(run.chain.protocols[0].tip.missed == 0)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("equal approval goes to the lower name, and stakes add up over ballots")
  func approval() {
    let votes = DPoS.Votes(
      candidates: 4, stakes: [5, 3, 2],
      ballots: [[1], [2, 3], [3, 2]].map { approved in
        [DPoS.Votes.Ballot(slot: 0, approved: approved)]
      })
    // 1 has 5; 2 and 3 have 5 each; 0 has none.
    let two = DPoS(settings: rules(producers: 2), votes: votes, candidate: 0)
    #expect(two.tip.active == [1, 2])
    let three = DPoS(settings: rules(producers: 3), votes: votes, candidate: 0)
    #expect(three.tip.active == [1, 2, 3])
  }

  @Test("a producer that stays away is not elected again until its ban is over")
  func demotion() {
    let n = 6
    var settings = rules(producers: 5, repetitions: 2, absence: 200)
    settings.ban = 1000
    var setup = ChainSetup(topology: mesh(n))
    setup.settings.requestTimeout = .seconds(2)
    setup.faults = [
      Fault(at: ms(60_000), .crash(.node(NodeID(2)), downTime: .seconds(120), keepsDisk: true))
    ]
    let run = setup.makeRun(seed: 1, genesis: DPoS.genesis(), protocols: nodes(n, settings))
    run.simulation.run(until: ms(59_000))
    #expect(run.chain.protocols[0].tip.active == [0, 1, 2, 3, 4])
    run.simulation.run(until: ms(300_000))
    #expect(run.chain.protocols[0].tip.active == [0, 1, 3, 4, 5])
    let missed = run.chain.protocols[0].tip.missed
    #expect(missed > 30)
    run.simulation.run(until: ms(900_000))
    #expect(run.chain.protocols.allSatisfy { $0.tip.active == [0, 1, 2, 3, 4] })
    #expect(run.chain.protocols[0].tip.missed == missed)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("who crashes comes back to the chain of the others", arguments: [true, false])
  func restarts(disk: Bool) {
    let n = 21
    var setup = ChainSetup(topology: mesh(n))
    setup.delay = .constant(20e6)
    setup.settings.requestTimeout = .seconds(2)
    setup.faults = [
      Fault(at: ms(300_000), .crash(.node(NodeID(3)), downTime: .seconds(60), keepsDisk: disk))
    ]
    let run = setup.makeRun(seed: 2, genesis: DPoS.genesis(), protocols: nodes(n, rules()))
    run.simulation.run(until: ms(600_400))
    #expect(Set(run.chain.protocols.map(\.head)).count == 1)
    #expect(Set(run.chain.protocols.map(\.tip.irreversible)).count == 1)
    #expect(run.chain.protocols[3].tip.irreversible > 700)
    #expect(run.simulation.world.violations.isEmpty)
  }

  @Test("blocks out of turn and chains that leave out what is irreversible are refused")
  func refusals() {
    var effects = ChainEffects(
      blocks: DPoS.genesis(), random: RandomStream(seed: 1, purpose: "test"))
    var node = nodes(4, rules(producers: 4, repetitions: 1))[3]
    let late = LocalTime(nanoseconds: 1_000_000_000_000)
    func seal(_ parent: BlockID, _ slot: UInt64, by miner: Int, confirming fold: UInt64)
      -> BlockID
    {
      let draft = BlockDraft(parent: parent, work: 1, stamp: 0, slot: slot, fold: fold)
      return effects.blocks.seal(draft, by: miner, at: .zero, filler: 0)
    }
    let wrong = seal(.genesis, 1, by: 2, confirming: 0)
    node.upon(block: wrong, at: late, &effects)
    #expect(node.head == .genesis && node.refused == 1)
    var head = BlockID.genesis
    for slot in 1...20 as ClosedRange<UInt64> {
      head = seal(head, slot, by: Int(slot % 4), confirming: min(slot - 1, 3))
      node.upon(block: head, at: late, &effects)
      #expect(node.head == head)
    }
    #expect(node.tip.irreversible > 10 && node.refused == 1)
    var other = BlockID.genesis
    for slot in 21...45 as ClosedRange<UInt64> {
      other = seal(other, slot, by: Int(slot % 4), confirming: min(slot - 21, 3))
      node.upon(block: other, at: late, &effects)
      #expect(node.head == head)
    }
    #expect(node.refused == 6)
    // A slot that has not come.
    let future = seal(head, 4000, by: 0, confirming: 0)
    node.upon(block: future, at: LocalTime(nanoseconds: 30_000_000_000), &effects)
    #expect(node.head == head && node.refused == 7)
  }

  @Test("what a producer has signed on another chain, it does not confirm on this one")
  func watermark() {
    var effects = ChainEffects(
      blocks: DPoS.genesis(), random: RandomStream(seed: 1, purpose: "test"))
    var node = nodes(4, rules(producers: 4, repetitions: 1))[1]
    func at(_ slot: Int64) -> LocalTime { LocalTime(nanoseconds: slot * 500_000_000) }
    // Alone it makes blocks 1, 2 and 3 in slots 1, 5 and 9.
    for slot in [1, 5, 9] as [Int64] {
      guard let draft = node.upon(lottery: node.head, at: at(slot), &effects) else {
        Issue.record("slot \(slot) is its own")
        return
      }
      #expect(draft.fold == 0)
      let block = effects.blocks.seal(draft, by: 1, at: .zero, filler: 0)
      node.upon(made: block, at: at(slot), &effects)
    }
    // The others' chain is longer.
    var head = BlockID.genesis
    for slot in [2, 3, 4, 6, 7, 8] as [UInt64] {
      let draft = BlockDraft(parent: head, work: 1, stamp: 0, slot: slot, fold: 0)
      head = effects.blocks.seal(draft, by: Int(slot % 4), at: .zero, filler: 0)
      node.upon(block: head, at: at(10), &effects)
    }
    #expect(node.head == head)
    // Of their six blocks it confirms those above its third.
    let draft = node.upon(lottery: head, at: at(13), &effects)
    #expect(draft?.fold == 3)
  }

  @Test("a second run has the same digest, a copy too, and reference lanes are one-event lanes")
  func determinism() {
    func run(_ seed: UInt64, reference: Bool = false) -> ChainRun<DPoS> {
      var setup = ChainSetup(topology: mesh(9))
      setup.delay = .exponential(mean: 3e8)
      setup.usesReferenceLanes = reference
      setup.machines = MachineSpec(processor: .init(cores: 2), uplink: 1e8, downlink: 1e8)
      setup.settings.costs.message = .microseconds(5)
      setup.settings.costs.sign = .microseconds(30)
      setup.settings.costs.verify = .microseconds(50)
      setup.settings.requestTimeout = .seconds(2)
      setup.clients = .init(rate: 2, hosts: 2)
      setup.faults = [
        Fault(
          at: ms(60_000),
          .crash(.node(NodeID(2)), downTime: .seconds(20), keepsDisk: seed % 2 == 0))
      ]
      let votes = DPoS.Votes.drawn(
        shares: Array(repeating: 1.0 / 9, count: 9), approvals: 4, revote: 150, fraction: 0.7,
        seed: seed)
      return setup.makeRun(
        seed: seed, genesis: DPoS.genesis(),
        protocols: nodes(9, rules(producers: 7, repetitions: 3), votes))
    }
    for seed in 1...6 as ClosedRange<UInt64> {
      let first = run(seed)
      first.simulation.run(until: ms(90_000))
      let copy = first.copy()
      first.simulation.run(until: ms(200_000))
      copy.simulation.run(until: ms(200_000))
      let reference = run(seed, reference: true)
      reference.simulation.run(until: ms(200_000))
      let other = run(seed + 100)
      other.simulation.run(until: ms(200_000))
      #expect(first.simulation.digests == copy.simulation.digests)
      #expect(first.simulation.digests == reference.simulation.digests)
      #expect(first.simulation.digests != other.simulation.digests)
      #expect(first.simulation.world.violations.isEmpty)
      #expect(first.chain.protocols[0].tip.irreversible > 100)
    }
  }

  @Test("in steady state it allocates nothing")
  func allocations() {
    var setup = ChainSetup(topology: mesh(25))
    setup.delay = .exponential(mean: 5e7)
    setup.machines = MachineSpec(processor: .init(cores: 4), uplink: 1e9, downlink: 1e9)
    setup.settings.costs.message = .microseconds(5)
    let run = setup.makeRun(
      seed: 3, genesis: DPoS.genesis(), protocols: nodes(25, rules()))
    run.chain.reserve(blocks: 20_000, parts: 20_000)
    run.simulation.world.decisionLogs[1].reserve(20_000)
    run.simulation.run(until: ms(2_000_000))
    let before = allocationsOfThisThread()
    let events = run.simulation.run(until: ms(3_000_000))
    #expect(allocationsOfThisThread() - before == 0)
    #expect(events > 100_000)
  }
}
