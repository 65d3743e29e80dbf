import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Workloads

/// What a delivered message of Narwhal with Tusk takes, with processors and links as queues.
enum Dag {
  static let bench = Bench(name: "tusk") { report in
    for (n, end) in [(10, Int64(20)), (50, Int64(4))] {
      var messages = 0
      let seconds = Usage.least(of: 2) {
        let simulation = run(n: n)
        simulation.run(until: SimTime(nanoseconds: end * 1_000_000_000))
        guard let group = simulation.subsystems[1] as? ReplicaGroup<Tusk> else {
          preconditionFailure("subsystem 1 is no committee")
        }
        messages = group.traffic.counts.reduce(0, +)
      }
      report(
        Row(
          bench: "tusk", what: "n = \(n), \(end) s of rounds of 25 ms", seconds: seconds,
          count: messages, unit: "messages", target: 333))
    }
  }

  private static var settings: NarwhalSettings {
    NarwhalSettings(
      workers: 1, placement: .collocated, batchBytes: 500_000, batchDelay: .milliseconds(100),
      headerBytes: 1000, headerDelay: .milliseconds(25), gcDepth: 50, retryDelay: .seconds(5),
      retryNodes: 3, leaderTimeout: .seconds(5), batchVerification: 0.5, storeWork: .zero,
      requestWork: .zero, isDurable: false, mempool: 1 << 20, eviction: .newest,
      sizes: .init(
        header: 60, number: 8, digest: 32, signature: 64, key: 32, request: 8, stateFixed: 0,
        statePerTransaction: 0),
      costs: CostSheet(
        message: .microseconds(2), byte: 0.2, request: .zero, execution: .zero,
        sign: .microseconds(5), verify: .microseconds(5), mac: .zero, hash: .zero, hashByte: 0),
      populations: 10, seed: 1)
  }

  private static func run(n: Int) -> Simulation {
    let hosts = 10
    let network = Network(
      regionOf: Array(repeating: 0, count: n + hosts), regions: 1, delays: [.constant(500_000)])
    let replica = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    let machines = Machines(
      Array(repeating: replica, count: n) + Array(repeating: .ideal, count: hosts))
    let nodes = (0..<n).map { NodeID($0) }
    let lanes = nodes.map { machines.lane(of: $0, role: 0) }
    let simulation = Simulation(
      world: World(seed: 1, machines: machines, network: network, uplink: UplinkDiscipline()))
    let committee = Committee(n: n)
    var roles = Roles(committee)
    roles.usesGateways = true
    let sizes = TransactionSizes(fixed: Array(repeating: 512, count: hosts))
    let group = ReplicaGroup(
      index: 1, name: "main", nodes: nodes, lanes: lanes,
      replicas: nodes.indices.map {
        Tusk(me: ReplicaID($0), committee: committee, settings: settings)
      },
      settings: ReplicaGroupSettings(
        replies: Replies(path: .shared, header: 0, result: 10), forwardHeader: 40, sizes: sizes,
        roles: roles), seed: 1)
    simulation.add(
      group, connections: ReplicaGroup<Tusk>.connections(replicas: n, populations: hosts),
      senders: ReplicaGroup<Tusk>.senders(replicas: n))
    for h in 0..<hosts {
      simulation.addPopulation(
        PopulationAddress(subsystem: 2, role: UInt32(h), node: NodeID(n + h), chain: 1))
    }
    let clients = ClientSettings(
      hosts: (0..<hosts).map {
        .init(node: NodeID(n + $0), population: UInt32($0), arrivals: .poisson(rate: 1000))
      }, chain: 1, chainNodes: nodes, target: .gateway, replyQuorum: committee.weakQuorum,
      timeout: .seconds(60), bundle: 100, header: 0, sizes: sizes)
    simulation.add(
      ClientPopulation(index: 2, name: "clients", settings: clients, seed: 1),
      connections: n * hosts, senders: hosts)
    simulation.start()
    return simulation
  }
}
