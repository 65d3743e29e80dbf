import Kernel
import Machines
import Networking

/// Something that happens to nodes or links: at a set time, or when a chain has come so far.
///
/// A crash strikes only a node that is up: one that is down is left as it is, and comes up when it
/// would have.
public struct Fault: Sendable, Equatable {
  public enum Trigger: Sendable, Equatable {
    case time(SimTime)
    /// Right after the event by which it is reached. Until then nothing is done ahead of time.
    case milestone(Milestone)
  }

  public enum Target: Sendable, Equatable {
    case node(NodeID)
    /// Whoever a chain takes for its proposer at that moment.
    case proposer(subsystem: UInt16)
  }

  /// A duration of `nil` lasts until the end.
  public enum Kind: Sendable, Equatable {
    /// The node stops; after `downTime` it comes up again, with or without what its disk held.
    case crash(Target, downTime: SimDuration?, keepsDisk: Bool)
    case restart(NodeID, keepsDisk: Bool)
    /// Work admitted from then on takes `factor` times as long.
    case slow([NodeID], factor: Double, duration: SimDuration?)
    /// Writes from then on take `factor` times as long.
    case slowDisk([NodeID], factor: Double, duration: SimDuration?)
    /// Clocks jump by `step`, and gain `drift` parts per million more than before. In the end they
    /// are set right again.
    case clock([NodeID], step: SimDuration, drift: Double, duration: SimDuration?)
    /// Messages pass only between equal sides; see `Partition`.
    case partition(side: [UInt8], isOneWay: Bool, duration: SimDuration?)
    /// Its times are set when it strikes.
    case links(LinkFault, duration: SimDuration?)
  }

  public var trigger: Trigger
  public var kind: Kind

  public init(at time: SimTime, _ kind: Kind) {
    trigger = .time(time)
    self.kind = kind
  }

  public init(when milestone: Milestone, _ kind: Kind) {
    trigger = .milestone(milestone)
    self.kind = kind
  }
}

/// How far a chain has come.
public struct Milestone: Sendable, Equatable {
  public enum Measure: String, Sendable, CaseIterable {
    /// Views entered after the first, by the replica that is farthest ahead.
    case view
    /// Decided batches or blocks.
    case decisions
    /// Height of the highest block that anybody has made.
    case height
  }

  public var subsystem: UInt16
  public var measure: Measure
  public var count: Int

  public init(of subsystem: UInt16, _ measure: Measure, _ count: Int) {
    self.subsystem = subsystem
    self.measure = measure
    self.count = count
  }
}

/// A crash that a subsystem asks for while it handles an event.
struct CrashRequest: Sendable {
  var node: NodeID
  var time: SimTime
  var downTime: SimDuration?
  var keepsDisk: Bool
}

/// The faults of a run, and which of them are in force.
struct FaultBook: Sendable {
  /// Those with a set time, in order of time, then those that wait for a chain, then those that
  /// followed from others.
  var all: [Fault]
  private(set) var timed: Int
  /// The first with a set time that has not struck.
  var next = 0
  /// Those that wait for a chain.
  var awaited: [Int]
  /// Those in force that change how nodes work, and since when.
  var active: [(fault: Int, since: SimTime)] = []
  /// When those in force end, in no order.
  var ends: [SimTime] = []

  init(_ faults: [Fault]) {
    var set: [(time: SimTime, offset: Int)] = []
    var waiting: [Fault] = []
    for (offset, fault) in faults.enumerated() {
      switch fault.trigger {
      case .time(let time): set.append((time, offset))
      case .milestone: waiting.append(fault)
      }
    }
    set.sort { ($0.time, $0.offset) < ($1.time, $1.offset) }
    all = set.map { faults[$0.offset] } + waiting
    timed = set.count
    awaited = Array(timed..<all.count)
  }

  func time(of fault: Int) -> SimTime {
    if case .time(let time) = all[fault].trigger { time } else { .never }
  }

  /// Partitions or link faults come while the run goes on.
  var disturbsLinks: Bool {
    all.contains {
      switch $0.kind {
      case .partition, .links: true
      case .crash, .restart, .slow, .slowDisk, .clock: false
      }
    }
  }

  /// When the next known fault strikes or ends.
  var horizon: SimTime {
    let strikes = next < timed ? time(of: next) : .never
    return ends.reduce(strikes) { min($0, $1) }
  }
}
