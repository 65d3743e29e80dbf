import Kernel
import Machines
import Networking
import Simulation

/// The faults of one run: what is drawn is drawn from its seed, before it starts.
struct FaultSchedule {
  var events: [Fault] = []
  /// Those whose times are known, as parts of the network.
  var partitions: [Partition] = []
  var links: [LinkFault] = []

  private let scenario: Scenario
  private let seed: UInt64
  private let clients: Int

  /// - Parameter clients: hosts of clients behind the last node.
  init(_ scenario: Scenario, seed: UInt64, clients: Int) {
    self.scenario = scenario
    self.seed = seed
    self.clients = clients
    for (index, plan) in scenario.faults.enumerated() { add(plan, index) }
  }

  private mutating func add(_ plan: FaultPlan, _ index: Int) {
    switch plan.schedule {
    case .at(let time): strike(plan, index, number: 0, at: time)
    case .when(let chain, let measure, let count):
      let milestone = Milestone(of: subsystem(chain), measure, count)
      for kind in kinds(plan, index, number: 0) { events.append(Fault(when: milestone, kind)) }
    case .every(let law, let times, let after):
      var stream = RandomStream(seed: seed, purpose: "times of fault", entity: UInt64(index))
      var time = after
      for number in 0..<times {
        time = time + SimDuration(nanoseconds: Int64(max(law.sample(using: &stream), 1).rounded()))
        guard time <= scenario.end else { return }
        strike(plan, index, number: number, at: time)
      }
    }
  }

  private mutating func strike(_ plan: FaultPlan, _ index: Int, number: Int, at time: SimTime) {
    if case .churn(let churn) = plan.kind {
      return add(churn, index, from: time, until: plan.duration.map { time + $0 } ?? scenario.end)
    }
    for kind in kinds(plan, index, number: number) {
      let until = plan.duration.map { time + $0 } ?? .never
      switch kind {
      case .partition(let side, let isOneWay, _):
        partitions.append(Partition(from: time, until: until, side: side, isOneWay: isOneWay))
      case .links(var fault, _):
        fault.from = time
        fault.until = until
        links.append(fault)
      case .crash, .restart, .slow, .slowDisk, .clock: events.append(Fault(at: time, kind))
      }
    }
  }

  /// Each node stays and is away in turns, from streams of its own.
  private mutating func add(
    _ churn: ChurnPlan, _ index: Int, from start: SimTime, until end: SimTime
  ) {
    for node in churn.nodes {
      var stream = RandomStream(
        seed: seed, purpose: "churn of fault \(index)", entity: UInt64(node))
      func draw(_ law: Distribution) -> SimDuration {
        // A thousandth of a second at least: a node does not come and go at once.
        SimDuration(nanoseconds: Int64(max(law.sample(using: &stream), 1e6).rounded()))
      }
      var time = start + draw(churn.session)
      while time < min(end, scenario.end) {
        let absence = draw(churn.absence)
        events.append(
          Fault(
            at: time,
            .crash(.node(NodeID(node)), downTime: absence, keepsDisk: churn.keepsDisk)))
        time = time + absence + draw(churn.session)
      }
    }
  }

  private func subsystem(_ chain: String) -> UInt16 {
    UInt16((scenario.chains.firstIndex { $0.name == chain } ?? 0) + 1)
  }

  /// What strike `number` of `plan` does, as the engine knows it.
  private func kinds(_ plan: FaultPlan, _ index: Int, number: Int) -> [Fault.Kind] {
    let duration = plan.duration
    func ids(_ nodes: [Int]) -> [NodeID] { nodes.map { NodeID($0) } }
    switch plan.kind {
    case .crash(let nodes, let keepsDisk):
      return ids(nodes).map { .crash(.node($0), downTime: duration, keepsDisk: keepsDisk) }
    case .crashProposer(let chain, let keepsDisk):
      let target = Fault.Target.proposer(subsystem: subsystem(chain))
      return [.crash(target, downTime: duration, keepsDisk: keepsDisk)]
    case .crashAny(let keepsDisk):
      var stream = RandomStream(
        seed: seed, purpose: "victims of fault \(index)", entity: UInt64(number))
      let victim = NodeID(stream.range(0..<scenario.network.nodeCount))
      return [.crash(.node(victim), downTime: duration, keepsDisk: keepsDisk)]
    case .partition(let parts, let isOneWay):
      return [.partition(side: sides(parts), isOneWay: isOneWay, duration: duration)]
    case .slow(let nodes, let factor):
      return [.slow(ids(nodes), factor: factor, duration: duration)]
    case .slowDisk(let nodes, let factor):
      return [.slowDisk(ids(nodes), factor: factor, duration: duration)]
    case .clock(let nodes, let step, let drift):
      return [.clock(ids(nodes), step: step, drift: drift, duration: duration)]
    case .links(let fault): return [.links(fault, duration: duration)]
    case .churn: return []
    }
  }

  /// Side of each node; what is in no part is one more, clients are on the side of the first.
  private func sides(_ parts: [[ClosedRange<Int>]]) -> [UInt8] {
    var side = [UInt8](repeating: UInt8(parts.count), count: scenario.network.nodeCount)
    for (p, part) in parts.enumerated() {
      for range in part { for node in range { side[node] = UInt8(p) } }
    }
    return side + [UInt8](repeating: 0, count: clients)
  }
}
