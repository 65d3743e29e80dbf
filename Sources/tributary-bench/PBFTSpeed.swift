import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Scenarios
import Simulation
import Workloads

/// Delivered messages per CPU second of PBFT, with queues for processors and links.
///
/// Three ways to build the same run: from the registry, as users do; from an entry made here, as
/// for a protocol of one's own; and by hand. All should be as fast: the engine is specialised.
enum PBFTSpeed {
  static let bench = Bench(name: "pbft") { report in
    for (n, decisions) in [(16, 6000), (32, 1500), (64, 400), (128, 100)] {
      report(
        row("n = \(n)", n: n, decisions: decisions, repetitions: 3) {
          ScenarioText.simulation($0)
        })
    }
    // What transactions cost beside messages.
    report(
      row("n = 16, batches of 400", n: 16, decisions: 6000, repetitions: 3, batch: 400) {
        ScenarioText.simulation($0)
      })
    let entry = [ProtocolEntry.committee(PBFT.self, "made in this module")]
    report(
      row("n = 64, an entry of one's own", n: 64, decisions: 400, repetitions: 3) {
        ScenarioText.simulation($0, protocols: entry)
      })
    report(
      row("n = 64, by hand", n: 64, decisions: 400, repetitions: 3) { text in
        byHand(ScenarioText.scenario(text))
      })
    var long = row("n = 128, 1000 decisions", n: 128, decisions: 1000, repetitions: 1) {
      ScenarioText.simulation($0)
    }
    long.aims.append(Aim(measured: long.seconds, target: 8, unit: "s"))
    report(long)
  }

  /// A committee on a fast network, whose clients fill a batch by each message.
  static func text(n: Int, decisions: Int, batch: Int = 100) -> String {
    """
    tributary: 1
    name: speed
    until: { decisions: \(decisions), at-most: 1 h }
    network:
      delay: { normal: { mean: 250 us, sd: 25 us, min: 100 us } }
      nodes: \(n)
      uplink: 10 Gbit/s
      downlink: 10 Gbit/s
    machines: { cpu: { cores: { count: 8 } }, costs: server-2026 }
    chains: [{ name: main, consensus: { pbft: { batch: \(batch), batch-timeout: 10 ms } } }]
    workload:
      arrivals: { closed: { clients: \(20 * batch) } }
      transactions: { size: 512 B }
      clients: { bundle: \(batch) }
    """
  }

  private static func row(
    _ what: String, n: Int, decisions: Int, repetitions: Int, batch: Int = 100,
    make: (String) -> Simulation
  ) -> Row {
    Usage.forgetPeak()
    var best = Double.infinity
    var messages = 0
    for _ in 0..<repetitions {
      let run = make(text(n: n, decisions: decisions, batch: batch))
      run.start()
      let start = Usage.userSeconds
      run.run()
      best = min(best, Usage.userSeconds - start)
      precondition(run.world.decisions[1] >= decisions, "\(run.world.decisions[1]) decisions")
      messages = delivered(run)
    }
    return Row(
      bench: "pbft", what: what, seconds: best, count: messages, unit: "messages", target: 250,
      aims: [
        Aim(measured: Double(messages) / best * 1e-6, target: 4, unit: "M/s", isFloor: true)
      ])
  }

  /// Messages between replicas. None is lost; the few under way at the end are counted too.
  private static func delivered(_ run: Simulation) -> Int {
    guard let group = run.subsystems[1] as? ReplicaGroup<PBFT> else {
      preconditionFailure("\(run.subsystems[1].name) is another protocol's")
    }
    return group.traffic.counts[..<PBFT.Message.kinds.count].reduce(0, +)
  }

  private static func byHand(_ scenario: Scenario) -> Simulation {
    let (plan, seed) = (scenario.chains[0], scenario.seed)
    let n = plan.nodes
    let nodes = (0..<n).map { NodeID($0) }
    let machines = Machines(
      (0..<n).map {
        MachineSpec(
          processor: scenario.machines.processors[$0], uplink: scenario.network.uplinks[$0],
          downlink: scenario.network.downlinks[$0])
      } + [.ideal])
    let lanes = nodes.map { machines.lane(of: $0, role: 0) }
    let network = Network(
      regionOf: Array(repeating: 0, count: n + 1), regions: 1, delays: scenario.network.delays)
    let run = Simulation(
      world: World(
        seed: seed, machines: machines, network: network, uplink: UplinkDiscipline()))
    let sizes = TransactionSizes(fixed: [512])
    let committee = Committee(n: n)
    let mempool = Mempool(
      capacity: plan.mempool.capacity, eviction: plan.mempool.eviction, populations: 1)
    let replicas = (0..<n).map {
      PBFT(
        plan.consensus.values,
        ReplicaContext(
          me: ReplicaID($0), committee: committee, costs: scenario.machines.costs,
          mempool: mempool))
    }
    let settings = ReplicaGroupSettings(
      replies: plan.replies, forwardHeader: plan.replies.header, sizes: sizes,
      decisions: scenario.horizon.decisions)
    run.addPopulation(PopulationAddress(subsystem: 2, role: 0, node: NodeID(n), chain: 1))
    run.add(
      ReplicaGroup(
        index: 1, name: "main", nodes: nodes, lanes: lanes, replicas: replicas,
        settings: settings, seed: seed), connections: n * n + n, senders: n)
    let host = ClientSettings.Host(
      node: NodeID(n), population: 0, arrivals: .closed(clients: 2000, think: .constant(0)))
    run.add(
      ClientPopulation(
        index: 2, name: "clients",
        settings: ClientSettings(
          hosts: [host], chain: 1, chainNodes: nodes, target: .proposer,
          replyQuorum: committee.weakQuorum, timeout: .seconds(10), bundle: 100, header: 100,
          sizes: sizes), seed: seed), connections: n, senders: 1)
    return run
  }
}
