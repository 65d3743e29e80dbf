import Statistics

/// The page of a comparison: a sentence a metric, ratios with their intervals, and the numbers.
struct ComparisonPage {
  let comparison: Comparison
  /// Metrics in the order of the rows.
  private let metrics: [String]

  private static let shownRows = 24
  private static let shownSentences = 200

  init(_ comparison: Comparison) {
    self.comparison = comparison
    metrics = comparison.rows.reduce(into: []) { names, row in
      if !names.contains(row.metric) { names.append(row.metric) }
    }
  }

  var text: String {
    let tests = comparison.rows.count
    let differing = comparison.rows.count { $0.isSignificant }
    return PageShell(
      kicker: "Comparison", title: title,
      facts: [
        ReportPage.count(tests, "test"), "\(differing) of them significant after Holm",
        "compared with \(comparison.rows.first?.baseline ?? "")",
      ],
      // Where there are many sentences, the drawings say more.
      body: notes + (tests > 30 ? plots + sentences : sentences + plots) + table + provenance
    ).text
  }

  /// `pbft against hotstuff, tendermint`.
  private var title: String {
    var systems: [String] = []
    for row in comparison.rows where !systems.contains(row.system) { systems.append(row.system) }
    let baseline = comparison.rows.first?.baseline ?? ""
    let shown = systems.prefix(4).joined(separator: ", ") + (systems.count > 4 ? ", …" : "")
    return "\(shown) against \(baseline)"
  }

  private var notes: String {
    guard !comparison.notes.isEmpty else { return "" }
    let items = comparison.notes.map { note in
      let plain = comparison.sources.reduce(note) { $0.replacing($1.path, with: $1.folder) }
      return Markup.tag("li", plain) + "\n"
    }.joined()
    return "<section class=\"alert\">\n<h2>Check before trusting the results</h2>\n<ul>\n\(items)"
      + "</ul>\n</section>\n"
  }

  private static func place(_ row: Comparison.Row) -> String {
    row.place.map { "\(ReportPage.shortened($0.key)) \($0.value)" }.joined(separator: ", ")
  }

  // MARK: Sentences

  private var sentences: String {
    var out = ""
    var place: String?
    for row in comparison.rows.prefix(Self.shownSentences) {
      let here = Self.place(row)
      if here != place {
        out += place == nil ? "" : "</ul>\n"
        out += here.isEmpty ? "" : Markup.tag("p", here) + "\n"
        out += "<ul class=\"sentences\">\n"
        place = here
      }
      out += "<li>\(Markup.escape(row.sentence))<br/><span class=\"note\">"
      out += "\(Markup.escape(row.evidence))</span></li>\n"
    }
    out += place == nil ? "" : "</ul>\n"
    let rest = comparison.rows.count - Self.shownSentences
    if rest > 0 { out += "<p class=\"note\">\(rest) more in the table.</p>\n" }
    return PageShell.section(
      "What differs", out,
      note: "95 % intervals; p adjusted after Holm for all tests of the comparison; g is Hedges' "
        + "effect size. Replications on equal seeds are paired.")
  }

  // MARK: Ratios

  /// A figure for each metric, a row for each system and place.
  private var plots: String {
    PageShell.section(
      "Ratios", metrics.compactMap(figure),
      note:
        "Each system over \(comparison.rows.first?.baseline ?? ""), with 95 % intervals; at the "
        + "dashed line they are equal. Open markers: no difference that chance would not make.")
  }

  private func figure(_ metric: String) -> Figure? {
    let all = comparison.rows.filter {
      $0.metric == metric && $0.ratio.value > 0 && $0.ratio.value.isFinite
    }
    let rows = all.filter { $0.ratio.interval.map { $0.lowerBound > 0 } ?? true }
    guard !rows.isEmpty else { return nil }
    var systems: [String] = []
    for row in comparison.rows where !systems.contains(row.system) { systems.append(row.system) }
    let plot = ForestPlot(
      rows: rows.prefix(Self.shownRows).map { row in
        let place = Self.place(row)
        return ForestPlot.Row(
          label: systems.count > 1 || place.isEmpty
            ? row.system + (place.isEmpty ? "" : " · " + place) : place,
          ratio: row.ratio.value, low: row.ratio.interval?.lowerBound,
          high: row.ratio.interval?.upperBound, isSignificant: row.isSignificant,
          series: systems.firstIndex(of: row.system) ?? 0)
      }, description: "Ratios of \(metric) with 95 % intervals")
    let left = all.count - rows.count
    let more = rows.count - min(rows.count, Self.shownRows)
    return Figure(
      title: metric,
      note: (left > 0 ? "\(left) without an interval above zero. " : "")
        + (more > 0 ? "\(more) more in the table." : ""),
      drawing: plot.text)
  }

  // MARK: The numbers

  private var table: String {
    var keys: [String] = []
    for label in comparison.rows.flatMap(\.place) where !keys.contains(label.key) {
      keys.append(label.key)
    }
    let heads =
      ["Metric", "Unit"] + keys.map(ReportPage.shortened) + [
        "System", "Baseline", "Mean", "Mean of baseline", "Difference", "Interval", "Ratio",
        "Interval of ratio", "p (Holm)", "g", "Replications",
      ]
    let first = keys.count + 4
    let rows = comparison.rows.map { row -> [String] in
      let places = keys.map { key in row.place.first { $0.key == key }?.value ?? "" }
      let numbers = [
        Self.number(row.systemMean), Self.number(row.baselineMean),
        Self.number(row.difference.mean),
        Self.interval(row.difference.low, row.difference.high), Self.number(row.ratio.value),
        Self.interval(row.ratio.interval?.lowerBound, row.ratio.interval?.upperBound),
        Self.number(row.adjusted), row.effect.map(Self.number) ?? "–",
        row.isPaired
          ? "\(row.replications[0]) pairs" : "\(row.replications[1]), \(row.replications[0])",
      ]
      return [row.metric, row.unit] + places + [row.system, row.baseline] + numbers
    }
    return PageShell.section(
      "All numbers", PageShell.table(heads, rows, numbers: Set(first..<(first + 9))))
  }

  private static func number(_ value: Double) -> String {
    NumberText.significant(value, 4, space: Markup.space)
  }

  private static func interval(_ low: Double?, _ high: Double?) -> String {
    guard let low, let high, low.isFinite, high.isFinite else { return "–" }
    return "\(number(low)) to \(number(high))"
  }

  private var provenance: String {
    let folders = comparison.sources.map(\.folder).joined(separator: " ")
    let command =
      "tributary compare \(folders)" + (comparison.key.map { " --by \($0)" } ?? "")
    return PageShell.section(
      "Where these numbers come from",
      "<p>Made from these result folders, each of which says how it can be run again:</p>\n"
        + "<pre>\(Markup.escape(command))</pre>\n"
        + PageShell.table(
          ["Folder", "Scenario", "Digest of the scenario", "Seed", "Tributary"],
          comparison.sources.map { [$0.folder, $0.name, $0.scenarioDigest, $0.seed, $0.version] }))
  }
}

extension Comparison {
  /// A page of it, as HTML.
  public var page: String { ComparisonPage(self).text }

  /// What the page is called: `pbft-vs-hotstuff.html`, `bft-load-by-consensus.html`.
  public var pageName: String {
    let names = sources.map(\.folder).joined(separator: "-vs-")
    let by = key.map { "-by-" + ReportPage.shortened($0) } ?? ""
    // No file system takes more than 255 bytes.
    return String((names + by).prefix(180)) + ".html"
  }
}

/// Ratios on a logarithmic axis, each with its interval, about a line at 1.
struct ForestPlot {
  struct Row {
    var label: String
    /// Above 0, and so is its interval, if it has one.
    var ratio: Double
    var low: Double?
    var high: Double?
    var isSignificant: Bool
    var series: Int
  }

  var rows: [Row]
  var description: String

  private static let rowHeight = 38.0
  private static let left = 4.0
  private static let right = Drawing.width - 6

  var text: String {
    let ratios = rows.map(\.ratio)
    let least = (ratios.min() ?? 1) / 4
    let most = (ratios.max() ?? 1) * 4
    let ends = rows.flatMap { [max($0.low ?? $0.ratio, least), min($0.high ?? $0.ratio, most)] }
    let axis = Axis(
      ratios + ends + [0.9, 1 / 0.9], from: Self.left + 6, to: Self.right - 6, fromZero: false,
      logarithmic: true)
    let bottom = Double(rows.count) * Self.rowHeight + 4
    var drawing = Drawing(height: bottom + 20, description: description)
    var lastEnd = -Double.infinity
    for tick in axis.ticks {
      let x = axis.place(tick)
      drawing.line(x, 0, x, bottom, "grid")
      let label = Axis.label(tick) + "×"
      let half = Double(label.count) * 3.4
      guard x - half > lastEnd + 4 else { continue }
      drawing.write(label, min(max(x, half + 2), Self.right - half), bottom + 14, "tick", .middle)
      lastEnd = x + half
    }
    let one = axis.place(1)
    drawing.line(one, 0, one, bottom, "one")
    for (index, row) in rows.enumerated() {
      draw(row, at: Double(index) * Self.rowHeight, axis, &drawing)
    }
    return drawing.text
  }

  private func draw(_ row: Row, at top: Double, _ axis: Axis, _ drawing: inout Drawing) {
    func number(_ value: Double) -> String { NumberText.significant(value, 3) }
    var value = number(row.ratio) + "×"
    if let low = row.low, let high = row.high { value += ", \(number(low)) to \(number(high))" }
    drawing.write(
      CategoryPlot.clipped(row.label, max(12, 50 - value.count)), Self.left, top + 14,
      "label halo")
    drawing.write(value, Self.right, top + 14, "value halo", .end)
    let middle = top + 27
    let colour = "c\(row.series % 8)"
    if let low = row.low, let high = row.high, low < high {
      let (from, to) = (axis.place(low), axis.place(high))
      drawing.line(from, middle, to, middle, "stroke \(colour)")
      for end in [from, to] {
        drawing.line(end, middle - 3.5, end, middle + 3.5, "stroke \(colour)")
      }
    }
    let place = axis.place(row.ratio)
    if row.isSignificant {
      drawing.marker(place, middle, series: row.series, title: "\(row.label): \(value)")
    } else {
      drawing.ring(place, middle, radius: 4, "open \(colour)")
    }
  }
}
