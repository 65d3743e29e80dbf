import Consensus
import Kernel

// Every stream of a run, so that a copy may part from it: whoever adds one adds it here.

extension World {
  /// See `Simulation.branch`.
  mutating func branch(_ branch: UInt64) {
    for k in streams.indices {
      for i in streams[k].indices { streams[k][i] = streams[k][i].branched(branch) }
    }
  }
}

extension ClientPopulationState {
  mutating func branch(_ branch: UInt64) {
    for h in hosts.indices {
      hosts[h].random = hosts[h].random.branched(branch)
      hosts[h].arrivals?.branch(branch)
    }
  }
}

extension ReplicaGroupState {
  mutating func branch(_ branch: UInt64) {
    for i in seats.indices { seats[i].random = seats[i].random.branched(branch) }
    for i in adversaries.streams.indices {
      adversaries.streams[i] = adversaries.streams[i].branched(branch)
    }
  }
}

extension BlockchainState {
  mutating func branch(_ branch: UInt64) {
    for i in nodes.indices { nodes[i].random = nodes[i].random.branched(branch) }
    for i in adversaryStreams.indices {
      adversaryStreams[i] = adversaryStreams[i].branched(branch)
    }
  }
}

extension BlockchainState {
  /// A miner that begins anew on what it has draws, and nothing else.
  mutating func renewLotteries(_ world: inout World) {
    for i in nodes.indices {
      let local = world.machines.localTime(of: nodes[i].machine, at: world.now)
      swap(&effects.random, &nodes[i].random)
      protocols[i].restart(from: nil, at: local, &effects)
      swap(&effects.random, &nodes[i].random)
      finish(i, handled: world.now, &world)
    }
  }
}

extension ShardedLedgerState {
  mutating func branch(_ branch: UInt64) {
    for h in hosts.indices {
      hosts[h].random = hosts[h].random.branched(branch)
      hosts[h].arrivals?.branch(branch)
    }
  }
}

extension RecordStoreState {
  mutating func branch(_ branch: UInt64) {
    for p in producers.indices { producers[p].random = producers[p].random.branched(branch) }
  }
}
