import Reporting
import Testing

@Suite("Message-sequence diagrams") struct SequenceDiagramTests {
  private typealias Arrow = SequenceDiagram.Arrow
  private typealias Mark = SequenceDiagram.Mark

  private let ms: Int64 = 1_000_000

  private func lines(_ text: String, _ style: String) -> [[Double]] {
    text.split(separator: "<").filter { $0.hasPrefix("line class=\"\(style)") }.map { line in
      ["x1", "y1", "x2", "y2"].map { name in
        let value = line.split(separator: "\(name)=\"")[1].prefix { $0 != "\"" }
        return Double(value) ?? .nan
      }
    }
  }

  @Test("an arrow goes from its sender when it is sent to its receiver when it arrives")
  func arrows() {
    let diagram = SequenceDiagram(
      title: "t", columns: ["node 0", "node 1", "clients"],
      arrows: [
        Arrow(from: 0, to: 1, sent: 0, arrives: 10 * ms, label: "vote"),
        Arrow(from: 2, to: 0, sent: 5 * ms, arrives: 15 * ms, label: "request"),
      ], marks: [])
    let arrows = lines(diagram.svg, "arrow c").filter { $0[1] > 60 }
    #expect(arrows.count == 2)
    let lives = lines(diagram.svg, "life").map { $0[0] }
    #expect(lives.count == 3)
    #expect(arrows[0][0] == lives[0] && arrows[1][0] == lives[2])
    // The head ends where the line of the receiver is; the line stops five short of it.
    #expect(arrows[0][2] < lives[1] && arrows[0][2] > lives[1] - 6)
    #expect(arrows[1][2] > lives[0] && arrows[1][2] < lives[0] + 6)
    // Half a delay later is half as far down.
    let perDelay = 62.0
    #expect(abs(arrows[1][1] - arrows[0][1] - perDelay / 2) < 0.02)
    #expect(arrows.allSatisfy { $0[3] > $0[1] })
  }

  @Test("a pause is cut and said; what follows is to scale again") func cuts() {
    let diagram = SequenceDiagram(
      title: "t", columns: ["a", "b"],
      arrows: [0, 1_000, 1_010].map {
        Arrow(from: 0, to: 1, sent: $0 * ms, arrives: ($0 + 10) * ms, label: "m")
      }, marks: [])
    let text = diagram.svg
    #expect(text.contains(">990 ms later<"))
    let starts = lines(text, "arrow c").filter { $0[1] > 60 }.map { $0[1] }
    #expect(abs(starts[1] - starts[0] - 62 - 52) < 0.02)
    #expect(abs(starts[2] - starts[1] - 62) < 0.02)
  }

  @Test("a node that is down has a broken line, and marks have their words") func marks() {
    let diagram = SequenceDiagram(
      title: "t", columns: ["a", "b"],
      arrows: [Arrow(from: 0, to: 1, sent: 0, arrives: 10 * ms, label: "m")],
      marks: [
        Mark(column: 1, time: 12 * ms, kind: .crash, text: "crashes"),
        Mark(column: 1, time: 20 * ms, kind: .restart, text: "restarts"),
        Mark(column: 0, time: 20 * ms, kind: .decision, text: "slot 1 <&>"),
      ])
    let text = diagram.svg
    let down = lines(text, "down")
    #expect(down.count == 1)
    #expect(abs(down[0][3] - down[0][1] - 0.8 * 62) < 0.02)
    #expect(lines(text, "life").count == 3)
    #expect(text.contains(">crashes<") && text.contains("slot 1 &lt;&amp;&gt;"))
    #expect(text == diagram.svg)
  }

  @Test("a kind has its colour, the ninth a broken line; a broadcast is named once") func kinds() {
    let diagram = SequenceDiagram(
      title: "t", columns: ["a", "b", "c"],
      arrows: (0..<9).flatMap { k in
        [1, 2].map {
          Arrow(from: 0, to: $0, sent: Int64(k) * ms, arrives: Int64(k) * ms + ms, label: "k\(k)")
        }
      }, marks: [])
    let text = diagram.svg
    #expect(text.contains("\"arrow c0 broken\"") && text.contains("\"arrow c7\""))
    #expect(text.components(of: ">k3<") == 2, "in the legend and beside the sender")
  }
}

extension String {
  fileprivate func components(of part: String) -> Int {
    split(separator: part, omittingEmptySubsequences: false).count - 1
  }
}
