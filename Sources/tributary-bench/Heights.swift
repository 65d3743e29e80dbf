import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Workloads

/// What a delivered message of Tendermint takes, each sent to all at once, with processors and
/// links
/// as queues and blocks of 100.
enum Heights {
  static let bench = Bench(name: "tendermint") { report in
    for (n, decisions) in [(16, 8000), (50, 1500), (128, 250)] {
      var messages = 0
      let seconds = Usage.least(of: 2) {
        let simulation = run(n: n, decisions: decisions)
        simulation.run()
        guard let group = simulation.subsystems[1] as? ReplicaGroup<Tendermint> else {
          preconditionFailure("subsystem 1 is no committee")
        }
        messages = group.traffic.counts.reduce(0, +)
      }
      report(
        Row(
          bench: "tendermint", what: "n = \(n), \(decisions) decisions", seconds: seconds,
          count: messages, unit: "messages", target: 333))
    }
  }

  private static var settings: Tendermint.Settings {
    Tendermint.Settings(
      blockTransactions: 100, blockBytes: 1 << 24, proposesEmpty: true,
      propose: .init(.seconds(3), delta: .milliseconds(500)),
      prevote: .init(.seconds(1), delta: .milliseconds(500)),
      precommit: .init(.seconds(1), delta: .milliseconds(500)), commitTimeout: .zero,
      statusInterval: .seconds(2), syncTimeout: .seconds(2), syncWindow: 20,
      snapshotInterval: 100, retained: 400, powerRatio: 1, fullNodes: 0, dissemination: .direct,
      gossip: Tendermint.Gossip(
        degree: 20, successors: 1, sleep: .milliseconds(100), tick: .milliseconds(10),
        announcement: .milliseconds(20), rate: 5_120_000, part: 65_536),
      isDurable: false, mempool: 1 << 20, eviction: .newest,
      sizes: Tendermint.Sizes(
        header: 24, digest: 32, signature: 64, number: 8, transaction: 0, stateFixed: 0,
        statePerTransaction: 0),
      costs: CostSheet(
        message: .microseconds(2), byte: 0.2, request: .zero, execution: .zero,
        sign: .microseconds(5), verify: .microseconds(5), mac: .zero, hash: .zero, hashByte: 0),
      populations: 1)
  }

  private static func run(n: Int, decisions: Int) -> Simulation {
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
      replicas: nodes.indices.map {
        Tendermint(me: ReplicaID($0), committee: committee, settings: settings, seed: 1)
      },
      settings: ReplicaGroupSettings(
        replies: Replies(path: .shared, header: 0, result: 10), forwardHeader: 40, sizes: sizes,
        decisions: decisions), seed: 1)
    simulation.add(
      group, connections: ReplicaGroup<Tendermint>.connections(replicas: n, populations: 1),
      senders: ReplicaGroup<Tendermint>.senders(replicas: n))
    simulation.addPopulation(PopulationAddress(subsystem: 2, role: 0, node: NodeID(n)))
    let clients = ClientSettings(
      hosts: [
        .init(
          node: NodeID(n), population: 0,
          arrivals: .closed(clients: 400, think: .constant(0)))
      ], chain: 1, chainNodes: nodes, target: .gateway, replyQuorum: committee.weakQuorum,
      timeout: .seconds(60), bundle: 100, header: 0, sizes: sizes)
    simulation.add(
      ClientPopulation(index: 2, name: "clients", settings: clients, seed: 1), connections: n,
      senders: 1)
    simulation.start()
    return simulation
  }
}
