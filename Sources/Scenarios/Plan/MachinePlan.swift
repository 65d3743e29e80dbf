import Kernel
import Machines

/// What each node of a scenario is made of.
public struct MachinePlan: Sendable {
  /// Processor and disk of each node; links are the network's.
  public var processors: [MachineSpec.Processor?]
  public var disks: [MachineSpec.Disk?]
  /// Links of nodes of a kind of their own, in bits per second, 0 for ideal; `nil`: the network's.
  public var uplinks: [Double?]
  public var downlinks: [Double?]
  public var clockOffset: Distribution
  /// As a ratio: 50 ppm is 0.00005.
  public var clockDrift: Distribution
  public var costs: CostSheet
}

extension MachinePlan {
  /// One kind of node.
  struct Kind {
    var processor: MachineSpec.Processor?
    var disk: MachineSpec.Disk?
    var uplink: Double?
    var downlink: Double?
  }

  init(_ section: Section, nodes: Int, folder: String) throws {
    let standard = try Kind(section)
    processors = Array(repeating: standard.processor, count: nodes)
    disks = Array(repeating: standard.disk, count: nodes)
    uplinks = Array(repeating: nil, count: nodes)
    downlinks = uplinks
    clockOffset =
      section.random(
        "clock-offset", of: .duration, default: .constant(0),
        "how far each node's clock is ahead at the start"
      ).distribution
    let drift = section.random(
      "clock-drift", of: .drift, default: .constant(0), "how much each node's clock runs fast")
    clockDrift = drift.distribution
    costs = section.costSheet(folder: folder)
    let classes = try section.list(
      "classes", "kinds of nodes that differ from the others, given to the last nodes in order",
      each: { kind in
        let name = kind.text("name", "name of the kind")
        let count = kind.count("nodes", in: 1...1_000_000, "how many nodes are of this kind")
        var values = try Kind(kind)
        values.uplink = Self.link(kind, "uplink")
        values.downlink = Self.link(kind, "downlink")
        return (name: name, count: count, kind: values)
      })
    let special = classes.reduce(0) { $0 + $1.count }
    section.require(
      special <= nodes, "classes", "\(special) nodes have a kind of their own, of \(nodes)")
    var next = max(nodes - special, 0)
    for entry in classes {
      for node in next..<min(next + entry.count, nodes) {
        processors[node] = entry.kind.processor
        disks[node] = entry.kind.disk
        uplinks[node] = entry.kind.uplink
        downlinks[node] = entry.kind.downlink
      }
      next += entry.count
    }
  }
}

extension MachinePlan {
  private static func link(_ section: Section, _ key: String) -> Double? {
    section.optional(key) { section, key in
      let setting = section.bandwidthOr(
        key, ["ideal"], default: "ideal", "bits per second of these nodes; default the network's")
      return if case .bandwidth(let rate) = setting { rate } else { 0 }
    }
  }
}

extension MachinePlan.Kind {
  init(_ section: Section) throws {
    processor = try section.variant(
      "cpu", default: "cores",
      [
        Alternative<MachineSpec.Processor?>(
          "ideal", "takes no time and never queues", section: { _ in nil }),
        Alternative<MachineSpec.Processor?>(
          "cores", "cores with queues",
          section: { cpu in
            let count = cpu.count(
              "count", default: 4, in: 1...4096, "cores; those that are no lanes verify",
              source: "m5.xlarge: 4 vCPU")
            let lanes = cpu.count(
              "lanes", default: 1, in: 1...4096,
              "event loops: role r of a node runs on lane r mod lanes",
              source: "a replica is one serial event loop")
            cpu.require(lanes <= count, "lanes", "more lanes than cores")
            let slowdown = cpu.number(
              "slowdown", default: 1, in: 1e-3...1e6,
              "times slower than the machine on which the costs were measured")
            return MachineSpec.Processor(
              cores: count, lanes: min(lanes, count), slowdown: slowdown)
          }),
      ], "processor of a node")
    disk = try section.variant(
      "disk", default: "ideal",
      [
        Alternative<MachineSpec.Disk?>(
          "ideal", "takes no time and never queues", section: { _ in nil }),
        Alternative<MachineSpec.Disk?>(
          "queue", "one write after the other, each flushed",
          section: { disk in
            MachineSpec.Disk(
              bytesPerSecond: disk.bandwidth(
                "rate", default: 1e9, in: 1...1e15, "what it writes",
                source: "gp3 baseline: 125 MiB/s, about 1 Gbit/s") / 8,
              flush: disk.duration(
                "flush", default: .milliseconds(1), in: .zero ... .seconds(10),
                "time of one flush to stable storage",
                source: "assumption: cloud block storage, order of a millisecond"))
          }),
      ], "disk of a node")
  }
}
