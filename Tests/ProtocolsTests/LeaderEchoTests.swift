import Consensus
import Kernel
import LeaderEcho
import Ledger
import Machines
import Metrics
import Networking
import Simulation
import Testing
import Workloads

@Suite("A toy protocol")
struct LeaderEchoTests {
  func makeRun(n: Int, seed: UInt64, reference: Bool = false) -> Simulation {
    let client = NodeID(n)
    let specs = Array(
      repeating: MachineSpec(processor: .init(cores: 2), uplink: 1e9, downlink: 1e9), count: n)
    let network = Network(
      regionOf: Array(repeating: 0, count: n + 1), regions: 1,
      delays: [.normal(mean: 1e6, deviation: 2e5, min: 1e5)])
    var world = World(
      seed: seed, machines: Machines(specs + [.ideal]), network: network,
      uplink: UplinkDiscipline())
    world.usesReferenceLanes = reference
    let sizes = TransactionSizes(fixed: [512])
    world.addPopulation(PopulationAddress(subsystem: 2, role: 0, node: client))
    let run = Simulation(world: world)
    let nodes = (0..<n).map { NodeID($0) }
    let costs = CostSheet(
      message: .microseconds(2), byte: 0.2, request: .microseconds(1), execution: .microseconds(5),
      sign: .microseconds(30), verify: .microseconds(60), mac: .microseconds(1),
      hash: .microseconds(1), hashByte: 0.6)
    let replicas = (0..<n).map { i in
      LeaderEcho(
        ParameterValues(defaults: LeaderEcho.parameters),
        ReplicaContext(
          me: ReplicaID(i), committee: Committee(n: n), seed: seed, costs: costs,
          mempool: Mempool(capacity: 10_000, eviction: .newest, populations: 1)))
    }
    run.add(
      ReplicaGroup(
        index: 1, name: "main", nodes: nodes, lanes: Array(0..<n), replicas: replicas,
        settings: ReplicaGroupSettings(
          replies: Replies(path: .shared, header: 100, result: 32), forwardHeader: 100,
          sizes: sizes),
        seed: seed),
      connections: n * n + n, senders: n)
    run.add(
      ClientPopulation(
        index: 2, name: "clients",
        settings: ClientSettings(
          hosts: [.init(node: client, population: 0, arrivals: .poisson(rate: 5000))], chain: 1,
          chainNodes: nodes, target: .proposer, replyQuorum: n / 2 + 1, timeout: .seconds(1),
          bundle: 10, header: 50, sizes: sizes, until: SimTime(nanoseconds: 2_000_000_000)),
        seed: seed),
      connections: n, senders: 1)
    return run
  }

  @Test("decides every request once, and counts the messages its page would")
  func decides() {
    let run = makeRun(n: 7, seed: 1)
    run.start()
    run.run(until: SimTime(nanoseconds: 3_000_000_000))
    #expect(run.world.violations.isEmpty)
    #expect(run.world.logs[0].count > 9000)
    #expect(run.world.logs[0].count(.final) == run.world.logs[0].count)
    #expect(run.world.logs[0].count(.decided) == run.world.logs[0].count)
  }

  @Test("the one-event lane equals the two-event reference")
  func lanes() {
    let fast = makeRun(n: 7, seed: 5)
    let reference = makeRun(n: 7, seed: 5, reference: true)
    for run in [fast, reference] {
      run.start()
      run.run(until: SimTime(nanoseconds: 1_000_000_000))
    }
    #expect(fast.digests[0].steps > 1000)
    #expect(fast.digests == reference.digests)
  }

  @Test("a copied run goes on to the same digest")
  func copies() {
    let run = makeRun(n: 4, seed: 9)
    run.start()
    for _ in 0..<5000 { run.step() }
    let other = run.copy()
    run.run(until: SimTime(nanoseconds: 1_000_000_000))
    other.run(until: SimTime(nanoseconds: 1_000_000_000))
    #expect(run.digests == other.digests)
    #expect(run.world.logs[0].count(.final) == other.world.logs[0].count(.final))
  }
}
