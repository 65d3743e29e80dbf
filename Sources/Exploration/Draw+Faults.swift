import Consensus
import Kernel
import Scenarios

/// What may be drawn, and how it is written in a scenario.
extension Draw {
  /// Nodes that lie, stay away or lose their disk: inside the assumptions at most as many as are
  /// tolerated, beyond them at least one more.
  mutating func drawFaulty() -> [Int] {
    guard let roles = swarm.entry.roles(with: swarm.values, nodes: nodes) else { return [] }
    let most = roles.tolerated
    let members = roles.committee.n
    let count =
      swarm.isBeyond
      ? random.range(most + 1...max(most + 1, (members + 1) / 2)) : random.range(0...most)
    return random.sample(min(count, members), of: members).sorted()
  }

  /// Delays without bound until all is calm.
  mutating func drawStabilisation(_ delay: SimDuration) {
    let chaos = share(of: calm, 0.005, 0.1)
    disturbances.append(
      .init(
        .stabilisation,
        "{ gst: \(text(calm)), delta: \(text(delay.nanoseconds * 2)), "
          + "chaos: { exponential: { mean: \(text(chaos)) } } }"))
  }

  /// What the faulty nodes do.
  mutating func drawAdversaries(_ faulty: [Int]) {
    guard !faulty.isEmpty, canLie else { return }
    // Liars are at their worst together.
    if random.bernoulli(swarm.isBeyond ? 0.8 : 0.4) {
      drawTwins(faulty)
    } else {
      for node in faulty { drawBehaviour(of: node) }
    }
  }

  private var canLie: Bool {
    swarm.entry.roles(with: swarm.values, nodes: nodes)?.committee.faults == .byzantine
  }

  private mutating func drawTwins(_ faulty: [Int]) {
    let hears = random.bernoulli(0.5) ? "part" : "all"
    let period = text(share(of: calm, 0.05, 0.5))
    disturbances.append(
      .init(
        .adversaries,
        "{ nodes: \(list(faulty)), twins: { hears: \(hears), period: \(period) } }"))
  }

  private mutating func drawBehaviour(of node: Int) {
    var kinds = ["silent", "delay", "withhold", "censor", "crash-at", "amnesia"]
    if swarm.entry.hasInvalidProposals { kinds.append("invalid") }
    let nodes = list([node])
    let text: String
    switch kinds[random.range(0..<kinds.count)] {
    case "silent": text = "{ nodes: \(nodes), silent: {} }"
    case "delay":
      text = "{ nodes: \(nodes), delay: { by: \(self.text(share(of: calm, 0.001, 0.2))) } }"
    case "withhold":
      text = "{ nodes: \(nodes), withhold: { fraction: \(random.range(10...90)) % } }"
    case "censor": text = "{ nodes: \(nodes), censor: { fraction: \(random.range(10...90)) % } }"
    case "crash-at":
      text =
        "{ nodes: \(nodes), crash-at: { proposal: \(random.range(1...5)), "
        + "reached: \(random.range(0...max(self.nodes - 2, 0))) } }"
    case "invalid": text = "{ nodes: \(nodes), invalid: {} }"
    default:
      let (at, duration) = span()
      disturbances.append(
        .init(.faults, "{ at: \(at), crash: \(node), for: \(duration), keeps-disk: false }"))
      return
    }
    disturbances.append(.init(.adversaries, text))
  }

  /// A fault that any node or link may have.
  mutating func drawFault(_ faulty: [Int]) {
    let (at, duration) = span()
    let when = "at: \(at), for: \(duration)"
    let text: String
    switch random.range(0..<10) {
    case 0, 1, 2: text = "{ at: \(at), crash: \(random.range(0..<nodes)), for: \(duration) }"
    case 3: text = "{ at: \(at), crash: leader, for: \(duration) }"
    case 4, 5:
      let oneWay = random.bernoulli(0.3)
      text = "{ \(when), partition: { parts: [\(list(some(of: nodes)))], one-way: \(oneWay) } }"
    case 6: text = "{ \(when), slow: { nodes: \(list(some(of: nodes))), factor: 20 } }"
    case 7:
      let offset = share(of: calm, 0.001, 0.1)
      text = "{ \(when), clock: { nodes: \(list(some(of: nodes))), offset: \(self.text(offset)) } }"
    default:
      let loss = random.range(5...60)
      let (from, to) = (list(some(of: nodes)), list(some(of: nodes)))
      let rest = "duplication: \(random.range(0...30)) %"
      text = "{ \(when), links: { from: \(from), to: \(to), loss: \(loss) %, \(rest) } }"
    }
    disturbances.append(.init(.faults, text))
  }
}
