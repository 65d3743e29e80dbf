import Kernel

/// A simulated machine of a run: index 0..<nodes.
@frozen
public struct NodeID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var index: UInt32

  @inlinable public init(_ index: Int) { self.index = UInt32(index) }

  @inlinable
  public static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
}

/// What one node is made of. A resource that is `nil` is ideal: it takes no time and never queues.
public struct MachineSpec: Sendable, Equatable {
  /// The processor of a node.
  public struct Processor: Sendable, Equatable {
    /// Cores in all, `lanes` of which run event loops; the others verify, any role's work, in
    /// order of arrival. With no core left over, a lane verifies for itself.
    public var cores: Int
    /// Event loops. Role r of the node runs on lane r mod lanes.
    public var lanes: Int
    /// Multiplies every CPU cost; 1 is the machine on which the costs were measured.
    public var slowdown: Double

    public init(cores: Int, lanes: Int = 1, slowdown: Double = 1) {
      precondition(lanes >= 1 && cores >= lanes, "\(cores) cores, \(lanes) lanes")
      precondition(slowdown > 0, "slowdown \(slowdown)")
      self.cores = cores
      self.lanes = lanes
      self.slowdown = slowdown
    }
  }

  /// A disk: one write after the other, each flushed.
  public struct Disk: Sendable, Equatable {
    public var bytesPerSecond: Double
    /// Time of one flush to stable storage.
    public var flush: SimDuration

    public init(bytesPerSecond: Double, flush: SimDuration) {
      self.bytesPerSecond = bytesPerSecond
      self.flush = flush
    }
  }

  public var processor: Processor?
  /// Bits per second out of the node; `nil` is ideal.
  public var uplink: Double?
  /// Bits per second into the node; `nil` is ideal.
  public var downlink: Double?
  public var disk: Disk?
  /// Local clock minus simulated time at the start of the run.
  public var clockOffset: SimDuration
  /// Parts per million by which the local clock runs fast (negative: slow).
  public var clockDrift: Double

  public init(
    processor: Processor? = nil, uplink: Double? = nil, downlink: Double? = nil,
    disk: Disk? = nil, clockOffset: SimDuration = .zero, clockDrift: Double = 0
  ) {
    self.processor = processor
    self.uplink = uplink
    self.downlink = downlink
    self.disk = disk
    self.clockOffset = clockOffset
    self.clockDrift = clockDrift
  }

  /// No resource costs anything.
  public static var ideal: MachineSpec { MachineSpec() }
}

/// What a node's own clock shows, in nanoseconds; may be offset and drift.
@frozen
public struct LocalTime: Comparable, Hashable, Sendable, BitwiseCopyable {
  public var nanoseconds: Int64

  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  @inlinable
  public static func < (a: LocalTime, b: LocalTime) -> Bool { a.nanoseconds < b.nanoseconds }
  @inlinable
  public static func - (a: LocalTime, b: LocalTime) -> SimDuration {
    SimDuration(nanoseconds: a.nanoseconds - b.nanoseconds)
  }
  @inlinable
  public static func + (a: LocalTime, d: SimDuration) -> LocalTime {
    LocalTime(nanoseconds: a.nanoseconds + d.nanoseconds)
  }
}
