/// What all pages have in common: one file that needs nothing but itself, no font, no request; and
/// a script of its own that it does without where scripts do not run.
struct PageShell {
  /// What kind of page it is.
  var kicker: String
  var title: String
  /// Facts under the title.
  var facts: [String]
  /// The page's content, as HTML.
  var body: String

  var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <meta name="color-scheme" content="light dark"/>
    <meta http-equiv="Content-Security-Policy" content="\(Self.policy)"/>
    <title>\(Markup.escape(title)) – Tributary</title>
    <style>
    \(ReportStyle.text)
    </style>
    </head>
    <body>
    <main>
    <header>
    <p class="kicker">\(Markup.escape(kicker))</p>
    <h1>\(Markup.escape(title))</h1>
    <p class="facts">\(facts.map { "<span>\(Markup.escape($0))</span>" }.joined())</p>
    </header>
    \(body)</main>
    <script>\(ReportScript.text)</script>
    </body>
    </html>

    """
  }

  /// Nothing from outside, and no script but the page's own.
  private static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    + "script-src 'sha256-\(ReportScript.checksum)'"

  // MARK: Parts

  static func section(_ title: String, _ figures: [Figure], note: String = "") -> String {
    guard !figures.isEmpty else { return "" }
    return section(
      title, "<div class=\"figures\">\n\(figures.map(\.text).joined())</div>\n", note: note)
  }

  /// - Parameter content: HTML.
  static func section(_ title: String, _ content: String, note: String = "") -> String {
    guard !content.isEmpty else { return "" }
    return "<section>\n<h2>\(Markup.escape(title))</h2>\n"
      + (note.isEmpty ? "" : "<p class=\"note\">\(Markup.escape(note))</p>\n") + content
      + "</section>\n"
  }

  /// A table of texts.
  ///
  /// - Parameter numbers: columns whose cells stand to the right.
  static func table(_ heads: [String], _ rows: [[String]], numbers: Set<Int> = []) -> String {
    func style(_ column: Int) -> String { numbers.contains(column) ? " class=\"n\"" : "" }
    var out = "<div class=\"scroll\"><table>\n<thead><tr>"
    for (column, head) in heads.enumerated() {
      out += "<th scope=\"col\"\(style(column))>\(Markup.escape(head))</th>"
    }
    out += "</tr></thead>\n<tbody>\n"
    for row in rows {
      out += "<tr>"
      for (column, cell) in row.enumerated() {
        out +=
          column == 0
          ? "<th scope=\"row\">\(Markup.escape(cell))</th>"
          : "<td\(style(column))>\(Markup.escape(cell))</td>"
      }
      out += "</tr>\n"
    }
    return out + "</tbody></table></div>\n"
  }

  /// Names and what they stand for.
  static func facts(_ facts: [(name: String, value: String)]) -> String {
    "<dl>\n"
      + facts.map { "\(Markup.tag("dt", $0.name))\(Markup.tag("dd", $0.value))\n" }.joined()
      + "</dl>\n"
  }

  static func folded(_ title: String, _ content: String) -> String {
    "<details>\(Markup.tag("summary", title))\n\(content)</details>\n"
  }
}
