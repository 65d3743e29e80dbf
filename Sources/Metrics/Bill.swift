/// What a run of one subsystem cost in money, energy and carbon, by component.
///
/// Storage is charged for the whole retention, everything else for the time of the run.
public struct Bill: Sendable, Equatable {
  /// The components of a quantity.
  public struct Dollars: Sendable, Equatable {
    public var compute = 0.0
    public var egress = 0.0
    public var storage = 0.0
    public var total: Double { compute + egress + storage }
  }

  /// In joules, or in grams of CO2 equivalent.
  public struct Energy: Sendable, Equatable {
    public var compute = 0.0
    public var memory = 0.0
    public var disk = 0.0
    public var networkLow = 0.0
    public var networkHigh = 0.0
    public var proofOfWork = 0.0
    public var total: Double { compute + memory + disk + networkLow + proofOfWork }
    public var totalNetworkHigh: Double { compute + memory + disk + networkHigh + proofOfWork }
  }

  /// `nil` without a price sheet.
  public var dollars: Dollars?
  /// `nil` without an energy sheet.
  public var joules: Energy?
  public var grams: Energy?
  /// Dollars that are another subsystem's, whose service was used: part of `dollars`.
  public var anchoringDollars = 0.0

  private static var bytesPerGB: Double { 1e9 }
  private static var bytesPerTB: Double { 1e12 }
  private static var joulesPerKWh: Double { 3.6e6 }
  /// A month as clouds bill it.
  private static var hoursPerMonth: Double { 730 }

  public init(_ use: Consumption, _ settings: CostSettings) {
    if let prices = settings.prices { dollars = Self.dollars(use, prices, settings) }
    if let energy = settings.energy { addEnergy(use, energy, settings) }
  }

  private static func dollars(
    _ use: Consumption, _ prices: PriceSheet, _ settings: CostSettings
  ) -> Dollars {
    var bill = Dollars()
    let months = settings.retentionMonths
    for part in use.parts {
      bill.compute += part.share * prices.usdPerInstanceHour[part.nodeClass] * use.seconds / 3600
      bill.storage +=
        part.stored / bytesPerGB * prices.billedCopies * prices.usdPerGBMonth * months
    }
    for bytes in use.sent {
      bill.egress +=
        (bytes[Reach.intraRegion.rawValue] * prices.usdPerGBIntraRegion
          + bytes[Reach.interRegion.rawValue] * prices.usdPerGBInterRegion
          + bytes[Reach.internet.rawValue] * prices.usdPerGBInternet) / bytesPerGB
    }
    return bill
  }

  private mutating func addEnergy(
    _ use: Consumption, _ sheet: EnergySheet, _ settings: CostSettings
  ) {
    var joules = Energy()
    var grams = Energy()
    func add(_ amount: Double, in region: Int, to component: WritableKeyPath<Energy, Double>) {
      joules[keyPath: component] += amount
      grams[keyPath: component] += amount / Self.joulesPerKWh * sheet.gramsCO2ePerKWh[region]
    }
    let pue = sheet.powerUsageEffectiveness
    for part in use.parts {
      let node = settings.classes[part.nodeClass]
      let watts =
        sheet.idleWattsPerVCPU + part.load * (sheet.fullWattsPerVCPU - sheet.idleWattsPerVCPU)
      add(
        part.share * node.vCPUs * watts * use.seconds * pue, in: part.region, to: \.compute)
      let memory = node.memoryGB * sheet.memoryKWhPerGBHour * use.seconds / 3600
      add(part.share * memory * Self.joulesPerKWh * pue, in: part.region, to: \.memory)
      let hours = settings.retentionMonths * Self.hoursPerMonth
      let disk = part.stored / Self.bytesPerTB * sheet.diskCopies * sheet.diskWhPerTBHour * hours
      add(disk * 3600 * pue, in: part.region, to: \.disk)
    }
    for (region, bytes) in use.sent.enumerated() {
      let joulesPerKWh = bytes.reduce(0, +) / Self.bytesPerGB * Self.joulesPerKWh
      add(joulesPerKWh * sheet.networkKWhPerGBLow, in: region, to: \.networkLow)
      add(joulesPerKWh * sheet.networkKWhPerGBHigh, in: region, to: \.networkHigh)
    }
    for work in use.work {
      add(
        work.hashesPerSecond * work.joulesPerHash * use.seconds, in: work.region,
        to: \.proofOfWork)
    }
    self.joules = joules
    self.grams = grams
  }

  /// Adds `share` of the bill of a chain that this subsystem makes use of.
  public mutating func add(_ share: Double, of chain: Bill) {
    if let theirs = chain.dollars {
      dollars?.compute += share * theirs.compute
      dollars?.egress += share * theirs.egress
      dollars?.storage += share * theirs.storage
      anchoringDollars += share * theirs.total
    }
    if let theirs = chain.joules { joules?.add(share, of: theirs) }
    if let theirs = chain.grams { grams?.add(share, of: theirs) }
  }

  /// Metrics per confirmed unit and per GB of confirmed content.
  /// - Parameters:
  ///   - name: of the subsystem.
  ///   - unit: `tx` or `record`.
  ///   - confirmed: units confirmed in the run; 0 gives no values.
  ///   - bytes: their content.
  public func metrics(
    name: String, unit: String, confirmed: Double, bytes: Double
  ) -> [Outcome.Metric] {
    func per(_ quantity: String, _ of: String, _ value: Double) -> Outcome.Metric {
      .init("\(name).\(quantity)", "\(of)/\(unit)", confirmed > 0 ? value / confirmed : nil)
    }
    func perGB(_ quantity: String, _ of: String, _ value: Double) -> Outcome.Metric {
      .init("\(name).\(quantity)", "\(of)/GB", bytes > 0 ? value / bytes * Self.bytesPerGB : nil)
    }
    var rows: [Outcome.Metric] = []
    if let dollars {
      rows += [
        per("usd_per_\(unit)", "USD", dollars.total), perGB("usd_per_gb", "USD", dollars.total),
        per("usd_compute_per_\(unit)", "USD", dollars.compute),
        per("usd_egress_per_\(unit)", "USD", dollars.egress),
        per("usd_storage_per_\(unit)", "USD", dollars.storage),
      ]
      if anchoringDollars > 0 {
        rows.append(per("usd_anchoring_per_\(unit)", "USD", anchoringDollars))
      }
    }
    if let joules {
      rows += [
        per("joule_per_\(unit)", "J", joules.total),
        per("joule_per_\(unit)_network_high", "J", joules.totalNetworkHigh),
        perGB("joule_per_gb", "J", joules.total),
        perGB("joule_per_gb_network_high", "J", joules.totalNetworkHigh),
        per("joule_compute_per_\(unit)", "J", joules.compute),
        per("joule_memory_per_\(unit)", "J", joules.memory),
        per("joule_disk_per_\(unit)", "J", joules.disk),
        per("joule_network_low_per_\(unit)", "J", joules.networkLow),
        per("joule_network_high_per_\(unit)", "J", joules.networkHigh),
        per("joule_pow_per_\(unit)", "J", joules.proofOfWork),
      ]
    }
    if let grams {
      rows += [
        per("gco2e_per_\(unit)", "g", grams.total),
        per("gco2e_per_\(unit)_network_high", "g", grams.totalNetworkHigh),
        perGB("gco2e_per_gb", "g", grams.total),
        perGB("gco2e_per_gb_network_high", "g", grams.totalNetworkHigh),
      ]
    }
    return rows
  }
}

extension Bill.Energy {
  mutating func add(_ share: Double, of other: Bill.Energy) {
    compute += share * other.compute
    memory += share * other.memory
    disk += share * other.disk
    networkLow += share * other.networkLow
    networkHigh += share * other.networkHigh
    proofOfWork += share * other.proofOfWork
  }
}
