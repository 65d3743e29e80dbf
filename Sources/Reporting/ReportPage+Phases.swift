/// Latency by phase and messages by type.
extension ReportPage {
  var latencyFigures: [Figure] {
    shown.enumerated().compactMap { index, item in
      let rows = summary.points[item.point].latencies.filter { $0.subsystem == item.subsystem }
      let known = rows.compactMap { row -> (String, [Estimate])? in
        let quantiles = ["p50", "p90", "p95", "p99"].compactMap { row[$0] }
        return quantiles.count == 4 ? (row.phase, quantiles) : nil
      }
      guard !known.isEmpty else { return nil }
      let unit = DisplayUnit("s", for: known.flatMap { $0.1.map(\.mean) })
      let plot = QuantilePlot(
        rows: known.map { phase, quantiles in
          QuantilePlot.Row(
            label: phase, quantiles: quantiles.map { $0.mean / unit.scale },
            text: [quantiles[0], quantiles[3]].map {
              NumberText.significant($0.mean / unit.scale, 3, space: Markup.space)
            }.joined(separator: " – "))
        }, series: index, description: "Latency by phase of \(item.title)")
      return Figure(
        title: cases.count > 1 ? item.title : "Phases", unit: unit.name, drawing: plot.text)
    }
  }

  var messageFigures: [Figure] {
    shown.enumerated().compactMap { index, item in
      let rows = summary.points[item.point].messages.filter {
        $0.subsystem == item.subsystem && $0.count.mean > 0
      }
      guard !rows.isEmpty else { return nil }
      let unit = DisplayUnit("B", for: [rows.map(\.bytes.mean).max() ?? 0])
      let largest = rows.enumerated().sorted {
        ($1.element.bytes.mean, $0.offset) < ($0.element.bytes.mean, $1.offset)
      }.map(\.element).prefix(12)
      let plot = CategoryPlot(
        rows: largest.map { row in
          let count = NumberText.significant(row.count.mean, 4, space: Markup.space)
          let bytes = NumberText.significant(
            row.bytes.mean / unit.scale, 3, space: Markup.space)
          return .init(
            label: row.type, estimate: row.bytes, series: index,
            text: "\(count) msgs · \(bytes) \(unit.name)")
        }, scale: unit.scale, description: "Messages by type of \(item.title)")
      let rest = rows.count - largest.count
      return Figure(
        title: cases.count > 1 ? item.title : "Types", unit: unit.name,
        note: rest > 0 ? "\(Self.count(rest, "smaller type")) in messages.csv." : "",
        drawing: plot.text)
    }
  }
}
