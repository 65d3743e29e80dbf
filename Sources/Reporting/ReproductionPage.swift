/// The page of a published figure that was run again: published beside simulated, with the source,
/// what was calibrated, the errors, and those of trivial models.
public struct ReproductionPage: Sendable {
  /// Errors of one model over the values of a quantity that nothing was fitted on; in words.
  public struct Errors: Sendable {
    public var quantity: String
    public var model: String
    public var values: Int
    public var median: String
    public var rms: String
    public var largest: String
    /// Share of the trivial model's error that the simulation does without.
    public var skill: String

    public init(
      quantity: String, model: String, values: Int, median: String, rms: String, largest: String,
      skill: String
    ) {
      self.quantity = quantity
      self.model = model
      self.values = values
      self.median = median
      self.rms = rms
      self.largest = largest
      self.skill = skill
    }
  }

  public var id: String
  public var title: String
  public var verdict: String
  /// Whether nothing of it is known to be wrong.
  public var isGood: Bool
  /// Under the title.
  public var facts: [String]
  /// The source, what was calibrated, what is left out.
  public var origins: [(name: String, value: String)]
  public var figure: ReproducedFigure
  public var errors: [Errors]
  /// The table of values.
  public var columns: [String]
  public var rows: [[String]]
  /// Columns that hold numbers.
  public var numbers: Set<Int>
  public var digest: String
  /// What runs it again.
  public var command: String
  /// Names of files beside the page.
  public var files: [String]

  public init(
    id: String, title: String, verdict: String, isGood: Bool, facts: [String],
    origins: [(name: String, value: String)], figure: ReproducedFigure, errors: [Errors],
    columns: [String], rows: [[String]], numbers: Set<Int>, digest: String, command: String,
    files: [String]
  ) {
    self.id = id
    self.title = title
    self.verdict = verdict
    self.isGood = isGood
    self.facts = facts
    self.origins = origins
    self.figure = figure
    self.errors = errors
    self.columns = columns
    self.rows = rows
    self.numbers = numbers
    self.digest = digest
    self.command = command
    self.files = files
  }

  /// The page, as HTML: the same bytes for the same figure.
  public var text: String {
    PageShell(
      kicker: "Published figure, run again", title: "\(id): \(title)", facts: facts,
      body: "<p class=\"verdict \(Self.tone(verdict, isGood))\">\(Markup.escape(verdict))</p>\n"
        + PageShell.section(
          "Published and simulated", figure.figures,
          note: "Open diamonds and thin lines: published. Filled markers with 95 % intervals: "
            + "simulated.")
        + errorSection
        + PageShell.section("Where it comes from", PageShell.facts(origins))
        + PageShell.section(
          "All values", PageShell.table(columns, rows, numbers: numbers)) + rerun
    ).text
  }

  /// What was not judged is neither good nor bad.
  static func tone(_ verdict: String, _ isGood: Bool) -> String {
    isGood ? verdict.hasPrefix("in tolerance") ? "in" : "" : "out"
  }

  private var errorSection: String {
    guard !errors.isEmpty else { return "" }
    let rows = errors.map {
      [$0.quantity, $0.model, String($0.values), $0.median, $0.rms, $0.largest, $0.skill]
    }
    return PageShell.section(
      "Errors",
      PageShell.table(
        ["Quantity", "Model", "Values", "Median", "Root mean square", "Largest", "Skill"], rows,
        numbers: [2, 3, 4, 5, 6]),
      note: "Relative errors without their signs, over values on which nothing was fitted. Skill "
        + "is 1 less the ratio of the simulation's root mean square error to that of the trivial "
        + "model, over the values that both have: at 0 the simulation explains no more than it.")
  }

  private var rerun: String {
    let links = files.map { name in
      "<a href=\"\(Markup.escape(name))\">\(Markup.escape(name))</a>"
    }
    return PageShell.section(
      "How to run it again",
      "<pre>\(Markup.escape(command))</pre>\n"
        + PageShell.facts([("Digest of all runs", digest)])
        + "<p class=\"files\">Beside this page: \(links.joined(separator: " "))</p>\n",
      note: "The same version gives the same digest on any machine.")
  }
}

/// The list of all figures of a folder.
public struct FigureIndexPage: Sendable {
  public struct Entry: Sendable {
    public var id: String
    public var title: String
    public var kind: String
    public var size: String
    public var verdict: String
    public var isGood: Bool
    /// Median errors, quantity by quantity.
    public var errors: String
    public var digest: String
    /// Name of its page.
    public var page: String

    public init(
      id: String, title: String, kind: String, size: String, verdict: String, isGood: Bool,
      errors: String, digest: String, page: String
    ) {
      self.id = id
      self.title = title
      self.kind = kind
      self.size = size
      self.verdict = verdict
      self.isGood = isGood
      self.errors = errors
      self.digest = digest
      self.page = page
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry]) { self.entries = entries }

  public var text: String {
    let bad = entries.count { !$0.isGood }
    var table = "<div class=\"scroll\"><table>\n<thead><tr>"
    for head in ["Figure", "What", "Kind", "Size", "Verdict", "Errors", "Digest"] {
      table += "<th scope=\"col\">\(head)</th>"
    }
    table += "</tr></thead>\n<tbody>\n"
    for entry in entries {
      table += "<tr><th scope=\"row\"><a href=\"\(Markup.escape(entry.page))\">"
      table += "\(Markup.escape(entry.id))</a></th>"
      table += "<td class=\"words\">\(Markup.escape(entry.title))</td>"
      table += Markup.tag("td", entry.kind) + Markup.tag("td", entry.size)
      table += "<td class=\"words \(ReproductionPage.tone(entry.verdict, entry.isGood))\">"
      table += "\(Markup.escape(entry.verdict))</td>"
      table += "<td class=\"words\">\(Markup.escape(entry.errors))</td>"
      table += Markup.tag("td", entry.digest) + "</tr>\n"
    }
    table += "</tbody></table></div>\n"
    return PageShell(
      kicker: "Published figures", title: "Published figures, run again",
      facts: [
        ReportPage.count(entries.count, "result"), "\(bad) out of tolerance or with a violation",
      ],
      body: PageShell.section(
        "Figures", table,
        note: "Exact figures are gates; measured ones are judged at their full size only, and "
          + "state their errors beside those of trivial models; predictions have nothing to "
          + "compare with.")
    ).text
  }
}
