/// The end of the page: all metrics, and where the numbers come from.
extension ReportPage {
  /// Every metric of every point, folded away.
  var details: String {
    var names: [String] = []
    for point in summary.points {
      for metric in point.metrics where !names.contains(metric.name) { names.append(metric.name) }
    }
    guard !names.isEmpty else { return "" }
    let points = summary.points.prefix(12)
    var out = "<section>\n<h2>All metrics</h2>\n<details><summary>"
    out += "\(Self.count(names.count, "metric")), means with 95 % intervals</summary>\n"
    out += "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Metric</th>"
    out += "<th scope=\"col\">Unit</th>"
    for point in points {
      let title = point.labels.map(\.value).joined(separator: " · ")
      out += "<th scope=\"col\" class=\"n\">\(Markup.escape(title.isEmpty ? "Mean" : title))</th>"
    }
    out += "</tr></thead>\n<tbody>\n"
    for name in names {
      let unit = points.lazy.compactMap { $0[name]?.unit }.first ?? ""
      out += "<tr><th scope=\"row\">\(Markup.escape(name))</th>"
      out += "<td>\(Markup.escape(unit))</td>"
      for point in points {
        let cell = point[name]?.estimate.map { NumberText.interval($0, space: Markup.space) }
        out += "<td class=\"n\">\(Markup.escape(cell ?? "–"))</td>"
      }
      out += "</tr>\n"
    }
    out += "</tbody></table></div></details>\n"
    if points.count < summary.points.count {
      let all = summary.points.count
      out += "<p class=\"note\">The first \(points.count) of \(all) points; "
      out += "metrics.csv has all.</p>\n"
    }
    return out + "</section>\n"
  }

  var provenance: String {
    let experiment = summary.experiment
    let most = experiment.points.map(\.seeds.count).max() ?? 0
    let command =
      "tributary run scenario.yaml --seed \(experiment.seed) --replications \(most)"
    let facts = [
      ("Scenario digest", experiment.scenarioDigest), ("Master seed", String(experiment.seed)),
      ("Tributary", experiment.version), ("Compiler", experiment.toolchain),
      ("GSL", experiment.gslVersion),
    ]
    var out = "<section>\n<h2>Where these numbers come from</h2>\n"
    out += "<p>The same scenario, seed and version give the same files again:</p>\n"
    out += "<pre>\(Markup.escape(command))</pre>\n<dl>\n"
    for (name, value) in facts {
      out += "<dt>\(Markup.escape(name))</dt><dd>\(Markup.escape(value))</dd>\n"
    }
    out += "</dl>\n"
    out += PageShell.folded(
      "Scenario", "<pre>\(Markup.escape(experiment.scenario))</pre>")
    out += PageShell.folded(
      "Seeds and digests: equal for equal runs, on any machine", runs)
    let files = ResultFolder.files.filter {
      $0 != ResultFolder.pageName
        && ($0 != ResultFolder.sensitivityName || summary.hasSensitivity)
    }
    let links = files.map { "<a href=\"\($0)\">\($0)</a>" }.joined(separator: " ")
    return out + "<p class=\"files\">Beside this page: \(links)</p>\n</section>\n"
  }

  /// The first runs of the experiment, each with what replays and what proves it.
  private var runs: String {
    var rows: [[String]] = []
    for (point, entry) in zip(summary.experiment.points, summary.points) {
      let place = point.labels.map(\.value).joined(separator: " · ")
      for (replication, (seed, digest)) in zip(point.seeds, entry.digests).enumerated() {
        rows.append([place.isEmpty ? "-" : place, String(replication), String(seed), digest])
      }
    }
    let rest = rows.count - Self.shownRuns
    return PageShell.table(
      ["Case", "Replication", "Seed", "Digest"], Array(rows.prefix(Self.shownRuns)),
      numbers: [1])
      + (rest > 0 ? "<p class=\"note\">\(rest) more in replications.csv.</p>\n" : "")
  }

  private static let shownRuns = 100
}
