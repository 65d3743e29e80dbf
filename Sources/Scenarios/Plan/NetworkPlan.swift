import Kernel
import Machines
import Networking

/// Nodes and links of a scenario.
public struct NetworkPlan: Sendable {
  /// Region name of each region in use, in order of first use.
  public var regionNames: [String]
  /// Region of each node, an index into `regionNames`.
  public var regionOf: [UInt16]
  /// Parts of the nodes that stand in the same regions, one node like the other.
  public var tiers: Int
  /// One-way delays in nanoseconds, row by row.
  public var delays: [Distribution]
  /// Bits per second out of and into each node; `nil` is ideal.
  public var uplinks: [Double?]
  public var downlinks: [Double?]
  public var transport: Transport
  public var uplinkDiscipline: UplinkPlan
  public var loss: Double
  public var duplication: Double
  public var reorders: Bool
  public var jitter: Distribution?
  public var stabilisation: Stabilisation?

  public var nodeCount: Int { regionOf.count }
}

/// How messages share an uplink, as a scenario says it.
public struct UplinkPlan: Sendable, Equatable {
  public var chunk: Int?
  public var urgentFirst: Bool
}

extension NetworkPlan {
  /// Bounds of node counts.
  static let nodeRange = 1...1_000_000

  init(_ section: Section, folder: String) throws {
    let layout = try RegionLayout(section, folder: folder)
    regionNames = layout.names
    regionOf = layout.regionOf
    tiers = layout.tiers
    delays = layout.delays
    uplinks = Self.bandwidths(section, "uplink", layout.uplinks, layout.regionOf)
    downlinks = Self.bandwidths(section, "downlink", layout.downlinks, layout.regionOf)
    transport = try Self.transport(section)
    uplinkDiscipline = try Self.discipline(section)
    loss = section.fraction(
      "loss", default: 0, in: 0...0.9, "share of messages (of packets, for streams) that is lost")
    duplication = section.fraction(
      "duplication", default: 0, in: 0...0.9, "share of messages that arrives twice")
    reorders = section.flag(
      "reordering", default: false, "a later message of a pair may overtake an earlier one")
    jitter = section.optional("jitter") {
      $0.random($1, of: .duration, "added to the delay of each message").distribution
    }
    stabilisation = section.optionalSection(
      "stabilisation", "partial synchrony: chaos before GST, bounded delay after it",
      Self.stabilisation)
    if reorders, transport != .message {
      section.fail("reordering", "a stream keeps the order of its messages", allowed: "message")
    }
  }

  private static func bandwidths(
    _ section: Section, _ key: String, _ byRegion: [Double]?, _ regionOf: [UInt16]
  ) -> [Double?] {
    var standard = "ideal"
    if byRegion != nil { standard = "region" }
    let text = section.shape(of: key) == .absent ? standard : nil
    let choices = byRegion == nil ? ["ideal"] : ["ideal", "region"]
    let plan = section.bandwidthOr(
      key, choices, default: text ?? standard,
      "bits per second of each node; ideal takes no time, region is as the regions' table says")
    switch plan {
    case .choice("region"): return regionOf.map { byRegion?[Int($0)] }
    case .choice: return regionOf.map { _ in nil }
    case .bandwidth(let rate): return regionOf.map { _ in rate }
    }
  }

  private static func transport(_ section: Section) throws -> Transport {
    try section.variant(
      "transport", default: "message",
      [
        Alternative(
          "message", "ideal: a message takes its delay, whatever its size",
          section: { _ in .message }),
        Alternative(
          "stream", "as TCP: slow start, loss becomes delay, order per connection",
          section: { stream in
            let packet = stream.bytes(
              "packet", default: 1460, in: 64...65_535, "payload of a packet",
              source: "Ethernet's 1500 B less 40 B of headers")
            let initial = stream.bytes(
              "initial-window", default: 14_600, in: 64...1_000_000_000,
              "bytes in flight on a cold connection", source: "RFC 6928: 10 segments")
            let largest = stream.bytes(
              "largest-window", default: 6_291_456, in: 64...1_000_000_000,
              "bytes in flight at most", source: "Linux tcp_rmem maximum")
            stream.require(packet <= initial, "initial-window", "is smaller than a packet")
            stream.require(initial <= largest, "largest-window", "is less than initial-window")
            var settings = StreamSettings(
              packet: packet, initialWindow: max(initial, packet),
              largestWindow: max(largest, initial, packet),
              idle: stream.duration(
                "idle", default: .seconds(1), in: .milliseconds(1) ... .seconds(86_400),
                "an unused connection is cold after this", source: "RFC 5681 §4.1: one RTO"),
              retransmissionTimeout: stream.duration(
                "retransmission-timeout", default: .milliseconds(200),
                in: .milliseconds(1) ... .seconds(60), "least time before data is sent again",
                source: "Linux TCP_RTO_MIN"))
            settings.usesNagle = stream.flag(
              "nagle", default: false,
              "a packet that is not full waits until the last such one is acknowledged",
              source: "off: programs for low latency set TCP_NODELAY")
            return .stream(settings)
          }),
      ], "what carries messages")
  }

  private static func discipline(_ section: Section) throws -> UplinkPlan {
    try section.variant(
      "uplink-order", default: "fifo",
      [
        Alternative(
          "fifo", "whole messages, first come, first served",
          section: {
            UplinkPlan(
              chunk: nil,
              urgentFirst: $0.flag("votes-first", default: false, "votes go before blocks"))
          }),
        Alternative(
          "turns", "connections take turns, a chunk each",
          section: {
            UplinkPlan(
              chunk: $0.bytes(
                "chunk", default: 65_536, in: 64...1_000_000_000, "bytes of a turn",
                source: "a common socket buffer"),
              urgentFirst: $0.flag("votes-first", default: false, "votes go before blocks"))
          }),
      ], "how messages share a node's uplink")
  }

  private static func stabilisation(_ section: Section) -> Stabilisation {
    Stabilisation(
      gst: .zero + section.duration("gst", in: .zero ... .seconds(1_000_000_000), "GST"),
      delta: section.duration(
        "delta", in: .nanoseconds(1) ... .seconds(1_000_000), "bound on every delay after GST"),
      chaos: section.random(
        "chaos", of: .duration, "added to delays before GST"
      ).distribution)
  }
}

extension RandomQuantity {
  /// The sampler's form of it. A lower limit redraws where the sampler can, and clamps elsewhere.
  var distribution: Distribution {
    switch shape {
    case .constant(let value): .constant(value)
    case .uniform(let low, let high): .uniform(low: low, high: high)
    case .normal(let mean, let sd): .normal(mean: mean, deviation: sd, min: least ?? 0)
    case .lognormal(let median, let sigma): .lognormal(median: median, sigma: sigma)
    case .exponential(let mean): .exponential(mean: mean)
    case .pareto(let scale, let shape): .pareto(scale: scale, shape: shape)
    case .gamma(let mean, let shape): .gamma(mean: mean, shape: shape)
    }
  }
}
