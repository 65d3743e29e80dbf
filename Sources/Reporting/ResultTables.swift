import Metrics

/// The tables of a result folder. Swept parameters come first in each row; means and intervals
/// have twelve significant digits, values of single runs all they have.
struct ResultTables {
  let result: SweepResult
  let summary: Summary
  private let keys: [String]

  init(_ result: SweepResult, _ summary: Summary) {
    self.result = result
    self.summary = summary
    keys = result.experiment.sweptKeys
  }

  var metrics: String {
    table(["metric", "unit"] + Self.interval("mean") + ["replications"]) { point in
      point.metrics.map { metric in
        [metric.name, metric.unit] + Self.cells(metric.estimate)
          + [String(metric.estimate?.count ?? 0)]
      }
    }
  }

  var replications: String {
    var text = CSV.line(keys + ["replication", "seed", "digest", "metric", "unit", "value"])
    for (point, runs) in zip(result.experiment.points, result.records) {
      let labels = keys.map { point.value(of: $0) }
      for run in runs {
        let row = labels + [String(run.id.replication), String(run.id.seed), run.digest]
        for metric in run.outcome.metrics {
          let value = metric.value.map { NumberText.exact($0) } ?? ""
          text += CSV.line(row + [metric.name, metric.unit, value])
        }
        // A run without metrics still has a digest.
        if run.outcome.metrics.isEmpty { text += CSV.line(row + ["", "", ""]) }
      }
    }
    return text
  }

  var series: String {
    table(["series", "unit", "time_s"] + Self.interval("mean") + ["replications"]) { point in
      point.series.flatMap { series in
        series.values.enumerated().map { step, value in
          [series.name, series.unit, NumberText.derived(Double(step) * series.step)]
            + Self.cells(value) + [String(value?.count ?? 0)]
        }
      }
    }
  }

  var messages: String {
    let columns =
      ["subsystem", "type"] + Self.interval("count") + Self.interval("bytes")
      + ["duplicates", "node_mean_bytes", "node_max_bytes", "replications"]
    return table(columns) { point in
      point.messages.map { row in
        [row.subsystem, row.type] + Self.cells(row.count) + Self.cells(row.bytes)
          + [row.duplicates, row.nodeMeanBytes, row.nodeMaxBytes].map {
            NumberText.derived($0.mean)
          } + [String(row.count.count)]
      }
    }
  }

  /// The columns of resources are those of `Bottleneck.Resource`, in its order.
  var machines: String {
    let columns = ["node"] + Bottleneck.Resource.allCases.map(\.rawValue) + ["replications"]
    return table(columns) { point in
      point.machines.map { row in
        [String(row.node)] + row.shares.map { NumberText.derived($0) } + [String(row.count)]
      }
    }
  }

  var latency: String {
    let columns = ["subsystem", "phase", "statistic", "unit"] + Self.interval("mean")
    return table(columns + ["replications"]) { point in
      point.latencies.flatMap { row in
        [("samples", "1", row.samples)].map { Self.latencyCells(row, $0.0, $0.1, $0.2) }
          + row.statistics.map { Self.latencyCells(row, $0.name, "s", $0.estimate) }
      }
    }
  }

  private static func latencyCells(
    _ row: PointSummary.Latency, _ statistic: String, _ unit: String, _ estimate: Estimate
  ) -> [String] {
    [row.subsystem, row.phase, statistic, unit] + cells(estimate) + [String(estimate.count)]
  }

  private func table(_ columns: [String], _ rows: (PointSummary) -> [[String]]) -> String {
    var text = CSV.line(keys + columns)
    for (point, summary) in zip(result.experiment.points, summary.points) {
      let labels = keys.map { point.value(of: $0) }
      for row in rows(summary) { text += CSV.line(labels + row) }
    }
    return text
  }

  /// `mean`, or `count`, and the ends of its interval.
  private static func interval(_ name: String) -> [String] {
    let prefix = name == "mean" ? "" : name + "_"
    return [name, prefix + "ci95_low", prefix + "ci95_high"]
  }

  private static func cells(_ estimate: Estimate?) -> [String] {
    [estimate?.mean, estimate?.low, estimate?.high].map { NumberText.derived($0) }
  }
}
