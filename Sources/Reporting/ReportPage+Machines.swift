import Metrics

/// Where the load went: components of the cost, shards, machines.
extension ReportPage {
  /// The points of the cases that are drawn, each once, with its name.
  private var shownPoints: [(point: Int, title: String)] {
    summary.points.indices.prefix(Self.shownCases).map { index in
      let title = summary.points[index].labels.map(\.value).joined(separator: " · ")
      return (index, title)
    }
  }

  var pointOmission: String {
    let all = summary.points.count
    return all > Self.shownCases ? " The first \(Self.shownCases) of \(all) points are drawn." : ""
  }

  // MARK: Costs

  /// A bar for each case, whose parts are the components of what a unit costs.
  var breakdownFigures: [Figure] {
    [("Money", "usd"), ("Energy", "joule"), ("Carbon", "gco2e")].compactMap { title, quantity in
      var names: [String] = []
      let rows = shown.compactMap { item -> StackPlot.Row? in
        let parts = components(of: quantity, item)
        for part in parts where !names.contains(part.name) { names.append(part.name) }
        guard parts.contains(where: { $0.value > 0 }) else { return nil }
        return StackPlot.Row(label: item.title, parts: parts, unit: parts[0].unit)
      }
      guard !rows.isEmpty, names.count > 1 else { return nil }
      let plot = StackPlot(
        rows: rows, names: names, description: "\(title) by component, in shares of the total")
      return Figure(
        title: title, legend: names.enumerated().map { ($0.offset, $0.element) },
        drawing: plot.text)
    }
  }

  /// Metrics called `usd_compute_per_tx`; the upper estimate of networks is no part of the total.
  private func components(
    of quantity: String, _ item: Case
  ) -> [(name: String, value: Double, unit: String)] {
    summary.points[item.point].metrics.compactMap { metric in
      guard metric.subsystem == item.subsystem, metric.shortName.hasPrefix(quantity + "_"),
        let end = metric.shortName.ranges(of: "_per_").last,
        let value = metric.estimate?.mean
      else { return nil }
      let name = metric.shortName[..<end.lowerBound].dropFirst(quantity.count + 1)
      guard !name.isEmpty, !name.hasPrefix("per_"), name != "network_high", name != "anchoring",
        !metric.shortName[end.upperBound...].contains("_")
      else { return nil }
      let title = name == "pow" ? "proof of work" : name == "network_low" ? "network" : name
      return (String(title), value, metric.unit)
    }
  }

  // MARK: Shards

  /// A row for each shard and a column for each step of time: how much it decided.
  var shardSection: String {
    let figures = shown.compactMap(shardFigure)
    return PageShell.section(
      "Load of the shards", figures,
      note: "Operations that each shard decided, by time: the darker, the more. Means over "
        + "replications." + omission)
  }

  private func shardFigure(_ item: Case) -> Figure? {
    let prefix = item.subsystem + "-"
    let rows = summary.points[item.point].series.filter {
      $0.shortName == "load" && $0.unit == "op/s" && $0.subsystem.hasPrefix(prefix)
        && $0.values.count > 1
    }
    guard rows.count > 1 else { return nil }
    let plot = HeatPlot(
      rows: rows.prefix(Self.shownShards).map { series in
        HeatPlot.Row(
          label: String(series.subsystem.dropFirst(prefix.count)),
          values: series.values.map { $0?.mean }, step: series.step)
      }, unit: "op/s", description: "Load of each shard over time, \(item.title)")
    return Figure(
      title: cases.count > 1 ? item.title : "Shards", unit: "op/s",
      note: rows.count > Self.shownShards
        ? "The first \(Self.shownShards) of \(rows.count) shards; series.csv has all." : "",
      drawing: plot.text)
  }

  private static let shownShards = 64

  // MARK: Machines

  /// The busiest nodes of each point, with all their resources.
  var machineFigures: [Figure] {
    shownPoints.compactMap { index, title in
      let all = summary.points[index].machines
      let busiest = all.filter { $0.busiest > 0 }.sorted {
        ($1.busiest, $0.node) < ($0.busiest, $1.node)
      }.prefix(Self.shownMachines)
      guard !busiest.isEmpty else { return nil }
      let plot = SharesPlot(
        columns: Bottleneck.Resource.allCases.map(\.rawValue),
        rows: busiest.map { .init(label: "node \($0.node)", shares: $0.shares) },
        description: "Busy shares of the busiest nodes, \(title)")
      return Figure(
        title: title.isEmpty ? "Nodes" : title,
        note: all.count > busiest.count
          ? "The busiest \(busiest.count) of \(all.count) nodes; machines.csv has all." : "",
        drawing: plot.text)
    }
  }

  private static let shownMachines = 8
}
