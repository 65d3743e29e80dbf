import Kernel
import Ledger
import Machines
import Metrics

extension World {
  /// Adds a population that numbers transactions; returns its index.
  ///
  /// - Parameter transactions: makes room for so many, so that a run does not allocate.
  @discardableResult
  public mutating func addPopulation(
    _ address: PopulationAddress, reserving transactions: Int = 0
  ) -> UInt32 {
    populations.append(address)
    var log = TransactionLog()
    log.reserve(transactions)
    logs.append(log)
    return UInt32(populations.count - 1)
  }

  /// What the observer knows of the chain that is subsystem `index`.
  public func books(
    of index: UInt16, name: String, sizes: TransactionSizes, firstPopulation: Int = 0
  ) -> ChainBooks {
    let own = populations.indices.filter { populations[$0].chain == index }
    return ChainBooks(
      name: name, logs: own.map { (UInt32($0 - firstPopulation), logs[$0]) }, sizes: sizes,
      decisions: decisionLogs[Int(index)], end: measuredEnd)
  }
}

// MARK: - Bytes by how far they went

extension World {
  private static var outside: UInt16 { 0x8000 }

  /// `node` is not in the cloud: what is sent to it is internet traffic, what it sends is not
  /// billed.
  public mutating func placeOutside(_ node: NodeID) { places[Int(node.index)] |= Self.outside }

  /// Counts a message that left its node.
  @inline(__always)
  mutating func countSent(_ bytes: Int, _ route: Route) {
    let (from, to) = (places[Int(route.from.index)], places[Int(route.to.index)])
    let reach: Reach =
      if from & Self.outside != 0 {
        .fromOutside
      } else if to & Self.outside != 0 {
        .internet
      } else {
        from == to ? .intraRegion : .interRegion
      }
    let region = Int(from & ~Self.outside)
    let row = Int(route.channel) * network.regions + region
    sentBytes[row * Reach.allCases.count + reach.rawValue] += bytes
  }

  /// Bytes that subsystem `channel` has sent, by region of the sender, then by `Reach`.
  public func sentBytes(of channel: Int) -> [[Int]] {
    let reaches = Reach.allCases.count
    return (0..<network.regions).map { region in
      let first = (channel * network.regions + region) * reaches
      return Array(sentBytes[first..<first + reaches])
    }
  }
}

// MARK: - Machine use

extension World {
  /// How busy the resources of each node were until `end`.
  public func machineUse(until end: SimTime) -> [Bottleneck.Use] {
    (0..<machines.count).map { index in
      let node = NodeID(index)
      let use = machines.use(of: node, until: end)
      let elapsed = max(end.seconds, 1e-9)
      let lanes = machines.lanes(of: node).map { lane in
        machines.lanes[lane].busy(until: end).seconds / elapsed
      }
      return Bottleneck.Use(
        processor: use.processor, lane: min(max(lanes.max() ?? 0, 0), 1), uplink: use.uplink,
        downlink: use.downlink, disk: use.disk)
    }
  }
}
