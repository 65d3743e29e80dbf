/// A message-sequence diagram: nodes are columns, time runs down, messages are arrows.
///
/// It is one self-contained SVG, light or dark as its viewer is, for a page, a slide or a paper.
/// Long stretches in which nothing happens are cut, and say how long they were.
public struct SequenceDiagram: Sendable {
  /// A message that travelled.
  public struct Arrow: Sendable {
    /// Columns.
    public var from: Int
    public var to: Int
    /// Nanoseconds: when its last bit left, and when its first arrived.
    public var sent: Int64
    public var arrives: Int64
    public var label: String

    public init(from: Int, to: Int, sent: Int64, arrives: Int64, label: String) {
      self.from = from
      self.to = to
      self.sent = sent
      self.arrives = arrives
      self.label = label
    }
  }

  /// Something that happened at one node.
  public struct Mark: Sendable {
    public enum Kind: Sendable, Equatable { case crash, restart, decision, other }

    public var column: Int
    /// Nanoseconds.
    public var time: Int64
    public var kind: Kind
    public var text: String

    public init(column: Int, time: Int64, kind: Kind, text: String) {
      self.column = column
      self.time = time
      self.kind = kind
      self.text = text
    }
  }

  public var title: String
  public var columns: [String]
  public var arrows: [Arrow]
  public var marks: [Mark]

  public init(title: String, columns: [String], arrows: [Arrow], marks: [Mark]) {
    self.title = title
    self.columns = columns
    self.arrows = arrows
    self.marks = marks
  }

  /// The drawing, as a file of its own.
  public var svg: String {
    let scale = TimeScale(
      arrows.flatMap { [$0.sent, $0.arrives] } + marks.map(\.time),
      typical: typicalDelay, top: Self.top + 26)
    var drawing = Drawing(
      width: Self.left + spacing * Double(columns.count), height: scale.bottom + 44,
      description: "\(title): \(arrows.count) messages between \(columns.count) nodes")
    drawing.write(title, 12, 22, "name")
    legend(&drawing)
    times(scale, &drawing)
    lifelines(scale, &drawing)
    for arrow in arrows { draw(arrow, scale, &drawing) }
    for mark in marks { draw(mark, scale, &drawing) }
    labels(scale, &drawing)
    return drawing.file(style: Self.style)
  }

  private static let left = 78.0
  private static let top = 78.0

  /// Columns stand far enough apart for the words between them where there are few.
  private var spacing: Double { columns.count <= 8 ? 150 : columns.count <= 16 ? 104 : 64 }

  private func x(_ column: Int) -> Double { Self.left + spacing * (Double(column) + 0.5) }

  private var typicalDelay: Int64 {
    let delays = arrows.map { $0.arrives - $0.sent }.filter { $0 > 0 }.sorted()
    return delays.isEmpty ? 1_000_000 : delays[delays.count / 2]
  }

  /// Kinds of messages in order of their first appearance, which is also that of their colours.
  private var kinds: [String] {
    var kinds: [String] = []
    for arrow in arrows where !kinds.contains(arrow.label) { kinds.append(arrow.label) }
    return kinds
  }

  /// Colour, and from the ninth kind on a broken line.
  private func style(_ label: String) -> String {
    let k = kinds.firstIndex(of: label) ?? 0
    return "c\(k % 8)" + (k >= 8 ? " broken" : "")
  }
}

// MARK: - Parts of the drawing

extension SequenceDiagram {
  private func legend(_ drawing: inout Drawing) {
    var place = 12.0
    for kind in kinds {
      drawing.line(place, 39, place + 18, 39, "arrow \(style(kind))")
      drawing.write(kind, place + 23, 43, "tick")
      place += 40 + 6.2 * Double(kind.count)
    }
  }

  private func times(_ scale: TimeScale, _ drawing: inout Drawing) {
    var last = -Double.infinity
    for tick in scale.ticks where tick.y > last + 13 {
      drawing.line(Self.left - 4, tick.y, x(columns.count - 1) + 20, tick.y, "grid")
      drawing.write(scale.label(tick.time), Self.left - 8, tick.y + 3.8, "tick", .end)
      last = tick.y
    }
    for cut in scale.cuts {
      drawing.rectangle(
        Self.left - 4, cut.y - 9, x(columns.count - 1) + 24 - Self.left, 18, "cut")
      drawing.write(
        "\(scale.span(cut.length)) later", (x(0) + x(columns.count - 1)) / 2, cut.y + 4, "tick",
        .middle)
    }
  }

  /// A line a node, broken while it is down.
  private func lifelines(_ scale: TimeScale, _ drawing: inout Drawing) {
    for (column, name) in columns.enumerated() {
      drawing.write(name, x(column), Self.top - 6, "column", .middle)
      var from = Self.top
      var isDown = false
      for mark in marks where mark.column == column {
        guard mark.kind == .crash || mark.kind == .restart, isDown == (mark.kind == .restart)
        else { continue }
        let y = scale.y(mark.time)
        drawing.line(x(column), from, x(column), y, isDown ? "down" : "life")
        (from, isDown) = (y, mark.kind == .crash)
      }
      drawing.line(x(column), from, x(column), scale.bottom + 10, isDown ? "down" : "life")
      drawing.write(name, x(column), scale.bottom + 28, "column", .middle)
    }
  }

  private func draw(_ arrow: Arrow, _ scale: TimeScale, _ drawing: inout Drawing) {
    guard arrow.from != arrow.to else { return }
    let (x1, y1) = (x(arrow.from), scale.y(arrow.sent))
    let (x2, y2) = (x(arrow.to), scale.y(arrow.arrives))
    let length = ((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1)).squareRoot()
    let (dx, dy) = ((x2 - x1) / length, (y2 - y1) / length)
    let style = style(arrow.label)
    drawing.line(x1, y1, x2 - 5 * dx, y2 - 5 * dy, "arrow \(style)")
    drawing.path(
      [
        (x2, y2), (x2 - 7 * dx - 3 * dy, y2 - 7 * dy + 3 * dx),
        (x2 - 7 * dx + 3 * dy, y2 - 7 * dy - 3 * dx),
      ], "head \(style)", closed: true)
  }

  private func draw(_ mark: Mark, _ scale: TimeScale, _ drawing: inout Drawing) {
    let (x, y) = (x(mark.column), scale.y(mark.time))
    switch mark.kind {
    case .crash:
      drawing.path([(x - 6, y - 6), (x + 6, y + 6)], "fault")
      drawing.path([(x - 6, y + 6), (x + 6, y - 6)], "fault")
    case .restart: drawing.rectangle(x - 5, y - 5, 10, 10, "restart")
    case .decision: drawing.rectangle(x - 5, y - 5, 10, 10, "decision", radius: 5)
    case .other: drawing.rectangle(x - 3, y - 3, 6, 6, "restart")
    }
  }

  /// What a node sends at one moment is named once, beside the node; so is what happens to it.
  /// A word that would cover another of its column moves down.
  private func labels(_ scale: TimeScale, _ drawing: inout Drawing) {
    var words: [(column: Int, y: Double, isRight: Bool, text: String, style: String)] = []
    var named: [(column: Int, sent: Int64, label: String)] = []
    for arrow in arrows {
      let isNamed = named.contains {
        $0.column == arrow.from && $0.sent == arrow.sent && $0.label == arrow.label
      }
      guard !isNamed else { continue }
      named.append((arrow.from, arrow.sent, arrow.label))
      let isRight = arrow.from < columns.count - 1
      words.append(
        (
          arrow.from, scale.y(arrow.sent) - 3, isRight, arrow.label,
          "word \(style(arrow.label))"
        ))
    }
    for mark in marks {
      let style = mark.kind == .crash ? "word fault" : "word"
      words.append((mark.column, scale.y(mark.time) + 4, false, mark.text, style))
    }
    words.sort { ($0.column, $0.isRight ? 1 : 0, $0.y) < ($1.column, $1.isRight ? 1 : 0, $1.y) }
    var last = (column: -1, isRight: false, y: -Double.infinity)
    for word in words {
      let isNext = last.column == word.column && last.isRight == word.isRight
      let y = isNext ? max(word.y, last.y + 11.5) : word.y
      drawing.write(
        word.text, x(word.column) + (word.isRight ? 8 : -9), y, word.style,
        word.isRight ? .start : .end)
      last = (word.column, word.isRight, y)
    }
  }

  private static let style = """
    :root{--ink:#16202b;--soft:#5b6875;--faint:#e8ecf0;--paper:#fff;--bad:#a3191f;
    --s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b5498a;--s4:#b98900;--s5:#3a9bd0;--s6:#6a4fb3;
    --s7:#6b7580}
    @media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa7b4;--faint:#26303a;
    --paper:#11171d;--bad:#ff9a94;--s0:#4aa8e0;--s1:#f08a4b;--s2:#35c79b;--s3:#dd84b8;--s4:#e6c04a;
    --s5:#8ad0f5;--s6:#a994ea;--s7:#a3adb7}}
    svg{background:var(--paper);font:11px Inter,"Segoe UI",system-ui,"Helvetica Neue",Arial,
    sans-serif}
    text{fill:var(--ink)}
    .name{font-size:15px;font-weight:650}
    .column{font-size:12px;font-weight:620}
    .tick{fill:var(--soft);font-size:10.5px}
    .grid{stroke:var(--faint);stroke-width:1}
    .life{stroke:var(--soft);stroke-width:1.4}
    .down{stroke:var(--bad);stroke-width:1.4;stroke-dasharray:2 5}
    .cut{fill:var(--paper)}
    .arrow{stroke:var(--c);stroke-width:1.3;opacity:.85}
    .arrow.broken{stroke-dasharray:5 3}
    .head{fill:var(--c)}
    .word{fill:var(--c,var(--ink));font-size:10.5px;paint-order:stroke;stroke:var(--paper);
    stroke-width:3px;stroke-linejoin:round}
    .word.fault{fill:var(--bad);stroke:var(--paper);font-weight:620}
    path.fault{stroke:var(--bad);stroke-width:2.4;fill:none}
    .decision{fill:var(--ink)}
    .restart{fill:var(--paper);stroke:var(--ink);stroke-width:1.4}
    .c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}.c4{--c:var(--s4)}
    .c5{--c:var(--s5)}.c6{--c:var(--s6)}.c7{--c:var(--s7)}
    """
}
