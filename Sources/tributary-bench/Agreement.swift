import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Workloads

/// What a delivered message of PBFT takes, with processors and links as queues and batches of 100.
enum Agreement {
  static let bench = Bench(name: "pbft") { report in
    for (n, decisions) in [(16, 8000), (32, 4000), (64, 2000), (128, 1000)] {
      var messages = 0
      let seconds = Usage.least(of: 2) {
        let simulation = run(n: n, decisions: decisions)
        simulation.run()
        guard let group = simulation.subsystems[1] as? ReplicaGroup<PBFT> else {
          preconditionFailure("subsystem 1 is no committee")
        }
        messages = group.traffic.counts.reduce(0, +)
      }
      report(
        Row(
          bench: "pbft", what: "n = \(n), \(decisions) decisions", seconds: seconds,
          count: messages, unit: "messages", target: 250))
    }
  }

  /// Chained HotStuff: 2(n-1) messages a block, 254 of them for n = 128; the target for a thousand
  /// blocks there is 0.3 s.
  static let hotStuff = Bench(name: "hotstuff") { report in
    for (n, blocks) in [(50, 10_000), (128, 1000)] {
      var messages = 0
      let seconds = Usage.least(of: 3) {
        let committee = Committee(n: n)
        let settings = hotStuffSettings
        let simulation = start(
          (0..<n).map { HotStuff(me: ReplicaID($0), committee: committee, settings: settings) },
          decisions: blocks)
        simulation.run()
        guard let group = simulation.subsystems[1] as? ReplicaGroup<HotStuff> else {
          preconditionFailure("subsystem 1 is no committee")
        }
        messages = group.traffic.counts.reduce(0, +)
      }
      report(
        Row(
          bench: "hotstuff", what: "n = \(n), \(blocks) blocks", seconds: seconds,
          count: messages, unit: "messages", target: 333))
    }
  }

  private static var hotStuffSettings: HotStuffSettings {
    HotStuffSettings(
      batchRequests: 100, batchBytes: 1 << 24, batchTimeout: .zero, idleInterval: .seconds(1),
      leaderViews: HotStuffSettings.stableViews, viewTimeout: .seconds(4), doublings: 16,
      syncInterval: .seconds(1), window: 256, checkpointInterval: 128, dissemination: .none,
      blockBatches: 100, certificates: .aggregate, verifiesRequests: false, skipsLateVotes: true,
      isDurable: false, mempool: 1 << 20, eviction: .newest,
      sizes: HotStuffSettings.Sizes(
        header: 24, number: 8, digest: 32, signature: 64, signer: 0, request: 0, stateFixed: 0,
        statePerTransaction: 0),
      costs: settings.costs, populations: 1)
  }

  private static var settings: PBFT.Settings {
    PBFT.Settings(
      batchRequests: 100, batchBytes: 1 << 24, batchTimeout: .zero, pipeline: 4,
      checkpointInterval: 128, window: 256, viewTimeout: .seconds(2),
      statusInterval: .seconds(10), transferTimeout: .seconds(1), authentication: .signatures,
      verifiesRequests: false, skipsLateVotes: false, isDurable: false, mempool: 1 << 20,
      eviction: .newest,
      sizes: PBFT.Sizes(
        header: 24, number: 8, digest: 32, signature: 64, mac: 8, request: 0, stateFixed: 0,
        statePerTransaction: 0),
      costs: CostSheet(
        message: .microseconds(2), byte: 0.2, request: .zero, execution: .zero,
        sign: .microseconds(5), verify: .microseconds(5), mac: .zero, hash: .zero, hashByte: 0),
      populations: 1)
  }

  private static func run(n: Int, decisions: Int) -> Simulation {
    let committee = Committee(n: n)
    return start(
      (0..<n).map { PBFT(me: ReplicaID($0), committee: committee, settings: settings) },
      decisions: decisions)
  }

  /// Replicas on links of half a millisecond, with 400 clients of a closed loop.
  private static func start<P: ConsensusProtocol>(_ replicas: [P], decisions: Int) -> Simulation {
    let n = replicas.count
    let network = Network(
      regionOf: Array(repeating: 0, count: n + 1), regions: 1, delays: [.constant(500_000)])
    let replica = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    let machines = Machines(Array(repeating: replica, count: n) + [.ideal])
    let nodes = (0..<n).map { NodeID($0) }
    let lanes = nodes.map { machines.lane(of: $0, role: 0) }
    let simulation = Simulation(
      world: World(seed: 1, machines: machines, network: network, uplink: UplinkDiscipline()))
    let committee = Committee(n: n)
    let sizes = TransactionSizes(fixed: [100])
    let group = ReplicaGroup(
      index: 1, name: "main", nodes: nodes, lanes: lanes,
      replicas: replicas,
      settings: ReplicaGroupSettings(
        replies: Replies(path: .shared, header: 0, result: 10), forwardHeader: 40, sizes: sizes,
        decisions: decisions), seed: 1)
    simulation.add(group, connections: n * n + n, senders: n)
    simulation.addPopulation(PopulationAddress(subsystem: 2, role: 0, node: NodeID(n)))
    let clients = ClientSettings(
      hosts: [
        .init(
          node: NodeID(n), population: 0,
          arrivals: .closed(clients: 400, think: .constant(0)))
      ], chain: 1, chainNodes: nodes, target: .proposer, replyQuorum: committee.weakQuorum,
      timeout: .seconds(60), bundle: 100, header: 0, sizes: sizes)
    simulation.add(
      ClientPopulation(index: 2, name: "clients", settings: clients, seed: 1), connections: n,
      senders: 1)
    simulation.start()
    return simulation
  }
}
