/// How busy the resources of the nodes were, and what throughput they would have allowed.
///
/// The bottleneck law of operational analysis (Denning & Buzen, "The operational analysis of
/// queueing network models", ACM Computing Surveys 10(3), 1978): X <= 1 / D_max. The demand of one
/// transaction on a resource is D = U T / C, for a resource busy a share U of the time T in which C
/// transactions completed; so X <= C / (U_max T).
///
/// It is a bound for the mix of work that was seen: batches that fill up under load lower D, and
/// votes that pass unused raise it.
public struct Bottleneck: Sendable, Equatable {
  public enum Resource: String, Sendable, CaseIterable {
    /// All cores of a node.
    case processor = "cpu"
    /// The busiest event loop of a node: serial, whatever cores there are.
    case lane
    case uplink
    case downlink
    case disk
  }

  /// The shares of a run for which the resources of one node were busy, each in 0...1.
  public struct Use: Sendable, Equatable {
    public var processor: Double
    public var lane: Double
    public var uplink: Double
    public var downlink: Double
    public var disk: Double

    public init(
      processor: Double, lane: Double, uplink: Double, downlink: Double, disk: Double
    ) {
      self.processor = processor
      self.lane = lane
      self.uplink = uplink
      self.downlink = downlink
      self.disk = disk
    }

    public subscript(resource: Resource) -> Double {
      switch resource {
      case .processor: processor
      case .lane: lane
      case .uplink: uplink
      case .downlink: downlink
      case .disk: disk
      }
    }
  }

  /// Index of the busiest node, the first among equals.
  public let node: Int
  public let resource: Resource
  /// The largest busy share, above 0.
  public let share: Double

  /// `nil` if no resource was ever busy: all are ideal, nothing bounds the throughput.
  /// - Parameter nodes: by node.
  public init?(_ nodes: [Use]) {
    var best: (node: Int, resource: Resource, share: Double)?
    for (node, use) in nodes.enumerated() {
      for resource in Resource.allCases where use[resource] > best?.share ?? 0 {
        best = (node, resource, use[resource])
      }
    }
    guard let best else { return nil }
    (node, resource, share) = best
  }

  /// Transactions per second that the busiest resource would allow.
  /// - Parameters:
  ///   - completed: transactions that were completed while the shares were taken.
  ///   - seconds: over which they were taken, above 0.
  public func bound(completed: Int, seconds: Double) -> Double {
    Double(completed) / (share * seconds)
  }

  /// Below this busy share of its busiest resource a run says little about capacity.
  public static var barelyLoaded: Double { 0.05 }

  /// As a phrase: `the uplink of node 3, busy 97.1 % of the time`.
  public var description: String {
    "the \(resource.rawValue) of node \(node), busy \(rounded(share * 100)) % of the time"
  }

  /// The busy shares of each resource, node by node.
  public static func machines(_ nodes: [Use]) -> [Outcome.MachineUse] {
    Resource.allCases.map { resource in
      Outcome.MachineUse(resource.rawValue, shares: nodes.map { $0[resource] })
    }
  }

  /// Mean and largest busy share of each resource: `nodes.cpu_mean`, `nodes.cpu_max`, ...
  public static func metrics(_ nodes: [Use]) -> [Outcome.Metric] {
    guard !nodes.isEmpty else { return [] }
    return Resource.allCases.flatMap { resource in
      let shares = nodes.map { $0[resource] }
      return [
        Outcome.Metric(
          "nodes.\(resource.rawValue)_mean", "1", shares.reduce(0, +) / Double(shares.count)),
        Outcome.Metric("nodes.\(resource.rawValue)_max", "1", shares.max()),
      ]
    }
  }
}
