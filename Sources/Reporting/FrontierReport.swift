/// Throughput and latency of systems at an equal probability of reversal: who settles sooner, who
/// carries more, and who is beaten in both.
public struct FrontierReport: Sendable {
  /// A reversal probability that was simulated by splitting.
  public struct Simulated: Sendable {
    public var confirmations: Int
    public var probability: Double
    public var low: Double
    public var high: Double

    public init(confirmations: Int, probability: Double, low: Double, high: Double) {
      self.confirmations = confirmations
      self.probability = probability
      self.low = low
      self.high = high
    }
  }

  public struct Row: Sendable {
    public var place: [SweepPoint.Label]
    public var system: String
    /// Transactions per second.
    public var throughput: Estimate?
    /// Seconds from submission until settled; `nil` if nothing was, or nothing bounds a reversal.
    public var latency: Estimate?
    /// Confirmations that settle; 0 where decided is final.
    public var confirmations: Int?
    /// Probability of a reversal after them, by the formula; 0 where decided is final.
    public var reversal: Double?
    /// What the probability rests on, in words.
    public var basis: String
    public var simulated: Simulated?
    /// No other system at this place has more throughput at less latency.
    public fileprivate(set) var isUnbeaten = false

    public init(
      place: [SweepPoint.Label], system: String, throughput: Estimate?, latency: Estimate?,
      confirmations: Int?, reversal: Double?, basis: String, simulated: Simulated? = nil
    ) {
      self.place = place
      self.system = system
      self.throughput = throughput
      self.latency = latency
      self.confirmations = confirmations
      self.reversal = reversal
      self.basis = basis
      self.simulated = simulated
    }
  }

  public let title: String
  /// Share of the adversary, and the probability with which it may revert.
  public let adversary: Double
  public let error: Double
  public let rows: [Row]

  public init(title: String, adversary: Double, error: Double, rows: [Row]) {
    self.title = title
    self.adversary = adversary
    self.error = error
    var rows = rows
    for index in rows.indices {
      rows[index].isUnbeaten = !rows.contains { Self.beats($0, rows[index]) }
    }
    self.rows = rows
  }

  /// At least as good in both, and better in one; who never settles is beaten by all who do.
  private static func beats(_ a: Row, _ b: Row) -> Bool {
    guard a.place == b.place, let latency = a.latency?.mean, let rate = a.throughput?.mean
    else { return false }
    guard let other = b.latency?.mean, let otherRate = b.throughput?.mean else { return true }
    return latency <= other && rate >= otherRate && (latency < other || rate > otherRate)
  }

  /// In words, for figures.
  public var rule: String {
    "Settled: an adversary of \(NumberText.compact(adversary * 100, 3)) % reverts with at most "
      + NumberText.exact(error)
  }
}

// MARK: - As text

extension FrontierReport {
  /// A table for a terminal: the sooner settled, the higher up.
  public var text: String {
    var text = "\(title). \(rule)\n"
    var place: [SweepPoint.Label]?
    for row in ordered {
      if row.place != place {
        place = row.place
        if !row.place.isEmpty {
          text += row.place.map { "\($0.key) \($0.value)" }.joined(separator: ", ") + ":\n"
        }
        text += Self.line(["", "tx/s", "settled, s", "after", "reversal"], "")
      }
      text += Self.line(
        [
          (row.isUnbeaten ? "* " : "  ") + row.system,
          row.throughput.map { NumberText.compact($0.mean, 4) } ?? "none",
          row.latency.map { NumberText.compact($0.mean, 4) } ?? "never",
          row.confirmations.map(String.init) ?? "", Self.number(row.reversal),
        ], row.basis)
      if let found = row.simulated {
        text +=
          "      by splitting, after \(found.confirmations): \(Self.number(found.probability)), "
          + "95 % interval \(Self.number(found.low)) to \(Self.number(found.high))\n"
      }
    }
    return text + "* no other system has more throughput at less latency\n"
  }

  private var ordered: [Row] {
    var places: [[SweepPoint.Label]] = []
    for row in rows where !places.contains(row.place) { places.append(row.place) }
    return places.flatMap { place in
      rows.enumerated().filter { $0.element.place == place }.sorted { a, b in
        let (x, y) = (
          a.element.latency?.mean ?? .infinity, b.element.latency?.mean ?? .infinity
        )
        return x == y ? a.offset < b.offset : x < y
      }.map(\.element)
    }
  }

  private static func number(_ value: Double?) -> String {
    value.map { NumberText.exact(NumberText.rounded($0, significant: 3)) } ?? ""
  }

  private static func line(_ cells: [String], _ end: String) -> String {
    let widths = [24, 9, 11, 6, 11]
    var line = ""
    for (k, cell) in cells.enumerated() {
      let space = String(repeating: " ", count: max(widths[k] - cell.count, 0))
      line += k == 0 ? cell + space : space + cell
    }
    return line + (end.isEmpty ? "" : "  \(end)") + "\n"
  }

  public var csv: String {
    let keys = rows.first?.place.map(\.key) ?? []
    var text = CSV.line(
      keys + [
        "system", "throughput_tx_s", "throughput_ci95_low", "throughput_ci95_high",
        "settlement_s", "settlement_ci95_low", "settlement_ci95_high", "confirmations",
        "reversal", "basis", "splitting_confirmations", "splitting_reversal",
        "splitting_ci95_low", "splitting_ci95_high", "unbeaten",
      ])
    for row in rows {
      func ends(_ value: Estimate?) -> [String] {
        [value?.mean, value?.low, value?.high].map { NumberText.derived($0) }
      }
      let found = row.simulated
      var cells = row.place.map(\.value) + [row.system] + ends(row.throughput)
      cells += ends(row.latency)
      cells += [
        row.confirmations.map(String.init) ?? "", NumberText.derived(row.reversal), row.basis,
      ]
      cells.append(found.map { String($0.confirmations) } ?? "")
      cells += [found?.probability, found?.low, found?.high].map { NumberText.derived($0) }
      text += CSV.line(cells + [row.isUnbeaten ? "yes" : "no"])
    }
    return text
  }

  public var json: String {
    func number(_ value: Double?) -> JSONText {
      guard let value, value.isFinite else { return .null }
      return .number(NumberText.rounded(value, significant: 12))
    }
    func interval(_ value: Estimate?) -> JSONText {
      .array([number(value?.low), number(value?.high)])
    }
    let entries: [JSONText] = rows.map { row in
      var members: [(key: String, value: JSONText)] = [
        (
          "place",
          .array(
            row.place.map { .object([("key", .string($0.key)), ("value", .string($0.value))]) })
        ),
        ("system", .string(row.system)), ("throughput", number(row.throughput?.mean)),
        ("throughputInterval", interval(row.throughput)),
        ("settlement", number(row.latency?.mean)), ("settlementInterval", interval(row.latency)),
        ("confirmations", row.confirmations.map { .integer($0) } ?? .null),
        ("reversal", number(row.reversal)), ("basis", .string(row.basis)),
        ("unbeaten", .boolean(row.isUnbeaten)),
      ]
      if let found = row.simulated {
        members.append(
          (
            "splitting",
            .object([
              ("confirmations", .integer(found.confirmations)),
              ("reversal", number(found.probability)),
              ("interval", .array([number(found.low), number(found.high)])),
            ])
          ))
      }
      return .object(members)
    }
    return JSONText.object([
      ("title", .string(title)), ("adversary", number(adversary)), ("error", number(error)),
      ("rows", .array(entries)),
    ]).text
  }
}

// MARK: - As a drawing

extension FrontierReport {
  /// Throughput over the time until settled, a panel a place.
  public var svg: String {
    var places: [[SweepPoint.Label]] = []
    for row in rows where !places.contains(row.place) { places.append(row.place) }
    let panels = places.map { place -> ReproducedFigure.Panel in
      let shown = rows.filter { $0.place == place && $0.latency != nil && $0.throughput != nil }
      let name = place.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      return ReproducedFigure.Panel(
        title: name.isEmpty ? "Throughput" : "Throughput, \(name)", unit: "tx/s",
        xTitle: "seconds until settled", categories: [], isLogarithmic: false,
        curves: shown.map { row in
          ReproducedFigure.Curve(
            label: row.system, published: [],
            simulated: [
              ReproducedFigure.Point(
                x: row.latency?.mean ?? 0, value: row.throughput?.mean ?? 0,
                low: row.throughput?.low, high: row.throughput?.high)
            ])
        })
    }
    return ReproducedFigure(
      title: title, note: rule, panels: panels.filter { !$0.curves.isEmpty }
    ).svg
  }

  /// Writes the table, the drawing and the same for machines to `folder`, made if need be.
  public func write(to folder: String) throws(OutputError) {
    for (name, text) in [("frontier.csv", csv), ("frontier.json", json), ("frontier.svg", svg)] {
      try SavedFile.write(text, to: "\(folder)/\(name)", makesFolders: true)
    }
  }
}
