import Kernel

/// Where nodes are, and how far apart.
struct RegionLayout {
  var names: [String]
  /// Region of each node, an index into `names`.
  var regionOf: [UInt16]
  /// Parts of the nodes that stand in the same regions, one node like the other.
  var tiers = 1
  /// One-way delays in nanoseconds, row by row.
  var delays: [Distribution]
  /// Bits per second by region, where the table has them.
  var uplinks: [Double]?
  var downlinks: [Double]?

  /// Reads `regions`, `nodes`, and what belongs to the kind of regions: `delay` or
  /// `delay-variation`.
  init(_ section: Section, folder: String) throws {
    let names = DataFile.names(of: "regions").joined(separator: ", ")
    let table = section.dataTable(
      "regions", family: "regions", default: "one", without: "one", folder: folder,
      "one region with the same delay everywhere, or a table of regions: one, \(names), or a path"
    ) { file throws(DataError) in try RegionTable(file) }
    if section.isDescribing { Self.describe(section) }
    if let table {
      self.init(section, table)
    } else {
      self.init(oneRegion: section)
    }
    tiers = section.count(
      "tiers", default: 1, in: 1...100,
      "times that the nodes are counted out: with 2 the second half stands where the first does",
      source: "a replica on one machine; more for Narwhal with workers on machines of their own")
    guard NetworkPlan.nodeRange.contains(regionOf.count * tiers) else {
      section.fail(
        "tiers", "\(tiers) times \(regionOf.count) nodes are too many",
        allowed: "\(NetworkPlan.nodeRange.upperBound) nodes")
      return
    }
    regionOf = (0..<tiers).flatMap { _ in regionOf }
  }

  /// Which keys there are depends on the regions: lists those of both kinds.
  private static func describe(_ section: Section) {
    _ = section.optional("delay") {
      $0.random(
        $1, of: .duration, in: 0...1e18, "one-way delay between any two nodes of one region")
    }
    _ = shape(section)
    _ = section.count("nodes", in: NetworkPlan.nodeRange, "how many nodes, or a count by region")
    _ = section.table("nodes", of: "region", "how many nodes are in each region") {
      $0.count($1, in: 0...1_000_000, "nodes in this region")
    }
  }

  private init(oneRegion section: Section) {
    names = ["everywhere"]
    let delay = section.random(
      "delay", of: .duration, in: 0...1e18, "one-way delay between any two nodes")
    delays = [delay.distribution]
    let count = section.count("nodes", in: NetworkPlan.nodeRange, "how many nodes")
    regionOf = Array(repeating: 0, count: count)
  }

  private init(_ section: Section, _ table: RegionTable) {
    names = table.names
    uplinks = table.uplink
    downlinks = table.downlink
    let shape = Self.shape(section)
    delays = zip(table.delays, table.delays.indices).map { mean, i in
      if let distribution = shape.distribution(mean: mean) { return distribution }
      let pair = "\(table.names[i / table.names.count]) to \(table.names[i % table.names.count])"
      section.fail("delay-variation", "does not fit the mean delay of \(pair)")
      return .constant(mean)
    }
    if section.shape(of: "nodes") == .mapping {
      let counts = section.table(
        "nodes", of: "region", names: table.names, count: 1...10_000,
        "how many nodes are in each region"
      ) { $0.count($1, in: 0...1_000_000, "nodes in this region") }
      regionOf = counts.flatMap { entry in
        Array(repeating: UInt16(table.index(of: entry.name) ?? 0), count: entry.value)
      }
      section.require(
        NetworkPlan.nodeRange.contains(regionOf.count), "nodes", "there must be at least one node")
      if regionOf.isEmpty { regionOf = [0] }
    } else {
      let count = section.count(
        "nodes", in: NetworkPlan.nodeRange,
        "how many nodes, spread as the table says, or a count for each region")
      let even = Array(repeating: 1 / Double(table.names.count), count: table.names.count)
      regionOf = Self.deal(count, table.share ?? even)
    }
  }

  private static func shape(_ section: Section) -> LatencyShape {
    let standIn = LatencyShape.constant
    return
      (try? section.variant(
        "delay-variation", default: "constant",
        [
          Alternative("constant", "always the mean", section: { _ in .constant }),
          Alternative(
            "normal", "normal around the mean",
            section: {
              .normal(
                relative: $0.fraction("relative", in: 0...10, "deviation over the mean"))
            }),
          Alternative(
            "lognormal", "lognormal of that mean",
            section: {
              .lognormal(sigma: $0.number("sigma", in: 0...10, "deviation of the logarithm"))
            }),
          Alternative(
            "pareto", "as SimBlock has it: shape 0.2 m, scale m - 5 ms for a mean of m ms",
            section: { _ in .pareto }),
        ], "how delays spread around the mean of their pair of regions")) ?? standIn
  }

  /// Deals `count` nodes by shares, the largest remainders first; nodes of a region stand together.
  static func deal(_ count: Int, _ shares: [Double]) -> [UInt16] {
    let exact = shares.map { $0 * Double(count) }
    var counts = exact.map { Int($0.rounded(.down)) }
    let order = shares.indices.sorted {
      let (a, b) = (exact[$0] - Double(counts[$0]), exact[$1] - Double(counts[$1]))
      return a == b ? $0 < $1 : a > b
    }
    var left = count - counts.reduce(0, +)
    for region in order where left > 0 {
      counts[region] += 1
      left -= 1
    }
    return counts.indices.flatMap { Array(repeating: UInt16($0), count: counts[$0]) }
  }
}
