import Kernel

/// What a swarm varies, as a scenario's `explore` section says; all else is the scenario's own.
public struct SwarmPlan: Sendable {
  /// Nodes of a trial; of these, numbers that the protocol cannot run with are left out.
  public var nodes: ClosedRange<Int>
  /// Bounds of the one-way delays, from which each trial draws its own.
  public var delay: ClosedRange<SimDuration>
  /// Faults and adversaries of a trial, at most.
  public var events: Int
  /// Transactions of a trial.
  public var transactions: Int
  /// All faults are over by then at the latest; `nil`: after 35 % of the horizon.
  public var calm: SimDuration?
  /// After global stabilisation, every transaction must be final within this.
  public var bound: SimDuration

  init(_ section: Section) {
    let (least, most) = section.section("nodes", "how many nodes a trial has") { nodes in
      (
        nodes.count("from", default: 4, in: 1...1000, "least", source: "3f + 1 for f = 1"),
        nodes.count("to", default: 10, in: 1...1000, "most", source: "3f + 1 for f = 3")
      )
    }
    section.require(least <= most, "nodes", "from is more than to")
    nodes = least...max(least, most)
    let range = SimDuration.nanoseconds(1) ... .seconds(3600)
    let (low, high) = section.section("delay", "one-way delays between nodes") { delay in
      (
        delay.duration(
          "from", default: .milliseconds(1), in: range, "least", source: "within a region"),
        delay.duration(
          "to", default: .milliseconds(50), in: range, "most", source: "across a continent")
      )
    }
    section.require(low <= high, "delay", "from is more than to")
    delay = low...max(low, high)
    events = section.count(
      "events", default: 8, in: 1...100, "faults and adversaries of a trial, at most",
      source: "enough for two of each kind to meet")
    transactions = section.count(
      "transactions", default: 40, in: 1...1_000_000, "transactions of a trial",
      source: "some before, during and after every fault")
    calm = section.optional("calm") { section, key in
      section.duration(
        key, in: .milliseconds(1) ... .seconds(100_000_000),
        "faults are over by then at the latest; 35 % of `until` if it is not given")
    }
    bound = section.duration(
      "bound", in: .milliseconds(1) ... .seconds(100_000_000),
      "from global stabilisation, or submission if that is later, until a transaction must be final"
    )
  }
}
