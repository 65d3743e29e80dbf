import Kernel
import Networking
import Simulation

/// Faults in words, for captions.
extension FaultPlan {
  /// What happens: `crash of the proposer of main`.
  public var text: String {
    let what =
      switch kind {
      case .crash(let nodes, _): "crash of \(Self.nodes(nodes))"
      case .crashProposer(let chain, _): "crash of the proposer of \(chain)"
      case .crashAny: "crash of a node drawn at random"
      case .partition(let parts, let isOneWay):
        "\(isOneWay ? "one-way " : "")partition: "
          + parts.map { $0.map(Self.range).joined(separator: ", ") }.joined(separator: " | ")
      case .slow(let nodes, let factor): "\(Self.nodes(nodes)) slower by \(factor)"
      case .slowDisk(let nodes, let factor): "disk of \(Self.nodes(nodes)) slower by \(factor)"
      case .clock(let nodes, _, _): "clocks of \(Self.nodes(nodes))"
      case .links(let fault): "links: \(Self.troubles(fault))"
      case .churn(let plan): "churn of \(Self.nodes(plan.nodes))"
      }
    switch schedule {
    case .at: return what
    case .when(let chain, let measure, let count):
      return "\(what), when \(chain) has come to \(measure.rawValue) \(count)"
    case .every(_, let times, _): return "\(what), again and again, at most \(times) times"
    }
  }

  /// Seconds between which it is in force, as far as that is known before the run; `end` of `nil`:
  /// to the end of the run.
  public var interval: (start: Double, end: Double?)? {
    guard case .at(let time) = schedule else { return nil }
    return (time.seconds, duration.map { (time + $0).seconds })
  }

  private static func nodes(_ nodes: [Int]) -> String {
    guard nodes.count > 1 else { return "node \(nodes.first ?? 0)" }
    let shown = nodes.prefix(8).map(String.init).joined(separator: ", ")
    return nodes.count > 8 ? "\(nodes.count) nodes" : "nodes \(shown)"
  }

  private static func range(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  private static func troubles(_ fault: LinkFault) -> String {
    var parts: [String] = []
    if fault.loss > 0 { parts.append("loss") }
    if fault.duplication > 0 { parts.append("duplication") }
    if fault.overtaking > 0 { parts.append("reordering") }
    if fault.delay != nil { parts.append("delay") }
    return parts.joined(separator: ", ")
  }
}
