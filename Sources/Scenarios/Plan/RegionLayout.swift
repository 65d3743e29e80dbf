import Kernel

/// Where nodes are, and how far apart.
struct RegionLayout {
  var names: [String]
  var regionOf: [UInt16]
  /// One-way delays in nanoseconds, row by row.
  var delays: [Distribution]
  /// Bits per second by region, where the table has them.
  var uplinks: [Double]?
  var downlinks: [Double]?

  /// Reads `regions`, `nodes`, `delay` and `delay-variation`.
  init(_ section: Section) throws {
    let delay = section.random("delay", of: .duration, "one-way delay between any two nodes")
    let count = section.count("nodes", in: NetworkPlan.nodeRange, "how many nodes")
    names = ["all"]
    regionOf = Array(repeating: 0, count: count)
    delays = [delay.distribution]
  }
}
