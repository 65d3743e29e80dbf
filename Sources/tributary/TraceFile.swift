import Foundation
import Reporting
import Scenarios
import Simulation

/// The messages of a run as Chrome trace JSON: a row a node, an arrow a message.
struct TraceFile {
  private let path: String
  /// Messages of the beginning of the run that are drawn.
  static let limit = 20_000

  init(_ path: String) { self.path = path }

  /// Runs replication 0 of `scenario` until the trace is full, and writes it.
  func write(_ scenario: Scenario) throws {
    let run = scenario.makeSimulation(seed: scenario.seed(ofReplication: 0))
    run.world.trace = Trace(limit: Self.limit)
    run.start()
    let end = scenario.end
    while run.world.trace?.isFull == false, !run.world.isComplete,
      run.world.queue.nextTime <= end, run.step()
    {}
    guard let trace = run.world.trace else { return }
    try FileWriter.disk.write(Array(Self.text(of: trace, run).utf8), path)
  }

  private static func text(of trace: Trace, _ run: Simulation) -> String {
    var lines: [String] = []
    func row(_ name: String, _ phase: String, _ node: UInt32, _ time: Double, _ rest: String) {
      lines.append(
        #"{"name":"\#(name)","ph":"\#(phase)","pid":0,"tid":\#(node),"ts":\#(time)\#(rest)}"#)
    }
    var nodes: [UInt32] = []
    for (id, message) in trace.messages.enumerated() {
      let label = run.subsystems[Int(message.event.subsystem)].label(of: message.event)
      let sent = Double(message.sent.nanoseconds) / 1000
      let arrives = Double(message.arrives.nanoseconds) / 1000
      row(label, "X", message.from.index, sent, #","dur":1,"cat":"sent""#)
      row(label, "X", message.to.index, arrives, #","dur":1,"cat":"received""#)
      row(label, "s", message.from.index, sent, #","id":\#(id),"cat":"message""#)
      row(label, "f", message.to.index, arrives, #","id":\#(id),"bp":"e","cat":"message""#)
      nodes += [message.from.index, message.to.index]
    }
    for mark in trace.marks {
      let time = Double(mark.time.nanoseconds) / 1000
      row(mark.text, "i", mark.node.index, time, #","s":"t","cat":"fault""#)
    }
    let names = Set(nodes).sorted().map { node in
      #"{"name":"thread_name","ph":"M","pid":0,"tid":\#(node),"args":{"name":"node \#(node)"}}"#
    }
    return #"{"displayTimeUnit":"ms","traceEvents":["#
      + "\n" + (names + lines).joined(separator: ",\n") + "\n]}\n"
  }
}
