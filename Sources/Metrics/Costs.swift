/// What a cloud charges. GB is 10^9 bytes; every number comes from a data file.
public struct PriceSheet: Sendable, Equatable {
  /// US dollars for one node for an hour, by node class.
  public var usdPerInstanceHour: [Double]
  public var usdPerGBMonth: Double
  /// Copies that are billed of each byte a node stores: 1 where the price includes replication.
  public var billedCopies: Double
  /// Out of the cloud.
  public var usdPerGBInternet: Double
  /// To another region of the cloud.
  public var usdPerGBInterRegion: Double
  /// To another node of the same region.
  public var usdPerGBIntraRegion: Double

  public init(
    usdPerInstanceHour: [Double], usdPerGBMonth: Double, billedCopies: Double,
    usdPerGBInternet: Double, usdPerGBInterRegion: Double, usdPerGBIntraRegion: Double
  ) {
    self.usdPerInstanceHour = usdPerInstanceHour
    self.usdPerGBMonth = usdPerGBMonth
    self.billedCopies = billedCopies
    self.usdPerGBInternet = usdPerGBInternet
    self.usdPerGBInterRegion = usdPerGBInterRegion
    self.usdPerGBIntraRegion = usdPerGBIntraRegion
  }
}

/// What machines and networks draw, after the method of Cloud Carbon Footprint. Every number comes
/// from a data file.
///
/// The energy of networks is known within a factor of sixty only, so that both ends are always
/// reported: `low` for a cloud's own network, `high` for fixed lines (Aslan et al., Journal of
/// Industrial Ecology 22(4), 2018).
public struct EnergySheet: Sendable, Equatable {
  /// Of one virtual CPU at rest and at full load; in between, the draw is linear in the load.
  public var idleWattsPerVCPU: Double
  public var fullWattsPerVCPU: Double
  public var memoryKWhPerGBHour: Double
  public var diskWhPerTBHour: Double
  /// Copies that the store below a node's disk keeps of each byte.
  public var diskCopies: Double
  public var networkKWhPerGBLow: Double
  public var networkKWhPerGBHigh: Double
  /// Power drawn by a data centre over that of its machines, at least 1; of processors, memory and
  /// disks, not of networks and miners, whose figures are of the whole.
  public var powerUsageEffectiveness: Double
  /// Of the grid that feeds each region.
  public var gramsCO2ePerKWh: [Double]

  public init(
    idleWattsPerVCPU: Double, fullWattsPerVCPU: Double, memoryKWhPerGBHour: Double,
    diskWhPerTBHour: Double, diskCopies: Double, networkKWhPerGBLow: Double,
    networkKWhPerGBHigh: Double, powerUsageEffectiveness: Double, gramsCO2ePerKWh: [Double]
  ) {
    self.idleWattsPerVCPU = idleWattsPerVCPU
    self.fullWattsPerVCPU = fullWattsPerVCPU
    self.memoryKWhPerGBHour = memoryKWhPerGBHour
    self.diskWhPerTBHour = diskWhPerTBHour
    self.diskCopies = diskCopies
    self.networkKWhPerGBLow = networkKWhPerGBLow
    self.networkKWhPerGBHigh = networkKWhPerGBHigh
    self.powerUsageEffectiveness = powerUsageEffectiveness
    self.gramsCO2ePerKWh = gramsCO2ePerKWh
  }
}

/// A kind of rented machine.
public struct NodeClass: Sendable, Equatable {
  public var vCPUs: Double
  public var memoryGB: Double

  public init(vCPUs: Double, memoryGB: Double) {
    self.vCPUs = vCPUs
    self.memoryGB = memoryGB
  }
}

/// Hashing for blocks in one region: a cost beside the machines that run the nodes.
public struct ProofOfWork: Sendable, Equatable {
  public var region: Int
  public var hashesPerSecond: Double
  public var joulesPerHash: Double

  public init(region: Int, hashesPerSecond: Double, joulesPerHash: Double) {
    self.region = region
    self.hashesPerSecond = hashesPerSecond
    self.joulesPerHash = joulesPerHash
  }
}

/// How far bytes went, from the sender's point of view.
public enum Reach: Int, Sendable, CaseIterable {
  case intraRegion
  case interRegion
  /// Out of the cloud.
  case internet
  /// Sent by a node outside the cloud: energy, but no bill.
  case fromOutside
}

/// What a subsystem used in a run.
public struct Consumption: Sendable, Equatable {
  /// Its part in one node.
  public struct Part: Sendable, Equatable {
    /// Index of the node's class.
    public var nodeClass: Int
    public var region: Int
    /// Of the node that the subsystem is charged for, in 0...1.
    public var share: Double
    /// Busy share of the node's processor, all its users together, in 0...1.
    public var load: Double
    /// Bytes of the subsystem on the node's disk.
    public var stored: Double

    public init(nodeClass: Int, region: Int, share: Double, load: Double, stored: Double) {
      self.nodeClass = nodeClass
      self.region = region
      self.share = share
      self.load = load
      self.stored = stored
    }
  }

  public var seconds: Double
  public var parts: [Part]
  /// Bytes sent, by region of the sender, then by `Reach`.
  public var sent: [[Double]]
  public var work: [ProofOfWork]

  public init(seconds: Double, parts: [Part], sent: [[Double]], work: [ProofOfWork] = []) {
    self.seconds = seconds
    self.parts = parts
    self.sent = sent
    self.work = work
  }

  /// How a node is shared by the subsystems that have roles there: by the processor time each
  /// spent; equally if none spent any (ideal processors).
  /// - Parameters:
  ///   - own: processor time of the subsystem whose share is asked for, in any unit.
  ///   - all: of all subsystems with a role on the node, itself included.
  ///   - users: how many they are, at least 1.
  public static func share(of own: Double, in all: Double, users: Int) -> Double {
    all > 0 ? own / all : 1 / Double(users)
  }
}

/// What a scenario says of costs.
public struct CostSettings: Sendable, Equatable {
  public var prices: PriceSheet?
  public var energy: EnergySheet?
  public var classes: [NodeClass]
  /// Index into `classes`, by node.
  public var classOf: [Int]
  /// Months for which what is stored is kept and paid.
  public var retentionMonths: Double
  /// Hashing of chains, by subsystem index.
  public var work: [(subsystem: Int, work: ProofOfWork)]

  public init(
    prices: PriceSheet?, energy: EnergySheet?, classes: [NodeClass], classOf: [Int],
    retentionMonths: Double, work: [(subsystem: Int, work: ProofOfWork)] = []
  ) {
    self.prices = prices
    self.energy = energy
    self.classes = classes
    self.classOf = classOf
    self.retentionMonths = retentionMonths
    self.work = work
  }

  public static func == (a: CostSettings, b: CostSettings) -> Bool {
    a.prices == b.prices && a.energy == b.energy && a.classes == b.classes
      && a.classOf == b.classOf && a.retentionMonths == b.retentionMonths
      && a.work.map(\.subsystem) == b.work.map(\.subsystem)
      && a.work.map(\.work) == b.work.map(\.work)
  }
}
