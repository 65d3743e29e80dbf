/// What a cloud provider charges: `item,name,price,unit,cores,memory-gb,from-gb`.
public struct PriceTable: Sendable, Equatable {
  /// A machine by the hour.
  public struct Instance: Sendable, Equatable {
    public let name: String
    /// USD per hour.
    public let price: Double
    /// Virtual cores, and 10^9 bytes of memory.
    public let cores: Int
    public let memory: Double
  }

  /// Anything else: a volume or an object store (USD/GB-month), requests, operations.
  public struct Item: Sendable, Equatable {
    public let item: String
    public let name: String
    public let price: Double
    public let unit: String
  }

  /// Traffic out, from `from` GB of a month on.
  public struct Tier: Sendable, Equatable {
    /// `internet`, `region` (to another region), `region-pair`, `zone` (within the region).
    public let name: String
    public let from: Double
    /// USD per GB.
    public let price: Double
  }

  private let file: String
  public let instances: [Instance]
  public let items: [Item]
  public let tiers: [Tier]
  public let notes: [String]

  private static let units = [
    ("instance", "USD/h"), ("volume", "USD/GB-month"), ("object", "USD/GB-month"),
    ("operations", "USD/IOPS-month"), ("request", "USD/request"), ("egress", "USD/GB"),
  ]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(
      columns: ["item", "name", "price", "unit", "cores", "memory-gb", "from-gb"])
    var instances: [Instance] = []
    var items: [Item] = []
    var tiers: [Tier] = []
    for row in table.rows {
      let item = try table.word(row, 0, of: Self.units.map(\.0))
      let unit = try table.word(row, 3, of: Self.units.filter { $0.0 == item }.map(\.1))
      let (name, price) = (row.fields[1], try table.number(row, 2, in: 0...1e9))
      let isTwice: Bool
      switch item {
      case "instance":
        isTwice = instances.contains { $0.name == name }
        instances.append(
          Instance(
            name: name, price: price, cores: Int(try table.number(row, 4, in: 1...1e6)),
            memory: try table.number(row, 5, in: 0...1e9)))
      case "egress":
        isTwice = false
        let from = try table.number(row, 6, in: 0...1e15)
        let last = tiers.last { $0.name == name }
        guard last.map({ $0.from < from }) ?? (from == 0) else {
          throw table.error(row, "tiers of \(name) must start at 0 and rise")
        }
        tiers.append(Tier(name: name, from: from, price: price))
      default:
        isTwice = items.contains { $0.item == item && $0.name == name }
        items.append(Item(item: item, name: name, price: price, unit: unit))
      }
      if isTwice { throw table.error(row, "\(item) \(name) is given twice") }
    }
    self.file = file.name
    self.instances = instances
    self.items = items
    self.tiers = tiers
    notes = table.notes
  }

  public func instance(_ name: String) throws(DataError) -> Instance {
    if let found = instances.first(where: { $0.name == name }) { return found }
    let known = instances.map(\.name).joined(separator: ", ")
    throw DataError(file: file, "has no instance '\(name)': it has \(known)")
  }

  /// Price of one unit of an item: `item` is `volume`, `object`, `operations` or `request`.
  public func price(_ item: String, _ name: String) throws(DataError) -> Double {
    if let found = items.first(where: { $0.item == item && $0.name == name }) {
      return found.price
    }
    let known = items.filter { $0.item == item }.map(\.name).joined(separator: ", ")
    throw DataError(file: file, "has no \(item) '\(name)': it has \(known)")
  }

  /// USD for `gigabytes` of traffic in one month, tier by tier.
  public func egress(_ gigabytes: Double, to destination: String) throws(DataError) -> Double {
    let steps = tiers.filter { $0.name == destination }
    if steps.isEmpty { throw DataError(file: file, "has no egress '\(destination)'") }
    var total = 0.0
    for (i, step) in steps.enumerated() {
      let end = i + 1 < steps.count ? steps[i + 1].from : .infinity
      total += max(min(gigabytes, end) - step.from, 0) * step.price
    }
    return total
  }
}

/// Energy and carbon: `item,name,value,unit,source`.
public struct EnergyTable: Sendable, Equatable {
  private let file: String
  private let values: SourcedValues
  public let notes: [String]

  private static let units = [
    ("cpu-idle", "W/vCPU"), ("cpu-full", "W/vCPU"), ("memory", "kWh/GB-h"),
    ("storage", "kWh/GB-h"), ("network", "kWh/GB"), ("pue", "ratio"), ("replication", "copies"),
    ("grid", "kgCO2e/kWh"), ("mining", "J/TH"),
  ]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["item", "name", "value", "unit", "source"])
    var values = SourcedValues()
    for row in table.rows {
      let item = try table.word(row, 0, of: Self.units.map(\.0))
      let value = SourcedValue(
        name: item, variant: row.fields[1], value: try table.number(row, 2, in: 0...1e9),
        unit: try table.word(row, 3, of: Self.units.filter { $0.0 == item }.map(\.1)),
        kind: "", source: row.fields[4])
      try values.append(value, row, of: table)
    }
    self.file = file.name
    self.values = values
    notes = table.notes
  }

  public var rows: [SourcedValue] { values.all }

  /// A number of the table: `value("network", "public")` is in kWh/GB.
  public func value(_ item: String, _ name: String) throws(DataError) -> Double {
    if let found = values[item, name] { return found.value }
    let known = values.variants(of: item).joined(separator: ", ")
    throw DataError(file: file, "has no \(item) '\(name)': it has \(known)")
  }

  /// Watts of one virtual core that works the share `busy` of the time: linear between idle and
  /// full (cloud-carbon-footprint's model).
  public func watts(processor: String, busy: Double) throws(DataError) -> Double {
    let idle = try value("cpu-idle", processor)
    return idle + (try value("cpu-full", processor) - idle) * busy
  }

  /// kWh per GB over the network: `provider` and `public`, 60 apart. Report both.
  public func network(_ name: String) throws(DataError) -> Double { try value("network", name) }

  /// kgCO2e per kWh of `region`, or of the average where the region is not listed.
  public func grid(_ region: String) throws(DataError) -> Double {
    if let found = values["grid", region] { return found.value }
    return try value("grid", "average")
  }
}
