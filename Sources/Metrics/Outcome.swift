/// What one run says: plain values, no references into the run, so that outcomes can cross
/// threads, be stored beside an unfinished sweep, and be compared byte for byte.
public struct Outcome: Sendable, Equatable, Codable {
  public var metrics: [Metric] = []
  public var series: [Series] = []
  public var messages: [MessageCount] = []
  public var latencies: [LatencyRow] = []
  public var violations: [Violation] = []
  /// Sentences that end a "check before trusting the results".
  public var warnings: [String] = []
  public var digests: [SubsystemDigest] = []
  /// Of every resource that nodes have.
  public var machines: [MachineUse] = []

  public init() {}

  /// The value of the metric called `name`, if the run has one.
  public subscript(name: String) -> Double? { metrics.first { $0.name == name }?.value }

  /// One number about the whole run. `name` is `<subsystem>.<metric>`, as `main.throughput`.
  public struct Metric: Sendable, Equatable, Codable {
    public var name: String
    /// `tx/s`, `s`, `B`, `1`, `USD/tx`, `J/tx`, ...
    public var unit: String
    /// Finite, or `nil` where the run gives no value (no transaction decided: no latency).
    public var value: Double?

    public init(_ name: String, _ unit: String, _ value: Double?) {
      self.name = name
      self.unit = unit
      self.value = value.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// A quantity over simulated time, in equal steps.
  public struct Series: Sendable, Equatable, Codable {
    public var name: String
    public var unit: String
    /// Width of a step in seconds; value `i` covers [i, i+1) steps from the start of the run.
    public var step: Double
    public var values: [Double]

    public init(_ name: String, _ unit: String, step: Double, values: [Double]) {
      self.name = name
      self.unit = unit
      self.step = step
      self.values = values
    }
  }

  /// Messages of one type, counted where they were handed to the network.
  public struct MessageCount: Sendable, Equatable, Codable {
    public var subsystem: String
    public var type: String
    public var count: Int
    public var bytes: Int
    /// Deliveries of what the receiver already had (gossip only).
    public var duplicates: Int
    /// Bytes sent, over the nodes that may send this type: mean and largest.
    public var nodeMeanBytes: Double
    public var nodeMaxBytes: Int

    public init(
      subsystem: String, type: String, count: Int, bytes: Int, duplicates: Int,
      nodeMeanBytes: Double, nodeMaxBytes: Int
    ) {
      self.subsystem = subsystem
      self.type = type
      self.count = count
      self.bytes = bytes
      self.duplicates = duplicates
      self.nodeMeanBytes = nodeMeanBytes
      self.nodeMaxBytes = nodeMaxBytes
    }
  }

  /// The distribution of one phase of latency, in seconds, after warm-up removal.
  public struct LatencyRow: Sendable, Equatable, Codable {
    public var subsystem: String
    /// `ingest`, `include`, `decide`, `final` or `total`.
    public var phase: String
    public var count: Int
    public var mean: Double
    public var p50: Double
    public var p90: Double
    public var p95: Double
    public var p99: Double
    public var max: Double

    public init(
      subsystem: String, phase: String, count: Int, mean: Double, p50: Double, p90: Double,
      p95: Double, p99: Double, max: Double
    ) {
      self.subsystem = subsystem
      self.phase = phase
      self.count = count
      self.mean = mean
      self.p50 = p50
      self.p90 = p90
      self.p95 = p95
      self.p99 = p99
      self.max = max
    }
  }

  /// For how much of the run one resource was busy, on each node.
  public struct MachineUse: Sendable, Equatable, Codable {
    /// `cpu`, `lane`, `uplink`, `downlink` or `disk`; see `Bottleneck.Resource`.
    public var resource: String
    /// By node, each in 0...1.
    public var shares: [Double]

    public init(_ resource: String, shares: [Double]) {
      self.resource = resource
      self.shares = shares
    }
  }

  /// A monitor fired: the run broke what its protocol promises.
  public struct Violation: Sendable, Equatable, Codable {
    public var subsystem: String
    /// `agreement`, `order`, `validity`, `double-execution`, ...
    public var monitor: String
    /// Seconds of simulated time.
    public var time: Double
    public var detail: String

    public init(subsystem: String, monitor: String, time: Double, detail: String) {
      self.subsystem = subsystem
      self.monitor = monitor
      self.time = time
      self.detail = detail
    }
  }

  /// What a subsystem's delivered steps fold to; equal for equal runs.
  public struct SubsystemDigest: Sendable, Equatable, Codable {
    public var subsystem: String
    public var steps: UInt64
    public var digest: UInt64

    public init(subsystem: String, steps: UInt64, digest: UInt64) {
      self.subsystem = subsystem
      self.steps = steps
      self.digest = digest
    }
  }
}
