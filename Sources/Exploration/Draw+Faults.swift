import Consensus
import Kernel
import Scenarios

/// What may be drawn, and how it is written in a scenario.
extension Draw {
  /// Nodes that lie, stay away or lose their disk: inside the assumptions at most as many as are
  /// tolerated, beyond them at least one more.
  mutating func drawFaulty() -> [Int] {
    let roles = swarm.entry.roles(with: swarm.values, nodes: nodes)
    let most = swarm.entry.tolerated(with: swarm.values, nodes: nodes)
    let members = roles?.committee.n ?? nodes
    let count =
      swarm.isBeyond
      ? random.range(most + 1...max(most + 1, members - 2)) : random.range(0...most)
    var faulty =
      isStructured && random.bernoulli(0.5)
      ? neighbours(min(count, members), of: members)
      : random.sample(min(count, members), of: members)
    // Replica 0 leads first nearly everywhere, and mostly for long.
    if count > 0, !faulty.contains(0), random.bernoulli(0.4) { faulty[0] = 0 }
    return faulty.sorted()
  }

  /// A protocol that tolerates fewer faulty nodes than a third, wherever they are, has parts that
  /// they can hold: nodes next to each other are in the same one.
  private var isStructured: Bool {
    swarm.entry.tolerated(with: swarm.values, nodes: nodes) < (nodes - 1) / 3
  }

  /// So many nodes in a row.
  private mutating func neighbours(_ count: Int, of members: Int) -> [Int] {
    let first = random.range(0..<members)
    return (0..<count).map { (first + $0) % members }
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
    guard !faulty.isEmpty else { return }
    guard !swarm.entry.spreads else { return drawSilence(faulty) }
    if swarm.isBeyond, random.bernoulli(0.5) { return drawTwoWorlds(faulty) }
    guard canLie else { return drawStops(faulty) }
    // Liars are at their worst together, and too many of them more so.
    if random.bernoulli(swarm.isBeyond ? 0.8 : 0.5) {
      drawTwins(faulty)
    } else if swarm.isBeyond, random.bernoulli(0.5) {
      disturbances.append(
        .init(.adversaries, "{ nodes: \(list(faulty)), behaviour: { silent: {} } }"))
    } else {
      for node in faulty { drawBehaviour(of: node) }
    }
  }

  /// Nodes of a chain that spreads blocks make none and relay none; beyond the assumptions, the
  /// chain is cut in two for long.
  private mutating func drawSilence(_ faulty: [Int]) {
    guard swarm.isBeyond else {
      disturbances.append(
        .init(.adversaries, "{ nodes: \(list(faulty)), behaviour: { silent: {} } }"))
      return
    }
    let (at, duration) = (text(calm / 20), text(calm * 9 / 10))
    disturbances.append(
      .init(
        .faults, "{ at: \(at), for: \(duration), partition: { parts: [\(list(faulty))] } }"))
  }

  /// Faulty nodes of a protocol that tolerates crashes only: some stay down. Beyond that, all do,
  /// or
  /// all lose what they had promised.
  private mutating func drawStops(_ faulty: [Int]) {
    guard swarm.isBeyond else {
      for node in faulty where random.bernoulli(0.3) {
        disturbances.append(
          .init(.faults, "{ at: \(text(share(of: calm, 0, 1))), crash: \(node) }"))
      }
      return
    }
    let nodes = list(faulty)
    guard random.bernoulli(0.7) else {
      disturbances.append(.init(.faults, "{ at: \(text(calm / 2)), crash: \(nodes) }"))
      return
    }
    for _ in 0..<3 {
      let (at, duration) = span()
      disturbances.append(
        .init(.faults, "{ at: \(at), crash: \(nodes), for: \(duration), keeps-disk: false }"))
    }
  }

  private var canLie: Bool { faults != .crash }

  /// Messages between correct nodes take at most a known time.
  var isSynchronous: Bool { faults == .synchronous }

  private var faults: Committee.Faults? {
    swarm.entry.roles(with: swarm.values, nodes: nodes)?.committee.faults
  }

  /// Beyond the assumptions: the correct nodes are cut into two halves, and each half hears its own
  /// copies of the faulty ones.
  private mutating func drawTwoWorlds(_ faulty: [Int]) {
    disturbances.append(
      contentsOf: twoWorlds(of: faulty, among: nodes, chain: nil) { $0 })
  }

  /// Twins, and links that lose all between the halves of the others until all is calm.
  mutating func twoWorlds(
    of faulty: [Int], among count: Int, chain: String?, node: (Int) -> Int
  ) -> [Trial.Disturbance] {
    var correct = (0..<count).filter { !faulty.contains($0) }
    random.shuffle(&correct)
    let first = correct.prefix(correct.count / 2).sorted()
    let second = correct.dropFirst(correct.count / 2).sorted()
    let place = chain.map { "chain: \($0), " } ?? ""
    let behaviour = "{ twins: { hears: own, first: \(list(first.isEmpty ? faulty : first)) } }"
    var all = [
      Trial.Disturbance(
        .adversaries, "{ \(place)nodes: \(list(faulty)), behaviour: \(behaviour) }")
    ]
    guard !first.isEmpty, !second.isEmpty else { return all }
    let (at, duration) = (text(calm / 50), text(calm * 49 / 50))
    for (from, to) in [(first, second), (second, first)] {
      let ends = "from: \(list(from.map(node))), to: \(list(to.map(node)))"
      all.append(
        .init(.faults, "{ at: \(at), for: \(duration), links: { \(ends), loss: 100 % } }"))
    }
    return all
  }

  private mutating func drawTwins(_ faulty: [Int]) {
    let hears = random.bernoulli(0.7) ? "own" : "all"
    // Two worlds that hold long enough for both to decide.
    let period = text(swarm.isBeyond ? share(of: calm, 0.3, 2) : share(of: calm, 0.05, 0.5))
    disturbances.append(
      .init(
        .adversaries,
        "{ nodes: \(list(faulty)), "
          + "behaviour: { twins: { hears: \(hears), period: \(period) } } }"))
  }

  private mutating func drawBehaviour(of node: Int) {
    var kinds = ["silent", "delay", "withhold", "censor", "amnesia"]
    if swarm.entry.marksProposals { kinds.append("crash-at") }
    if swarm.entry.hasInvalidProposals { kinds.append("invalid") }
    let behaviour: String
    switch kinds[random.range(0..<kinds.count)] {
    case "silent": behaviour = "silent: {}"
    case "delay": behaviour = "delay: \(text(share(of: calm, 0.001, 0.2)))"
    case "withhold": behaviour = "withhold: { reaches: \(random.range(10...90)) % }"
    case "censor": behaviour = "censor: { share: \(random.range(10...90)) % }"
    case "crash-at":
      behaviour =
        "crash-at: { proposal: \(random.range(1...5)), "
        + "reaches: \(random.range(0...max(nodes - 2, 0))), for: \(text(calm / 3)) }"
    case "invalid": behaviour = "invalid: {}"
    default:
      let (at, duration) = span()
      disturbances.append(
        .init(.faults, "{ at: \(at), crash: \(node), for: \(duration), keeps-disk: false }"))
      return
    }
    disturbances.append(
      .init(.adversaries, "{ nodes: \(list([node])), behaviour: { \(behaviour) } }"))
  }

  /// A fault that any node or link may have.
  mutating func drawFault(_ faulty: [Int]) {
    let (at, duration) = span()
    let when = "at: \(at), for: \(duration)"
    guard !swarm.entry.spreads else { return drawFaultOfChain(at, when, duration) }
    guard !isSynchronous else { return drawFaultUnderSynchrony(faulty, at, when, duration) }
    let text: String
    switch random.range(0..<9) {
    case 0, 1, 2: text = "{ at: \(at), crash: \(random.range(0..<nodes)), for: \(duration) }"
    case 3: text = "{ at: \(at), crash: leader, for: \(duration) }"
    case 4, 5:
      let oneWay = random.bernoulli(0.3)
      let part =
        isStructured && random.bernoulli(0.5)
        ? neighbours(random.range(1...nodes / 2 + 1), of: nodes).sorted() : some(of: nodes)
      text = "{ \(when), partition: { parts: [\(list(part))], one-way: \(oneWay) } }"
    case 6:
      let step = share(of: calm, 0.001, 0.1)
      text = "{ \(when), clock: { nodes: \(list(some(of: nodes))), step: \(self.text(step)) } }"
    default:
      let loss = random.range(5...60)
      let (from, to) = (list(some(of: nodes)), list(some(of: nodes)))
      let rest = "duplication: \(random.range(0...30)) %, reordering: \(random.range(0...50)) %"
      text = "{ \(when), links: { from: \(from), to: \(to), loss: \(loss) %, \(rest) } }"
    }
    disturbances.append(.init(.faults, text))
  }

  /// A node stops for a while, or messages come twice. What is final by votes must outlive that a
  /// network falls apart.
  private mutating func drawFaultOfChain(_ at: String, _ when: String, _ duration: String) {
    let text: String
    if swarm.isFinalByVotes, random.bernoulli(0.5) {
      let part =
        random.bernoulli(0.5)
        ? random.sample(nodes / 2, of: nodes).sorted() : some(of: nodes)
      text = "{ \(when), partition: { parts: [\(list(part))] } }"
    } else if random.bernoulli(0.7) {
      text = "{ at: \(at), crash: any, for: \(duration) }"
    } else {
      text = "{ \(when), links: { duplication: \(random.range(1...30)) % } }"
    }
    disturbances.append(.init(.faults, text))
  }

  /// One of the faulty nodes stops for a while, or messages come twice.
  private mutating func drawFaultUnderSynchrony(
    _ faulty: [Int], _ at: String, _ when: String, _ duration: String
  ) {
    guard !faulty.isEmpty, random.bernoulli(0.7) else {
      let share = random.range(1...30)
      disturbances.append(.init(.faults, "{ \(when), links: { duplication: \(share) % } }"))
      return
    }
    let node = faulty[random.range(0..<faulty.count)]
    disturbances.append(.init(.faults, "{ at: \(at), crash: \(node), for: \(duration) }"))
  }
}
