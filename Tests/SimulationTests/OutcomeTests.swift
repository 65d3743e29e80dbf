import Kernel
import Ledger
import Machines
import Metrics
import Simulation
import Testing
import Workloads

@Suite("the outcome of a run")
struct OutcomeTests {
  @Test("the bottleneck law bounds a saturated run tightly and names the resource")
  func bottleneck() {
    var world = TinyWorld(nodes: 2)
    world.spec = { $0 == 0 ? MachineSpec(processor: .init(cores: 4)) : .ideal }
    world.request = .milliseconds(2)
    let run = world.clients(.closed(clients: 100, think: .constant(0)))
    let result = run.result(at: seconds(100))
    // One lane of 2 ms a request, though there are four cores.
    #expect(abs((result["main.throughput_bound"] ?? 0) - 500) < 1)
    #expect(abs((result["main.throughput"] ?? 0) - 500) < 1)
    #expect(result["nodes.bottleneck_node"] == 0)
    let share = result["nodes.bottleneck_share"] ?? 0
    #expect(share > 0.999 && result["nodes.lane_max"] == share)
    #expect(abs((result["nodes.cpu_max"] ?? 0) - 0.25) < 1e-3)
    #expect(result.warnings == [])
  }

  @Test("half the load has the same bound; a twentieth of it is too little to tell")
  func load() {
    var world = TinyWorld(nodes: 2)
    world.spec = { $0 == 0 ? MachineSpec(processor: .init(cores: 1)) : .ideal }
    world.request = .milliseconds(2)
    let half = world.clients(.poisson(rate: 250)).result(at: seconds(100))
    #expect(abs((half["main.throughput_bound"] ?? 0) - 500) < 1)
    #expect(half.warnings == [])
    let little = world.clients(.poisson(rate: 10)).result(at: seconds(100))
    #expect(little.warnings.count == 1 && little.warnings[0].hasPrefix("barely loaded: "))
    let overload = world.clients(.poisson(rate: 600)).result(at: seconds(100))
    #expect(overload.warnings.count == 1 && overload.warnings[0].contains("overloaded"))
  }

  @Test("ideal machines bound nothing")
  func ideal() {
    let result = TinyWorld(nodes: 2).clients(.poisson(rate: 10)).result(at: seconds(10))
    #expect(result["main.throughput_bound"] == nil && result["nodes.cpu_max"] == 0)
    #expect(result.warnings == [])
    #expect(result.digests.map(\.subsystem) == ["main", "clients"])
  }

  @Test("two chains share the bill of a node by the processor time they spent there")
  func sharedNode() {
    let sizes = TransactionSizes(fixed: [200, 200])
    var world = TinyWorld(nodes: 2)
    world.spec = { $0 == 0 ? MachineSpec(processor: .init(cores: 2, lanes: 2)) : .ideal }
    world.request = .milliseconds(1)
    let simulation = world.simulation(sizes)
    simulation.add(
      ReplicaGroup(
        index: 2, name: "second", nodes: [NodeID(0)],
        lanes: [simulation.world.machines.lane(of: NodeID(0), role: 1)],
        replicas: [TinyChain(me: 0, populations: 2, request: .milliseconds(3))],
        settings: ReplicaGroupSettings(
          replies: Replies(path: .shared, header: 40, result: 10), forwardHeader: 20,
          sizes: sizes), seed: 1),
      connections: 3, senders: 1)
    for chain: UInt16 in 1...2 {
      let population = simulation.world.addPopulation(
        PopulationAddress(subsystem: 2 + chain, role: 0, node: NodeID(1), chain: chain))
      simulation.add(
        ClientPopulation(
          index: 2 + chain, name: "clients \(chain)",
          settings: ClientSettings(
            hosts: [
              .init(
                node: NodeID(1), population: population,
                arrivals: .closed(clients: 1, think: .constant(0)))
            ], chain: chain, chainNodes: [NodeID(0)], target: .proposer, replyQuorum: 1,
            timeout: .seconds(10), bundle: 1, header: 50, sizes: sizes), seed: 1),
        connections: 1, senders: 1)
    }
    simulation.world.placeOutside(NodeID(1))
    simulation.start()
    simulation.run(until: seconds(100))
    let result = simulation.outcome(
      until: seconds(100), measuring: Measuring(),
      costs: CostSettings(
        prices: PriceSheet(
          usdPerInstanceHour: [3.6], usdPerGBMonth: 0, billedCopies: 1, usdPerGBInternet: 0.5,
          usdPerGBInterRegion: 9, usdPerGBIntraRegion: 9),
        energy: nil, classes: [NodeClass(vCPUs: 1, memoryGB: 1)], classOf: [0, 0],
        retentionMonths: 0))
    func usd(_ what: String, _ chain: String) -> Double {
      (result["\(chain).usd_\(what)_per_tx"] ?? 0) * (result["\(chain).confirmed"] ?? 0)
    }
    // A request is under way for 21 or 23 ms, of which 1 or 3 are on the node.
    let (first, second) = (1 / 21.0, 3 / 23.0)
    let node = 0.1
    #expect(abs(usd("compute", "main") - node * first / (first + second)) < 1e-4)
    #expect(abs(usd("compute", "main") + usd("compute", "second") - node) < 1e-12)
    // Replies of 50 bytes go out of the cloud; requests come from outside.
    #expect(abs((result["main.usd_egress_per_tx"] ?? 0) - 50e-9 * 0.5) < 1e-12)
    #expect(result["second.storage_bytes_per_node_max"] == 200 * result["second.confirmed"]!)
  }
}
