import Kernel
import Metrics

/// Prices and energy of a scenario.
public struct CostPlan: Sendable {
  public var prices: PriceSheet?
  public var energy: EnergySheet
  public var instance: NodeClass
  public var retentionMonths: Double
  /// Hashes per second of all miners of a chain by proof of work together, and joules per hash.
  public var mining: (hashesPerSecond: Double, joulesPerHash: Double)?
}

extension CostPlan {
  /// Reads `prices`: the name of a table, or a section; `none` gives no bill.
  ///
  /// - Parameter cores: of the largest node; what is rented has as many.
  static func read(
    _ section: Section, regions: [String], cores: Int, folder: String
  ) -> CostPlan? {
    let place = Place(regions: regions, cores: cores, folder: folder)
    return read(section, place)
  }

  /// What the bill depends on beside its own section.
  private struct Place {
    var regions: [String]
    var cores: Int
    var folder: String
  }

  private static func read(_ section: Section, _ place: Place) -> CostPlan? {
    section.either(
      "prices",
      value: { section, key in
        let table = section.dataTable(
          key, family: "prices", default: "aws-us-east-1-2024", without: "none",
          folder: place.folder,
          "price list for the bill: a table, none, or a section with 'table' and more",
          source: "AWS list prices, July to September 2024"
        ) { file throws(DataError) in try PriceTable(file) }
        return table.flatMap { standard($0, section, place) }
      },
      section: { section in
        let table = section.dataTable(
          "table", family: "prices", default: "aws-us-east-1-2024", folder: place.folder,
          "price list",
          source: "AWS list prices, July to September 2024"
        ) { file throws(DataError) in try PriceTable(file) }
        return table.flatMap { detailed($0, section, place) }
      })
  }

  /// Choices that a scenario can make about its bill.
  private struct Choices {
    /// `fitting`: the cheapest with enough cores.
    var instance = "fitting"
    var volume = "gp3"
    var processor = "average"
    var retentionMonths = 12.0
    var mining: (hashesPerSecond: Double, joulesPerHash: Double)?
  }

  private static func standard(
    _ table: PriceTable, _ section: Section, _ place: Place
  ) -> CostPlan? {
    guard let file = DataFile.shipped("energy-2024") else { return nil }
    return make(table, file, Choices(), section, "prices", place)
  }

  private static func detailed(
    _ table: PriceTable, _ section: Section, _ place: Place
  ) -> CostPlan? {
    var choices = Choices()
    choices.instance = section.text(
      "instance", default: "fitting",
      "instance type of every node; fitting is the cheapest of m5 with as many cores",
      source: "m5: not burstable, general purpose")
    choices.volume = section.text(
      "volume", default: "gp3", "volume type of every node", source: "AWS's general purpose")
    choices.processor = section.text(
      "processor", default: "average", "processor whose power the nodes draw",
      source: "Cloud Carbon Footprint's average")
    choices.retentionMonths =
      section.duration(
        "retention", default: .seconds(365 * 86_400), in: .zero ... .seconds(100 * 365 * 86_400),
        "how long what is stored is kept and paid", source: "assumption: a year"
      ).seconds / (365 * 86_400 / 12)
    choices.mining = section.optionalSection("mining", "hashing of chains by proof of work") {
      (
        hashesPerSecond: $0.quantity(
          "hash-rate", of: .hashRate, in: 0...1e30, "of all miners together"),
        joulesPerHash: $0.quantity(
          "energy-per-hash", of: .energyPerHash, in: 0...1e6, "of a mining machine") * 1e-12
      )
    }
    let file = section.dataTable(
      "energy", family: "energy", default: "2024", folder: place.folder,
      "energy and carbon constants",
      source: "Cloud Carbon Footprint; fixed-line network energy by Aslan et al. 2018"
    ) { file throws(DataError) in file }
    return file.flatMap { make(table, $0, choices, section, "instance", place) }
  }

  private static func make(
    _ table: PriceTable, _ file: DataFile, _ choices: Choices, _ section: Section, _ key: String,
    _ place: Place
  ) -> CostPlan? {
    do throws(DataError) {
      let energy = try EnergyTable(file)
      let instance = try instance(of: table, choices.instance, place.cores)
      return CostPlan(
        prices: PriceSheet(
          usdPerInstanceHour: [instance.price],
          usdPerGBMonth: try table.price("volume", choices.volume), billedCopies: 1,
          usdPerGBInternet: try table.egress(0, to: "internet"),
          usdPerGBInterRegion: try table.egress(0, to: "region"),
          usdPerGBIntraRegion: try table.egress(0, to: "zone")),
        energy: EnergySheet(
          idleWattsPerVCPU: try energy.watts(processor: choices.processor, busy: 0),
          fullWattsPerVCPU: try energy.watts(processor: choices.processor, busy: 1),
          memoryKWhPerGBHour: try energy.value("memory", "average"),
          diskWhPerTBHour: try energy.value("storage", "ssd") * 1e6,
          diskCopies: try energy.value("replication", "ebs"),
          networkKWhPerGBLow: try energy.network("provider"),
          networkKWhPerGBHigh: try energy.network("public"),
          powerUsageEffectiveness: try energy.value("pue", "average"),
          gramsCO2ePerKWh: try grid(energy, place.regions)),
        instance: NodeClass(vCPUs: Double(instance.cores), memoryGB: instance.memory),
        retentionMonths: choices.retentionMonths, mining: choices.mining)
    } catch {
      section.fail(key, error.description)
      return nil
    }
  }

  private static func instance(
    of table: PriceTable, _ name: String, _ cores: Int
  ) throws(DataError) -> PriceTable.Instance {
    guard name == "fitting" else {
      let instance = try table.instance(name)
      if instance.cores >= cores { return instance }
      throw DataError(
        file: name, "has \(instance.cores) cores, and the scenario's nodes have \(cores)")
    }
    let fitting = table.instances.filter { $0.cores >= cores && !$0.name.hasPrefix("t") }
    if let cheapest = fitting.min(by: { $0.price < $1.price }) { return cheapest }
    throw DataError(file: "prices", "no instance of the table has \(cores) cores")
  }

  private static func grid(
    _ energy: EnergyTable, _ regions: [String]
  ) throws(DataError) -> [Double] {
    var grams: [Double] = []
    for region in regions { grams.append(try energy.grid(region) * 1000) }
    return grams
  }
}
