import Kernel
import Machines
import Metrics

extension Simulation {
  /// What the run says, as values: reports of all subsystems, use of the machines, costs.
  ///
  /// - Parameters:
  ///   - horizon: when the run was to end; it ended before if `isComplete` was set.
  ///   - measuring: what part of the run figures are taken from.
  ///   - costs: prices and energy; `nil`: no bill.
  public func outcome(
    until horizon: SimTime? = nil, measuring: Measuring, costs: CostSettings? = nil
  ) -> Outcome {
    world.measuring = measuring
    let end = world.isComplete ? world.now : horizon ?? world.now
    world.measuredEnd = end
    var outcome = Outcome()
    for subsystem in subsystems.dropFirst() { subsystem.report(to: &outcome, world) }
    let use = world.machineUse(until: end)
    outcome.metrics += Bottleneck.metrics(use)
    outcome.machines = Bottleneck.machines(use)
    reportBottleneck(use, end, &outcome)
    reportStorage(&outcome)
    reportTraffic(&outcome)
    if let costs { reportCosts(costs, use, end, &outcome) }
    outcome.violations += world.violations
    outcome.warnings += world.warnings
    outcome.digests = digests
    return outcome
  }

  /// The bound of the bottleneck law for each subsystem that confirmed something, as if all work
  /// of the run grew in proportion: of the whole run, as the busy shares are.
  private func reportBottleneck(
    _ use: [Bottleneck.Use], _ end: SimTime, _ outcome: inout Outcome
  ) {
    let bottleneck = Bottleneck(use)
    for subsystem in subsystems.dropFirst() {
      guard let confirmed = outcome["\(subsystem.name).confirmed"] else { continue }
      outcome.metrics.append(
        .init(
          "\(subsystem.name).throughput_bound", "\(subsystem.billedUnit)/s",
          bottleneck?.bound(completed: Int(confirmed), seconds: end.seconds)))
    }
    guard let bottleneck else { return }
    outcome.metrics.append(.init("nodes.bottleneck_node", "1", Double(bottleneck.node)))
    outcome.metrics.append(.init("nodes.bottleneck_share", "1", bottleneck.share))
    if bottleneck.share < Bottleneck.barelyLoaded {
      // Without the node's name and with a round number, so that runs give the same warning.
      let percent = (bottleneck.share * 1000).rounded(.up) / 10
      outcome.warnings.append(
        "barely loaded: no node's cores, links or disk were busy for more than \(percent) % of the "
          + "time")
    }
  }

  /// What a subsystem's nodes sent, of all types, for each transaction that it confirmed; over the
  /// whole run. What clients send is not theirs.
  private func reportTraffic(_ outcome: inout Outcome) {
    for subsystem in subsystems.dropFirst() {
      let name = subsystem.name
      guard let confirmed = outcome["\(name).confirmed"] else { continue }
      let names = members(of: Int(subsystem.index)).map { subsystems[$0].name }
      let rows = outcome.messages.filter { names.contains($0.subsystem) }
      let unit = subsystem.billedUnit
      func add(_ metric: String, _ symbol: String, _ sum: Int) {
        outcome.metrics.append(
          .init(
            "\(name).\(metric)_per_\(unit)", "\(symbol)/\(unit)",
            confirmed > 0 ? Double(sum) / confirmed : nil))
      }
      add("messages", "msg", rows.reduce(0) { $0 + $1.count })
      add("bytes", "B", rows.reduce(0) { $0 + $1.bytes })
    }
  }

  private func reportStorage(_ outcome: inout Outcome) {
    for subsystem in subsystems.dropFirst() where subsystem.whole == nil {
      var bytes = [Int?](repeating: nil, count: world.machines.count)
      let occupancy = members(of: Int(subsystem.index)).flatMap { subsystems[$0].occupancy }
      for part in occupancy {
        bytes[Int(part.node.index)] = (bytes[Int(part.node.index)] ?? 0) + part.stored
      }
      let stored = bytes.compactMap { $0.map(Double.init) }
      guard let most = stored.max() else { continue }
      let mean = stored.reduce(0, +) / Double(stored.count)
      outcome.metrics.append(.init("\(subsystem.name).storage_bytes_per_node_mean", "B", mean))
      outcome.metrics.append(.init("\(subsystem.name).storage_bytes_per_node_max", "B", most))
    }
  }
}

// MARK: - Costs

extension Simulation {
  /// Bills every subsystem that has roles on nodes. A node is shared by the processor time that
  /// each spent there, equally if none spent any; bytes go to whoever sent them, those of clients
  /// to their chain. A store also pays its part of the chain it anchors to, by confirmed
  /// transactions.
  private func reportCosts(
    _ costs: CostSettings, _ use: [Bottleneck.Use], _ end: SimTime, _ outcome: inout Outcome
  ) {
    // What a part takes is its whole's; a node that both use is shared among those that are billed.
    let occupancies = subsystems.indices.map { index in
      subsystems[index].whole == nil
        ? members(of: index).flatMap { subsystems[$0].occupancy } : []
    }
    var users = [NodeUsers](repeating: NodeUsers(), count: world.machines.count)
    for occupancy in occupancies.joined() {
      users[Int(occupancy.node.index)].count += 1
      users[Int(occupancy.node.index)].processor += occupancy.processor.seconds
    }
    let own = subsystems.indices.map { index in
      Bill(consumption(of: index, occupancies, users, costs, use, end), costs)
    }
    var bills = own
    for index in subsystems.indices where !occupancies[index].isEmpty {
      for (chain, share) in chainShares(of: index) where chain != index {
        bills[index].add(share, of: own[chain])
      }
      let name = subsystems[index].name
      outcome.metrics += bills[index].metrics(
        name: name, unit: subsystems[index].billedUnit,
        confirmed: outcome["\(name).confirmed"] ?? 0,
        bytes: outcome["\(name).confirmed_bytes"] ?? 0)
    }
  }

  /// All roles that are billed for one node.
  private struct NodeUsers {
    var count = 0
    var processor = 0.0
  }

  private func consumption(
    of index: Int, _ occupancies: [[Occupancy]], _ users: [NodeUsers], _ costs: CostSettings,
    _ use: [Bottleneck.Use], _ end: SimTime
  ) -> Consumption {
    let parts = occupancies[index].map { own in
      let node = Int(own.node.index)
      return Consumption.Part(
        nodeClass: costs.classOf[node], region: Int(world.network.regionOf[node]),
        share: Consumption.share(
          of: own.processor.seconds, in: users[node].processor, users: users[node].count),
        load: use[node].processor, stored: Double(own.stored))
    }
    var sent = world.sentBytes(of: index)
    for other in members(of: index) where other != index {
      for (region, bytes) in world.sentBytes(of: other).enumerated() {
        for reach in bytes.indices { sent[region][reach] += bytes[reach] }
      }
    }
    for client in clientsWithoutBill(of: index, occupancies) {
      for (region, bytes) in world.sentBytes(of: client).enumerated() {
        for reach in bytes.indices { sent[region][reach] += bytes[reach] }
      }
    }
    return Consumption(
      seconds: end.seconds, parts: parts, sent: sent.map { $0.map(Double.init) },
      work: costs.work.filter { $0.subsystem == index }.map(\.work))
  }

  /// Subsystem `index` and those that are parts of it.
  private func members(of index: Int) -> [Int] {
    subsystems.indices.filter { $0 == index || subsystems[$0].whole.map(Int.init) == index }
  }

  /// Client populations that submit to chain `index` and are not billed themselves.
  private func clientsWithoutBill(of index: Int, _ occupancies: [[Occupancy]]) -> [Int] {
    subsystems.indices.filter { client in
      occupancies[client].isEmpty
        && world.populations.contains {
          Int($0.subsystem) == client && Int($0.chain) == index && index != 0
        }
    }
  }

  /// Share of the confirmed transactions of each chain that subsystem `index` submitted.
  private func chainShares(of index: Int) -> [(chain: Int, share: Double)] {
    subsystems.indices.compactMap { chain in
      var own = 0
      var all = 0
      for (population, address) in world.populations.enumerated()
      where Int(address.chain) == chain && chain != 0 {
        let confirmed = world.logs[population].count(.decided)
        all += confirmed
        if Int(address.subsystem) == index { own += confirmed }
      }
      return own > 0 ? (chain, Double(own) / Double(all)) : nil
    }
  }
}
