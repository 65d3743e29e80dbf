import Consensus
import Kernel
import Machines
import Protocols
import Simulation
import Testing

/// A run of group PBFT with its clients.
struct GroupPBFTRun: CommitteeRun {
  var setup = CommitteeSetup()
  var settings: GroupPBFT.Settings

  /// All nodes may endorse; the first `endorsers` begin.
  init(
    _ nodes: Int, _ endorsers: Int, era: Int = 1 << 20,
    _ election: GroupPBFT.ElectionRule = .location,
    learning: LeaderSubset.Learning = .one, ordering: PBFT.Settings = PBFTRun.plainSettings
  ) {
    settings = GroupPBFT.Settings(
      nodes: nodes, cap: endorsers, era: era, election: election, reward: 1, penalty: 10,
      fixed: Array(0..<nodes), learning: learning, ordering: ordering)
    setup.n = nodes
    setup.roles = GroupPBFT.roles(endorsers: endorsers, nodes: nodes)
  }

  /// With faults: eras of 10 slots, timers of a hundred milliseconds, requests for 2.5 s.
  static func faulty(
    _ nodes: Int, _ endorsers: Int, _ election: GroupPBFT.ElectionRule = .location,
    learning: LeaderSubset.Learning = .weakQuorum, seed: UInt64
  ) -> GroupPBFTRun {
    var run = GroupPBFTRun(
      nodes, endorsers, era: 10, election, learning: learning, ordering: PBFTRun.faultySettings)
    run.seed = seed
    run.delay = .uniform(low: 5e5, high: 2e6)
    run.clientHosts = 2
    run.arrivals = .poisson(rate: 200)
    run.until = SimTime(nanoseconds: 2_500_000_000)
    return run
  }

  func start() -> Simulation {
    var settings = settings
    settings.ordering.populations = setup.clientHosts
    return setup.start(
      (0..<setup.n).map { GroupPBFT(me: ReplicaID($0), settings: settings) })
  }
}

extension Simulation {
  var groupPBFT: ReplicaGroup<GroupPBFT> { group(GroupPBFT.self) }

  /// Nodes that are up and have not executed all that was submitted.
  var behind: [Int] {
    let replicas = groupPBFT.replicas
    return replicas.indices.filter {
      world.machines.isUp(NodeID($0)) && replicas[$0].state.transactions != submitted
    }
  }
}
