import Scenarios

extension Pack {
  /// Reads the pack in `folder`: its `pack.yaml`, and the published values that it names.
  public init(folder: String) throws(ScenarioErrors) {
    let document = try ScenarioDocument(path: "\(folder)/pack.yaml")
    let roots = try document.points()
    let draft = try ScenarioDocument.read(roots) { try PackDraft($0) }[0]
    let table = try PublishedTable(path: "\(folder)/\(draft.data)")
    try draft.check(table, document.file)
    id = draft.id
    self.folder = folder
    title = draft.title
    citation = draft.citation
    published = draft.published
    calibration = draft.calibration
    deviations = draft.deviations
    kind = draft.kind
    self.table = table
    plot = draft.plot
    studies = draft.studies
    small = draft.small
    full = draft.full
  }
}

/// A pack as its file has it, before its data are read.
private struct PackDraft {
  var id: String
  var title: String
  var citation: String
  var published: String
  var calibration: String
  var deviations: String
  var kind: Pack.Kind
  var data: String
  var plot: Pack.Plot
  var studies: [Pack.Study]
  var small: Pack.Change
  var full: Pack.Change

  private typealias Filter = [(column: String, values: [String])]

  init(_ section: Section) throws {
    func line(_ key: String, _ sentence: String) -> String {
      section.text(key, atMost: 2000, sentence)
    }
    id = section.text("id", atMost: 40, "name of the figure")
    title = line("title", "what a reviewer sees")
    citation = line("citation", "who published it, where")
    published = line("published", "what is published, and where in the source")
    calibration = line("calibration", "what was fitted, and on which of the values")
    deviations = line("deviations", "what is left out or differs, and why")
    kind = section.choice("kind", of: Pack.Kind.self, "what the target is")
    data = section.text("data", atMost: 200, "file of published values, in the pack")
    plot = section.section("plot", "what the drawing shows") { plot in
      Pack.Plot(
        x: plot.text("x", atMost: 60, "column of the horizontal axis"),
        groups: plot.values("groups", default: [], "columns that tell curves apart") {
          $0.text($1, atMost: 60, "a column")
        },
        isLogarithmic: plot.flag(
          "logarithmic", default: false, "values are drawn by their logarithm"))
    }
    studies = try section.list("studies", count: 1...20, "what is run, and what is read from it") {
      try Self.study($0)
    }
    small = section.section("small", "the size that tests run") { Self.change($0) }
    full = section.section("full", "the size that results are kept of") { Self.change($0) }
  }

  private static func change(_ section: Section) -> Pack.Change {
    Pack.Change(
      set: settings(section, "changes of the scenarios"), rows: filter(section, "rows"))
  }

  private static func settings(_ section: Section, _ sentence: String) -> [String] {
    section.values("set", default: [], "\(sentence), as --set takes them") {
      $0.text($1, atMost: 400, "key=value; {column} stands for the row's value")
    }
  }

  private static func filter(_ section: Section, _ key: String) -> Filter {
    section.table(key, of: "column", "rows with one of these values in the column") { table, key in
      table.values(key, count: 1...1000, "values") { $0.text($1, atMost: 60, "a value") }
    }.map { ($0.name, $0.value) }
  }

  private static func study(_ section: Section) throws -> Pack.Study {
    let source: Pack.Source
    if section.shape(of: "experiment") != .absent {
      source = .experiment(
        section.choice("experiment", of: Experiment.self, "what is drawn or computed"))
    } else {
      let probe = section.optional("probe") {
        $0.choice($1, of: Probe.self, "what is looked at inside the runs")
      }
      source = .scenario(
        section.text("scenario", atMost: 200, "scenario file, relative to the pack"), probe: probe)
    }
    return Pack.Study(
      source: source, set: settings(section, "the row's own values"),
      rows: filter(section, "rows"),
      quantities: try section.list("quantities", count: 1...20, "what is compared") {
        try quantity($0)
      })
  }

  private static func quantity(_ section: Section) throws -> Pack.Quantity {
    func column(_ key: String, _ sentence: String) -> String? {
      section.optional(key) { $0.text($1, atMost: 60, sentence) }
    }
    return Pack.Quantity(
      name: section.text("name", atMost: 60, "what the quantity is called"),
      unit: section.text("unit", atMost: 20, "its unit; 1 for ratios"),
      column: section.text("published", atMost: 60, "column of the published values"),
      metric: section.text("metric", atMost: 120, "metric of the runs"),
      trials: column("trials", "metric with the number of trials that the share is of"),
      deviation: column("deviation", "column of published standard deviations"),
      bottleneck: column("bottleneck", "column of the bottleneck law's values"),
      calibrated: filter(section, "calibrated"),
      tolerance: try tolerance(section),
      isContext: section.flag("context", default: false, "shown, but decides nothing"))
  }

  private static func tolerance(_ section: Section) throws -> Pack.Tolerance {
    try section.variant(
      "tolerance",
      [
        Alternative(
          "absolute", "difference of at most this",
          value: { .absolute($0.number($1, in: 0...1e12, "in the unit of the quantity")) }),
        Alternative(
          "relative", "relative error of at most this",
          value: { .relative($0.fraction($1, in: 0...10, "of the published value")) }),
        Alternative(
          "statistical", "within the interval of the simulated value",
          section: { section in
            .statistical(
              confidence: section.fraction(
                "confidence", default: 0.999, in: 0.5...0.999_999,
                "for all values of the figure together (Bonferroni)",
                source: "one figure in a thousand fails by chance"),
              allowance: section.fraction(
                "allowance", default: 0, in: 0...0.2,
                "known bias, as a part of the value; the pack's deviations give the reason",
                source: "none"),
              resolution: section.fraction(
                "resolution", in: 0...10, "half-width of the 95 % interval, at most"))
          }),
        Alternative(
          "between", "between the values of two columns",
          section: { section in
            .between(
              low: section.text("low", atMost: 60, "column"),
              high: section.text("high", atMost: 60, "column"))
          }),
      ], "how near the simulated value must come")
  }

  /// Every column that is named must be there.
  func check(_ table: PublishedTable, _ file: String) throws(ScenarioErrors) {
    var named = [plot.x] + plot.groups
    named += (small.rows + full.rows).map(\.column)
    for study in studies {
      named += study.rows.map(\.column)
      for quantity in study.quantities {
        named += [quantity.column] + [quantity.deviation, quantity.bottleneck].compactMap { $0 }
        named += quantity.calibrated.map(\.column)
        if case .between(let low, let high) = quantity.tolerance { named += [low, high] }
      }
    }
    for name in named where !table.columns.contains(name) {
      throw ScenarioErrors([
        ScenarioError(
          "'\(name)' is no column of \(table.file)", at: Origin(file),
          allowed: table.columns.joined(separator: ", "))
      ])
    }
  }
}
