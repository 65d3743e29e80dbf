import ArgumentParser
import Foundation
import Kernel
import Machines
import Reporting
import Scenarios
import Simulation

/// Options of what a trace shows.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Draw messages of the first run: FILE.svg, and FILE.json for trace viewers.",
      valueName: "file"))
  var trace: String?

  @Option(help: ArgumentHelp("Begin the drawing then, as in 2.5 s.", valueName: "time"))
  var traceFrom: String?

  @Option(help: ArgumentHelp("Messages in the drawing.", valueName: "number"))
  var traceMessages = 120

  func validate() throws {
    guard (1...20_000).contains(traceMessages) else {
      throw ValidationError("--trace-messages must be 1 to 20000, not \(traceMessages).")
    }
    if trace == nil, traceFrom != nil {
      throw ValidationError("--trace-from needs --trace FILE.")
    }
    _ = try start
  }

  fileprivate var start: SimTime {
    get throws {
      guard let traceFrom else { return .zero }
      do {
        let time = try UnitFamily.duration.quantity(traceFrom).requireWhole()
        guard time >= 0 else { throw QuantityError("must not be negative") }
        return SimTime(nanoseconds: time)
      } catch let error as QuantityError {
        throw ValidationError("--trace-from '\(traceFrom)' \(error.message).")
      }
    }
  }

  /// Writes the files that were asked for, if any.
  func write(_ scenario: Scenario) throws {
    guard let trace else { return }
    try TraceFile(trace).write(scenario, from: start, messages: traceMessages)
  }
}

/// A window of a run as a message-sequence diagram, and the same as Chrome trace JSON.
struct TraceFile {
  /// Without extension.
  private let stem: String

  init(_ path: String) {
    let isNamed = path.hasSuffix(".svg") || path.hasSuffix(".json")
    stem = isNamed ? String(path[..<(path.lastIndex(of: ".") ?? path.endIndex)]) : path
  }

  /// Runs replication 0 of `scenario` until the trace is full, and writes it.
  ///
  /// Every message is an event here, also those whose arrival could be foreseen to change nothing.
  func write(_ scenario: Scenario, from start: SimTime, messages: Int) throws {
    let run = scenario.makeSimulation(seed: scenario.seed(ofReplication: 0))
    run.world.trace = Trace(limit: messages, from: start)
    run.world.usesReferenceLanes = true
    run.start()
    let end = scenario.end
    while run.world.trace?.isFull == false, !run.world.isComplete,
      run.world.queue.nextTime <= end, run.step()
    {}
    guard let trace = run.world.trace else { return }
    let window = Window(scenario, trace, run)
    try SavedFile.write(window.diagram.svg, to: "\(stem).svg")
    try SavedFile.write(window.json, to: "\(stem).json")
  }
}

/// What was traced, in words: the nodes that took part are columns.
private struct Window {
  let diagram: SequenceDiagram

  init(_ scenario: Scenario, _ trace: Trace, _ run: Simulation) {
    let seen =
      trace.messages.flatMap { [$0.from.index, $0.to.index] } + trace.marks.map(\.node.index)
    let nodes = Set(seen).sorted()
    let own = scenario.network.nodeCount
    let hosts = nodes.filter { Int($0) >= own }
    let columns = nodes.map { node in
      Int(node) < own
        ? "node \(node)" : hosts.count == 1 ? "clients" : "clients \(Int(node) - own)"
    }
    func column(_ node: NodeID) -> Int { nodes.firstIndex(of: node.index) ?? 0 }
    diagram = SequenceDiagram(
      title: scenario.name, columns: columns,
      arrows: trace.messages.map { message in
        SequenceDiagram.Arrow(
          from: column(message.from), to: column(message.to), sent: message.sent.nanoseconds,
          arrives: message.arrives.nanoseconds,
          label: run.subsystems[Int(message.event.subsystem)].label(of: message.event))
      },
      marks: trace.marks.map { mark in
        let kind: SequenceDiagram.Mark.Kind =
          switch mark.kind {
          case .crash: .crash
          case .restart: .restart
          case .decision: .decision
          case .other: .other
          }
        return SequenceDiagram.Mark(
          column: column(mark.node), time: mark.time.nanoseconds, kind: kind, text: mark.text)
      })
  }

  /// A row a node, an arrow a message; times in microseconds, as the format wants.
  var json: String {
    var lines: [String] = []
    func row(_ name: String, _ phase: String, _ column: Int, _ time: Int64, _ rest: String) {
      lines.append(
        #"{"name":"\#(name)","ph":"\#(phase)","pid":0,"tid":\#(column),"#
          + #""ts":\#(Double(time) / 1000)\#(rest)}"#)
    }
    for (column, name) in diagram.columns.enumerated() {
      lines.append(
        #"{"name":"thread_name","ph":"M","pid":0,"tid":\#(column),"args":{"name":"\#(name)"}}"#)
    }
    for (id, arrow) in diagram.arrows.enumerated() {
      row(arrow.label, "X", arrow.from, arrow.sent, #","dur":1,"cat":"sent""#)
      row(arrow.label, "X", arrow.to, arrow.arrives, #","dur":1,"cat":"received""#)
      row(arrow.label, "s", arrow.from, arrow.sent, #","id":\#(id),"cat":"message""#)
      row(arrow.label, "f", arrow.to, arrow.arrives, #","id":\#(id),"bp":"e","cat":"message""#)
    }
    for mark in diagram.marks {
      row(mark.text, "i", mark.column, mark.time, #","s":"t","cat":"\#(mark.kind)""#)
    }
    return #"{"displayTimeUnit":"ms","traceEvents":["# + "\n" + lines.joined(separator: ",\n")
      + "\n]}\n"
  }
}
