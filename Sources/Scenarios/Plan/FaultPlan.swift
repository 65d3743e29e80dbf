import Kernel
import Machines
import Networking
import Simulation

/// One entry of a scenario's faults.
public struct FaultPlan: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// Nodes, by number.
    case crash(nodes: [Int], keepsDisk: Bool)
    /// Whoever the chain takes for its proposer when it strikes.
    case crashProposer(chain: String, keepsDisk: Bool)
    /// A node drawn for each strike.
    case crashAny(keepsDisk: Bool)
    /// Nodes of one part reach only each other; what is in no part is one more.
    case partition(parts: [[ClosedRange<Int>]], isOneWay: Bool)
    case slow(nodes: [Int], factor: Double)
    case slowDisk(nodes: [Int], factor: Double)
    /// Drift in parts per million.
    case clock(nodes: [Int], step: SimDuration, drift: Double)
    case links(LinkFault)
    case churn(ChurnPlan)
  }

  /// When it strikes.
  public enum Schedule: Sendable, Equatable {
    case at(SimTime)
    case when(chain: String, measure: Milestone.Measure, count: Int)
    /// Again and again, after drawn times in nanoseconds.
    case every(Distribution, times: Int, after: SimTime)
  }

  public var schedule: Schedule
  /// `nil`: until the end.
  public var duration: SimDuration?
  public var kind: Kind

  /// When it is known to be over at the latest; `nil`: that is not known.
  var healed: SimTime? {
    guard case .at(let time) = schedule, let duration else { return nil }
    return time + duration
  }
}

/// Nodes that leave and come back: each stays and is away for drawn times in nanoseconds.
public struct ChurnPlan: Sendable, Equatable {
  public var nodes: [Int]
  public var session: Distribution
  public var absence: Distribution
  public var keepsDisk: Bool
}

/// What a fault may refer to.
struct FaultContext {
  var nodes: Int
  var chains: [ChainPlan]
  var machines: MachinePlan
  var isStream: Bool

  var names: [String] { chains.isEmpty ? ["main"] : chains.map(\.name) }

  func spreads(_ chain: String) -> Bool {
    chains.first { $0.name == chain }?.consensus.entry.spreads ?? false
  }
}

extension FaultPlan {
  static let longest = SimDuration.seconds(1_000_000_000)

  init(_ section: Section, _ context: FaultContext) throws {
    schedule = try Schedule(section, context)
    duration = section.optional("for") {
      $0.duration(
        $1, in: .nanoseconds(1)...Self.longest, "how long it lasts; default until the end")
    }
    kind = try section.exactlyOne(Self.kinds(context), "what happens")
    if case .churn = kind {
      guard case .at = schedule else {
        section.fail("churn", "is drawn by itself and only begins once", allowed: "at")
        return
      }
    }
  }

  private static func kinds(_ context: FaultContext) -> [Alternative<Kind>] {
    [
      Alternative(
        "crash", "nodes stop: node numbers, leader, or any for a drawn one",
        value: { crash($0, $1, context) }),
      Alternative(
        "partition", "parts that cannot reach each other",
        section: { partition in
          let parts = partition.values(
            "parts", count: 1...100, "each a list of nodes: '0-3' or '0, 2, 5-7'"
          ) { list, key in
            list.nodeRanges(key, below: context.nodes, "nodes of this part")
          }
          let isOneWay = partition.flag(
            "one-way", default: false, "only messages from earlier into later parts are cut")
          return .partition(parts: parts, isOneWay: isOneWay)
        }),
      Alternative(
        "slow", "processors of nodes take longer",
        section: { slow in
          let (nodes, factor) = slowdown(slow, context, "processors")
          let ideal = nodes.first { context.machines.processors[$0] == nil }
          slow.require(
            ideal == nil, "nodes", "node \(ideal ?? 0) has an ideal cpu, which takes no time")
          return .slow(nodes: nodes, factor: factor)
        }),
      Alternative(
        "slow-disk", "disks of nodes take longer",
        section: { slow in
          let (nodes, factor) = slowdown(slow, context, "disks")
          let ideal = nodes.first { context.machines.disks[$0] == nil }
          slow.require(
            ideal == nil, "nodes", "node \(ideal ?? 0) has an ideal disk, which takes no time")
          return .slowDisk(nodes: nodes, factor: factor)
        }),
      Alternative(
        "clock", "clocks of nodes jump or drift; set right again in the end",
        section: { clock($0, context) }),
      Alternative(
        "links", "links from some nodes to some nodes work badly, in this direction",
        section: { .links(links($0, context)) }),
      Alternative(
        "churn", "nodes leave and come back, each by draws of its own",
        section: { .churn(churn($0, context)) }),
    ]
  }

  private static func crash(
    _ section: Section, _ key: String, _ context: FaultContext
  ) -> Kind {
    let target = section.text(
      key, "leader, any, or nodes by number, from 0, as '0-3' or '0, 2, 5-7'")
    let keepsDisk = section.flag(
      "keeps-disk", default: true, "what was on the disk is there after the restart")
    if target == "any" { return .crashAny(keepsDisk: keepsDisk) }
    guard target == "leader" else {
      let nodes = section.nodes(key, below: context.nodes, "nodes that stop")
      return .crash(nodes: nodes, keepsDisk: keepsDisk)
    }
    let chain = section.choice(
      "chain", context.names, default: context.names[0], "whose leader, or whose progress")
    section.require(
      !context.spreads(chain), key, "chain '\(chain)' spreads blocks and has no leader")
    return .crashProposer(chain: chain, keepsDisk: keepsDisk)
  }

  private static func slowdown(
    _ section: Section, _ context: FaultContext, _ what: String
  ) -> (nodes: [Int], factor: Double) {
    (
      section.nodes("nodes", below: context.nodes, "whose \(what)"),
      section.number("factor", in: 1e-3...1e6, "how many times as long everything takes")
    )
  }

  private static func clock(_ section: Section, _ context: FaultContext) -> Kind {
    let nodes = section.nodes("nodes", below: context.nodes, "whose clocks")
    let step = section.quantity(
      "step", of: .duration, default: 0, in: -3.6e12...3.6e12, "how far they jump ahead")
    let drift = section.quantity(
      "drift", of: .drift, default: 0, in: -0.1...0.1, "how much faster they run")
    section.require(step != 0 || drift != 0, "step", "neither step nor drift changes anything")
    return .clock(
      nodes: nodes, step: SimDuration(nanoseconds: Int64(step.rounded())), drift: drift * 1e6)
  }

  private static func links(_ section: Section, _ context: FaultContext) -> LinkFault {
    func side(_ key: String, _ sentence: String) -> [Bool] {
      let chosen = section.optional(key) {
        $0.nodes($1, below: context.nodes, "\(sentence); default all nodes")
      }
      var flags = [Bool](repeating: chosen == nil, count: context.nodes)
      for node in chosen ?? [] { flags[node] = true }
      return flags
    }
    var fault = LinkFault(
      senders: side("from", "who sends over the links"),
      receivers: side("to", "who receives over them"))
    fault.loss = section.fraction(
      "loss", default: 0, in: 0...1, "share of messages (of packets, for streams) that is lost")
    section.require(
      !context.isStream || fault.loss <= 0.9, "loss", "a stream would never get through",
      allowed: "0 % to 90 %")
    fault.duplication = section.fraction(
      "duplication", default: 0, in: 0...0.9, "share of messages that arrives twice")
    fault.overtaking = section.fraction(
      "reordering", default: 0, in: 0...1,
      "share of messages that takes one more one-way delay while later ones pass")
    section.require(
      !context.isStream || fault.overtaking == 0, "reordering",
      "a stream keeps the order of its messages", allowed: "transport: message")
    fault.delay = section.optional("delay") {
      $0.random($1, of: .duration, "added to the delay of each message").distribution
    }
    section.require(
      fault.loss > 0 || fault.duplication > 0 || fault.overtaking > 0 || fault.delay != nil,
      "loss", "nothing happens to these links", allowed: "loss, duplication, reordering, delay")
    return fault
  }

  private static func churn(_ section: Section, _ context: FaultContext) -> ChurnPlan {
    let nodes = section.nodes("nodes", below: context.nodes, "nodes that come and go")
    let session = section.optional("session") {
      $0.random($1, of: .duration, in: 1e6...1e18, "how long a node stays").distribution
    }
    let rate = section.optional("rate") {
      $0.rate($1, in: 1e-9...1e3, "leaves per second, of all of them while nobody is away")
    }
    section.require(
      (session == nil) != (rate == nil), "session", "needs exactly one of session and rate")
    let mean = Double(max(nodes.count, 1)) / (rate ?? 1) * 1e9
    return ChurnPlan(
      nodes: nodes, session: session ?? .exponential(mean: mean),
      absence: section.random(
        "absence", of: .duration, in: 1e6...1e18, "how long a node is away"
      ).distribution,
      keepsDisk: section.flag(
        "keeps-disk", default: true, "what was on the disk is there when it comes back"))
  }
}

extension FaultPlan.Schedule {
  init(_ section: Section, _ context: FaultContext) throws {
    let time = section.optional("at") {
      $0.duration($1, in: .zero...FaultPlan.longest, "when it strikes")
    }
    let milestone = try section.optionalSection(
      "when", "it strikes as soon as a chain has come so far"
    ) { try Self.milestone($0, context) }
    let gap = section.optional("every") {
      $0.random(
        $1, of: .duration, in: 1...1e18, "it strikes after a time so long, and again"
      ).distribution
    }
    let times = section.optional("times") {
      $0.count($1, in: 1...100_000, "how often, at most: with every")
    }
    let after = section.optional("after") {
      $0.duration($1, in: .zero...FaultPlan.longest, "the first time counts from here: with every")
    }
    let given = (time == nil ? 0 : 1) + (milestone == nil ? 0 : 1) + (gap == nil ? 0 : 1)
    section.require(
      given == 1, "at", "needs exactly one of its times, but \(given) are given",
      allowed: "at, when, every")
    section.require(gap != nil || times == nil, "times", "goes with every", allowed: "every")
    section.require(gap != nil || after == nil, "after", "goes with every", allowed: "every")
    section.require(gap == nil || times != nil, "every", "needs a bound", allowed: "times")
    if let milestone {
      self = milestone
    } else if let gap {
      self = .every(gap, times: times ?? 1, after: .zero + (after ?? .zero))
    } else {
      self = .at(.zero + (time ?? .zero))
    }
  }

  private static func milestone(_ section: Section, _ context: FaultContext) throws -> Self {
    let chain = section.choice(
      "chain", context.names, default: context.names[0], "whose progress")
    let (measure, count) = try section.exactlyOne(
      [
        Alternative<(Milestone.Measure, Int)>(
          "view", "views entered after the first, by a correct replica",
          value: { (.view, $0.count($1, in: 1...1_000_000_000, "how many views")) }),
        Alternative<(Milestone.Measure, Int)>(
          "decisions", "decided batches or blocks",
          value: { (.decisions, $0.count($1, in: 1...1_000_000_000, "how many decisions")) }),
        Alternative<(Milestone.Measure, Int)>(
          "height", "height of the highest block",
          value: { (.height, $0.count($1, in: 1...1_000_000_000, "which height")) }),
      ], "how far the chain has come")
    let spreads = context.spreads(chain)
    section.require(
      measure != .view || !spreads, "view", "chain '\(chain)' spreads blocks and has no views",
      allowed: "decisions, height")
    section.require(
      measure != .height || spreads, "height", "chain '\(chain)' has decisions, not blocks",
      allowed: "view, decisions")
    return .when(chain: chain, measure: measure, count: count)
  }
}
