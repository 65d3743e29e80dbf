/// `report.html` of a result folder, made from nothing that its files do not hold.
struct ReportPage {
  let summary: Summary
  let cases: [Case]
  let axis: SweptAxis?

  /// More cases than this make a plot unreadable; the tables have them all.
  static let shownCases = 8
  /// Rows of a figure that has one for each case.
  static let shownRows = 24

  init(_ summary: Summary) {
    self.summary = summary
    cases = summary.cases
    axis = SweptAxis(summary.experiment.points, keys: summary.experiment.sweptKeys)
  }

  var text: String {
    let experiment = summary.experiment
    let replications = experiment.points.map(\.seeds.count)
    let most = replications.max() ?? 0
    return PageShell(
      kicker: "Simulation report", title: experiment.name,
      facts: [
        Self.count(experiment.points.count, "sweep point"),
        Self.count(most, "replication")
          + (replications.contains { $0 != most } ? " at most" : ""),
        Self.count(experiment.runs, "run"), "seed \(experiment.seed)",
        "Tributary \(experiment.version)",
      ],
      body: alerts + headline + comparison + plots + details + provenance
    ).text
  }

  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  // MARK: Warnings and violations

  private var alerts: String {
    var out = ""
    if !summary.violations.isEmpty {
      let shown = summary.violations.prefix(50)
      let number = Self.count(summary.violations.count, "violation")
      out += "<section class=\"alert bad\">\n<h2>\(number) of what a protocol promises</h2>\n"
      out += "<div class=\"scroll\"><table><thead><tr><th>Monitor</th><th>Subsystem</th>"
      out += "<th>Case</th><th>Time</th><th>Seed of the run</th><th>What happened</th></tr>"
      out += "</thead><tbody>\n"
      for found in shown {
        let cells = [
          found.violation.monitor, found.violation.subsystem, place(found.run.point),
          NumberText.compact(found.violation.time, 9, space: Markup.space) + " s",
          String(found.run.seed), found.violation.detail,
        ]
        out += "<tr>\(cells.map { Markup.tag("td", $0) }.joined())</tr>\n"
      }
      out += "</tbody></table></div>\n"
      if shown.count < summary.violations.count {
        out += "<p class=\"note\">The first \(shown.count) are shown; manifest.json has all.</p>\n"
      }
      out += "</section>\n"
    }
    return out + notices
  }

  /// What to check before trusting the results. Those that differ in their numbers and places only
  /// stand under the first of them: a sweep has many.
  private var notices: String {
    guard !summary.notices.isEmpty else { return "" }
    var kinds: [(pattern: [Substring], items: [String])] = []
    for notice in summary.notices {
      let pattern = notice.text.split { $0.isNumber || $0 == "." }
      let item = "<li>\(Markup.escape(notice.text))\(origin(of: notice))</li>\n"
      if let known = kinds.firstIndex(where: { $0.pattern == pattern }) {
        kinds[known].items.append(item)
      } else {
        kinds.append((pattern, [item]))
      }
    }
    var out = "<section class=\"alert\">\n<h2>Check before trusting the results</h2>\n<ul>\n"
    for kind in kinds {
      let rest = kind.items.dropFirst()
      out += kind.items[0]
      if rest.count < 3 {
        out += rest.joined()
      } else {
        out += "<li><details><summary>\(rest.count) more like it</summary>\n<ul>\n"
        out += rest.joined() + "</ul></details></li>\n"
      }
    }
    return out + "</ul>\n</section>\n"
  }

  /// The point and the runs that gave a notice.
  private func origin(of notice: Notice) -> String {
    var origin = notice.point.map { place($0) } ?? ""
    if let point = notice.point, summary.experiment.points[point].seeds.count > 1 {
      let all = summary.experiment.points[point].seeds.count
      origin += (origin.isEmpty ? "" : ", ") + "\(notice.replications.count) of \(all) runs"
    }
    return origin.isEmpty ? "" : " <span class=\"unit\">(\(Markup.escape(origin)))</span>"
  }

  private func place(_ point: Int) -> String {
    summary.points[point].labels.map(\.value).joined(separator: " · ")
  }

  // MARK: Key numbers

  /// The numbers themselves for one case; for several, the best of each.
  private var headline: String {
    var cards = ""
    for metric in KeyMetric.headline {
      let values = cases.compactMap { item in
        summary.value(metric, of: item).map { (item: item, value: $0) }
      }
      guard let first = values.first else { continue }
      let best = values.dropFirst().reduce(first) { best, next in
        let isBetter =
          metric.better == .higher
          ? next.value.estimate.mean > best.value.estimate.mean
          : next.value.estimate.mean < best.value.estimate.mean
        return isBetter ? next : best
      }
      let unit = DisplayUnit(best.value.unit, for: [best.value.estimate.mean])
      let number = NumberText.interval(
        best.value.estimate, scale: unit.scale, space: Markup.space)
      let superlative = metric.better == .higher ? "Highest " : "Lowest "
      let title = values.count > 1 ? superlative + metric.title.lowercased() : metric.title
      var note = ""
      if values.count > 1 {
        let rivals = values.filter { other in
          other.item != best.item
            && other.value.estimate.lowest <= best.value.estimate.highest
            && other.value.estimate.highest >= best.value.estimate.lowest
        }
        note = best.item.title
        if !rivals.isEmpty {
          note +=
            rivals.count == 1
            ? "; interval overlaps that of \(rivals[0].item.title)"
            : "; interval overlaps those of \(rivals.count) others"
        }
      }
      cards += "<div class=\"card\"><p class=\"what\">\(Markup.escape(title))</p>"
      cards += "<p class=\"number\">\(Self.stacked(number, unit: unit.name))</p>"
      cards += note.isEmpty ? "" : "<p class=\"note\">\(Markup.escape(note))</p>"
      cards += "</div>\n"
    }
    guard !cards.isEmpty else { return "" }
    let single = !summary.experiment.points.contains { $0.seeds.count > 1 }
    let explanation =
      single
      ? "One replication: no interval can be given."
      : "± is half of a 95 % Student interval over replications."
    return "<section>\n<h2>Key numbers</h2>\n<div class=\"cards\">\n\(cards)</div>\n"
      + "<p class=\"note\">\(explanation)</p>\n</section>\n"
  }

  // MARK: Comparison

  private var comparison: String {
    guard cases.count > 1 else { return "" }
    let columns = KeyMetric.all.compactMap { metric -> (KeyMetric, DisplayUnit)? in
      let values = cases.compactMap { summary.value(metric, of: $0) }
      guard let unit = values.first?.unit else { return nil }
      return (metric, DisplayUnit(unit, for: values.map(\.estimate.mean)))
    }
    guard !columns.isEmpty else { return "" }
    var keys: [String] = []
    for label in cases.flatMap(\.labels) where !keys.contains(label.key) { keys.append(label.key) }
    var out = "<section>\n<h2>Comparison</h2>\n<div class=\"scroll\"><table>\n<thead><tr>"
    for key in keys { out += "<th scope=\"col\">\(Markup.escape(Self.shortened(key)))</th>" }
    for (metric, unit) in columns {
      out += "<th scope=\"col\" class=\"n\">\(Markup.escape(metric.title))"
      out += "<br/><span class=\"unit\">\(Markup.escape(unit.name))</span></th>"
    }
    out += "</tr></thead>\n<tbody>\n"
    for item in cases {
      out += "<tr>"
      for key in keys {
        let value = item.labels.first { $0.key == key }?.value ?? ""
        out += "<th scope=\"row\">\(Markup.escape(value))</th>"
      }
      for (metric, unit) in columns {
        let cell = summary.value(metric, of: item).map {
          NumberText.interval($0.estimate, scale: unit.scale, space: Markup.space)
        }
        out += "<td class=\"n\">\(Self.stacked(cell ?? "–"))</td>"
      }
      out += "</tr>\n"
    }
    return out + "</tbody></table></div>\n</section>\n"
  }

  /// The mean with its unit, and its interval smaller beneath.
  static func stacked(_ interval: String, unit: String = "") -> String {
    let suffix = unit.isEmpty ? "" : " <span class=\"unit\">\(Markup.escape(unit))</span>"
    guard let mark = interval.firstIndex(of: "±") else {
      return Markup.escape(interval) + suffix
    }
    var mean = interval[..<mark].dropLast()
    var half = interval[mark...]
    // `(9.78 ± 0.38)e-5`: both have the power.
    if mean.first == "(", let end = half.lastIndex(of: ")") {
      let power = half[half.index(after: end)...]
      mean = mean.dropFirst() + power
      half = half[..<end] + power
    }
    return Markup.escape(String(mean)) + suffix
      + "<span class=\"pm\">\(Markup.escape(String(half)))</span>"
  }

  /// The last part of a dotted key.
  static func shortened(_ key: String) -> String {
    key.split(separator: ".").last.map(String.init) ?? key
  }
}

extension Summary {
  /// Writes `report.html` into a result folder, in place of the one that is there.
  ///
  /// - Returns: its path.
  public func writePage(
    in folder: String, with writer: FileWriter = .disk
  ) throws(OutputError) -> String {
    let path = folder + "/" + ResultFolder.pageName
    try SavedFile.write(ReportPage(self).text, to: path, with: writer)
    return path
  }
}
