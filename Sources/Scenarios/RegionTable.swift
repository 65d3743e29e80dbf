import Kernel
import Networking

/// Delays between regions, and what their nodes are like.
public struct RegionTable: Sendable, Equatable {
  public let names: [String]
  /// Mean one-way delay in nanoseconds, `[from * names.count + to]`.
  public let delays: [Double]
  /// Bits per second from and to the network, by region, where the table has them.
  public let uplink: [Double]?
  public let downlink: [Double]?
  /// Share of all nodes, by region, where the table has it; sums to 1.
  public let share: [Double]?
  /// Source, date, units and transformation, as the file states them.
  public let notes: [String]

  /// The first column names the unit: `one-way-ms` or `round-trip-ms`; a round trip is halved. Then
  /// one column for each row, in the same order, and at will `downlink-bps`, `uplink-bps`, `share`.
  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    let units = ["one-way-ms", "round-trip-ms"]
    guard units.contains(table.columns[0]) else {
      throw DataError(
        file: table.file, line: table.headLine,
        "the first column must be one of \(units.joined(separator: ", ")), "
          + "not '\(table.columns[0])'")
    }
    let count = table.rows.count
    let optional = ["downlink-bps", "uplink-bps", "share"]
    names = table.columns.dropFirst().filter { !optional.contains($0) }
    guard names.count == count, Array(table.columns[1...count]) == names else {
      throw DataError(
        file: table.file, line: table.headLine,
        "\(count) rows need \(count) columns of delays before all others")
    }
    let nanoseconds = table.columns[0] == "one-way-ms" ? 1e6 : 0.5e6
    var delays: [Double] = []
    for (i, row) in table.rows.enumerated() {
      guard row.fields[0] == names[i] else {
        throw table.error(
          row, "region '\(row.fields[0])' where the columns have '\(names[i])'")
      }
      for column in 1...count {
        delays.append(try table.number(row, column, in: 0...60_000) * nanoseconds)
      }
    }
    self.delays = delays
    downlink = try Self.values("downlink-bps", of: table, in: 1...1e15)
    uplink = try Self.values("uplink-bps", of: table, in: 1...1e15)
    share = try Self.values("share", of: table, in: 0...1)
    notes = table.notes
    if let sum = share?.reduce(0, +), abs(sum - 1) > 1e-3 {
      throw DataError(file: table.file, "shares add up to \(sum), not to 1")
    }
  }

  private static func values(
    _ name: String, of table: DataTable, in range: ClosedRange<Double>
  ) throws(DataError) -> [Double]? {
    guard let column = table.column(name) else { return nil }
    var values: [Double] = []
    for row in table.rows { values.append(try table.number(row, column, in: range)) }
    return values
  }

  /// Position of the region called `name`.
  public func index(of name: String) -> Int? { names.firstIndex(of: name) }

  /// Mean one-way delay in nanoseconds.
  public func delay(from a: Int, to b: Int) -> Double { delays[a * names.count + b] }
}

/// How delays spread around the mean of their pair of regions.
public enum LatencyShape: Sendable, Equatable {
  /// Always the mean.
  case constant
  /// Normal, not below 0; `relative` is the deviation over the mean, before truncation.
  case normal(relative: Double)
  /// Lognormal of this mean, `sigma` of the logarithm.
  case lognormal(sigma: Double)
  /// As SimBlock has it: Pareto with shape 0.2 m and scale m - 5 ms for a mean of m ms, which must
  /// exceed 5 (`Network.getLatency`, dsg-titech/simblock@5fc7f9f).
  case pareto

  /// One-way delay in nanoseconds around `mean`; nil where the shape has none of that mean.
  public func distribution(mean: Double) -> Distribution? {
    switch self {
    case .constant: .constant(mean)
    case .normal(let relative): .normal(mean: mean, deviation: relative * mean, min: 0)
    case .lognormal(let sigma):
      mean > 0 ? .lognormal(median: mean / Elementary.exp(0.5 * sigma * sigma), sigma: sigma) : nil
    case .pareto:
      mean > 5e6 ? .pareto(scale: mean - 5e6, shape: 0.2e-6 * mean) : nil
    }
  }
}

extension RegionTable {
  /// Delays of all pairs, row by row, as `Network` takes them; nil if a mean does not fit the
  /// shape.
  public func distributions(_ shape: LatencyShape) -> [Distribution]? {
    let all = delays.compactMap { shape.distribution(mean: $0) }
    return all.count == delays.count ? all : nil
  }
}

/// Outbound links of a network's nodes: columns `degree`, counting from 1, and `cumulative`.
public struct DegreeTable: Sendable, Equatable {
  /// Entry i: share of nodes that open at most i + 1 links.
  public let cumulative: [Double]
  public let notes: [String]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["degree", "cumulative"])
    var shares: [Double] = []
    for row in table.rows {
      let degree = try table.number(row, 0, in: 1...1e6)
      guard degree == Double(shares.count + 1) else {
        throw table.error(row, "degree \(row.fields[0]) where \(shares.count + 1) is next")
      }
      let share = try table.number(row, 1, in: 0...1)
      guard share >= shares.last ?? 0 else { throw table.error(row, "the share falls") }
      shares.append(share)
    }
    guard shares.last == 1 else { throw DataError(file: table.file, "shares must end at 1") }
    cumulative = shares
    notes = table.notes
  }
}

/// What nodes lack of a compact block: `class,share,failure,missing,weight`, rows of a class in
/// order of what is missing.
public struct CompactTable: Sendable, Equatable {
  public let classes: [CompactRelay.NodeClass]
  public let notes: [String]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["class", "share", "failure", "missing", "weight"])
    var names: [String] = []
    var classes: [CompactRelay.NodeClass] = []
    for row in table.rows {
      let share = try table.number(row, 1, in: 0...1)
      let failure = try table.number(row, 2, in: 0...1)
      let hundredths = Int((try table.number(row, 3, in: 0.01...1) * 100).rounded())
      let weight = try table.number(row, 4, in: 0...1e12)
      if names.last != row.fields[0] {
        names.append(row.fields[0])
        classes.append(CompactRelay.NodeClass(share: share, failure: failure, missing: []))
      }
      let last = classes.count - 1
      guard hundredths > classes[last].missing.count else {
        throw table.error(row, "what is missing does not rise")
      }
      while classes[last].missing.count < hundredths - 1 { classes[last].missing.append(0) }
      classes[last].missing.append(weight)
    }
    let total = classes.reduce(0) { $0 + $1.share }
    guard abs(total - 1) < 1e-6 else {
      throw DataError(file: table.file, "the shares of the classes add up to \(total), not 1")
    }
    self.classes = classes
    notes = table.notes
  }
}
