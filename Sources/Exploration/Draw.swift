import Consensus
import Kernel
import Scenarios

/// Draws a trial: everything from one stream, in a fixed order.
///
/// Assumptions of a committee: partial synchrony. Until global stabilisation, delays are without
/// bound, links lose and repeat messages, and any correct node may stop and come back with its
/// disk;
/// afterwards all is calm. Nodes that lie, stay away or lose their disk are at most as many as the
/// protocol tolerates. A protocol that tolerates crashes only has no liars and no lost disks.
/// Of a committee that assumes synchrony only the faulty nodes stop, and nothing delays or loses
/// what the others send; messages may come twice.
/// Assumptions of a chain that spreads blocks: bounded delays throughout, no loss; nodes stop and
/// come back with their disk, and at most a third make and relay nothing.
struct Draw {
  let swarm: Swarm
  let seed: UInt64
  var random: RandomStream
  /// In nanoseconds: when all faults are over.
  var calm: Int64 = 0
  var nodes = 0
  var disturbances: [Trial.Disturbance] = []

  init(_ swarm: Swarm, seed: UInt64) {
    self.swarm = swarm
    self.seed = seed
    random = RandomStream(seed: seed, purpose: "swarm")
  }

  mutating func trial() -> Trial {
    nodes = swarm.sizes[random.range(0..<swarm.sizes.count)]
    let horizon = swarm.plan.calm.map { $0.nanoseconds * 20 / 7 } ?? swarm.horizon.nanoseconds
    calm = share(of: horizon, 0.1, 0.35)
    let low = logarithmic(swarm.plan.delay.lowerBound, swarm.plan.delay.upperBound)
    let high = logarithmic(low, swarm.plan.delay.upperBound)
    let submission = calm + share(of: horizon, 0.02, 0.1)
    let faulty = swarm.shards == nil ? drawFaulty() : []
    if !swarm.entry.spreads, !isSynchronous, random.bernoulli(0.6) { drawStabilisation(high) }
    if let shards = swarm.shards { drawAdversaries(of: shards) } else { drawAdversaries(faulty) }
    let count = random.range(0...swarm.plan.events)
    while disturbances.count < count { drawFault(faulty) }
    return Trial(
      seed: seed, nodes: nodes,
      delay: "{ uniform: { from: \(TrialWriter.text(low)), to: \(TrialWriter.text(high)) } }",
      disturbances: disturbances,
      rate: (Double(swarm.plan.transactions) * 1e9 / Double(submission) * 1000).rounded() / 1000,
      submission: whole(submission), end: swarm.horizon, calm: whole(calm),
      bound: swarm.plan.bound)
  }

  // MARK: - Numbers

  /// A share of `total` between `low` and `high`, nanoseconds.
  mutating func share(of total: Int64, _ low: Double, _ high: Double) -> Int64 {
    Int64(Double(total) * (low + (high - low) * random.unit()))
  }

  /// Between the two, small and large values alike: a random number of doublings.
  mutating func logarithmic(_ low: SimDuration, _ high: SimDuration) -> SimDuration {
    var value = low.nanoseconds
    var doublings = 0
    while value <= high.nanoseconds / 2 {
      value *= 2
      doublings += 1
    }
    let base = low.nanoseconds << Int64(random.range(0...doublings))
    let top = min(2 * base, high.nanoseconds)
    return whole(base + Int64(Double(max(top - base, 0)) * random.unit()))
  }

  func whole(_ nanoseconds: Int64) -> SimDuration {
    SimDuration(nanoseconds: max(nanoseconds / 1000, 1) * 1000)
  }

  func text(_ nanoseconds: Int64) -> String { TrialWriter.text(whole(nanoseconds)) }

  /// A moment before all is calm, and how long something lasts that is over by then.
  mutating func span() -> (at: String, duration: String) {
    let at = share(of: calm, 0.02, 0.9)
    let duration = share(of: calm - at, 0.02, 0.98)
    return (text(at), text(duration))
  }

  /// Some nodes, at least one and not all.
  mutating func some(of count: Int) -> [Int] {
    random.sample(random.range(1...max(count - 1, 1)), of: count).sorted()
  }

  func list(_ nodes: [Int]) -> String { "\"\(nodes.map(String.init).joined(separator: ", "))\"" }
}
