import Consensus
import Machines
import Protocols
import Testing

@Suite("PBFT, step by step")
struct PBFTTimelineTests {
  private static var settings: PBFT.Settings {
    var settings = PBFTRun.plainSettings
    settings.viewTimeout = .milliseconds(20)
    settings.statusInterval = .seconds(3600)
    return settings
  }

  private static func timeline() -> ReplicaTimeline<PBFT> {
    let committee = Committee(n: 4)
    return ReplicaTimeline(
      (0..<4).map { PBFT(me: ReplicaID($0), committee: committee, settings: settings) }, text: text)
  }

  private static func text(_ message: PBFT.Message, _ effects: borrowing Effects<PBFT>) -> String {
    let name = PBFT.Message.kinds[message.kind]
    switch message {
    case .prePrepare(let v, let n, _, _), .prepare(let v, let n, _), .commit(let v, let n, _):
      return "\(name) v\(v.number) n\(n.number)"
    case .viewChange(let v, let body):
      guard case .viewChange(let change) = effects.body(body) else { return name }
      return "\(name) v\(v.number), prepared \(change.prepared.map(\.slot.number))"
    case .newView(let v, let body):
      guard case .newView(let view) = effects.body(body) else { return name }
      return "\(name) v\(v.number), of \(view.changes.map(\.sender.index)), "
        + "proposes \(view.proposals.map(\.slot.number))"
    default: return name
    }
  }

  @Test("four replicas decide a request in three phases")
  func normalCase() {
    var timeline = Self.timeline()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 100)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: pre-prepare v0 n1
        2 ms: 1 -> all: prepare v0 n1
        2 ms: 2 -> all: prepare v0 n1
        2 ms: 3 -> all: prepare v0 n1
        3 ms: 2 -> all: commit v0 n1
        3 ms: 3 -> all: commit v0 n1
        3 ms: 0 -> all: commit v0 n1
        3 ms: 1 -> all: commit v0 n1
        4 ms: 0 executes slot 1, 1 so far
        4 ms: 1 executes slot 1, 1 so far
        4 ms: 2 executes slot 1, 1 so far
        4 ms: 3 executes slot 1, 1 so far
        """)
  }

  @Test("what was prepared under a primary that crashed is proposed again under the next")
  func viewChange() {
    var timeline = Self.timeline()
    timeline.submit(0, to: [0], .fromClient)
    timeline.run(until: 2)
    timeline.crash(0)
    timeline.run(until: 10)
    timeline.submit(1, to: [1, 2, 3], .retransmitted)
    timeline.run(until: 40)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [0]
        1 ms: 0 -> all: pre-prepare v0 n1
        2 ms: 1 -> all: prepare v0 n1
        2 ms: 2 -> all: prepare v0 n1
        2 ms: 3 -> all: prepare v0 n1
        2 ms: 0 crashes
        3 ms: 2 -> all: commit v0 n1
        3 ms: 3 -> all: commit v0 n1
        3 ms: 1 -> all: commit v0 n1
        4 ms: 1 executes slot 1, 1 so far
        4 ms: 2 executes slot 1, 1 so far
        4 ms: 3 executes slot 1, 1 so far
        10 ms: client sends 1 to [1, 2, 3]
        11 ms: 1 -> 0: request 1
        11 ms: 2 -> 0: request 1
        11 ms: 3 -> 0: request 1
        31 ms: 1 times out
        31 ms: 1 -> all: view-change v1, prepared [1]
        31 ms: 2 times out
        31 ms: 2 -> all: view-change v1, prepared [1]
        31 ms: 3 times out
        31 ms: 3 -> all: view-change v1, prepared [1]
        32 ms: 1 -> all: new-view v1, of [1, 2, 3], proposes [1]
        32 ms: 1 -> all: pre-prepare v1 n2
        33 ms: 2 -> all: prepare v1 n1
        33 ms: 2 -> 1: request 1
        33 ms: 3 -> all: prepare v1 n1
        33 ms: 3 -> 1: request 1
        33 ms: 2 -> all: prepare v1 n2
        33 ms: 3 -> all: prepare v1 n2
        34 ms: 3 -> all: commit v1 n1
        34 ms: 1 -> all: commit v1 n1
        34 ms: 2 -> all: commit v1 n1
        34 ms: 3 -> all: commit v1 n2
        34 ms: 1 -> all: commit v1 n2
        34 ms: 2 -> all: commit v1 n2
        35 ms: 2 executes slot 2, 2 so far
        35 ms: 1 executes slot 2, 2 so far
        35 ms: 3 executes slot 2, 2 so far
        """)
  }
}
