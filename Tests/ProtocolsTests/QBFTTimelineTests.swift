import Consensus
import Kernel
import Machines
import Protocols
import Testing

@Suite("QBFT and IBFT 2.0, step by step")
struct QBFTTimelineTests {
  private static func timeline<R: IstanbulRules>(_ rules: R.Type)
    -> ReplicaTimeline<Istanbul<R>>
  {
    var settings = IstanbulRun<R>.plainSettings
    settings.blockPeriod = .milliseconds(20)
    settings.requestTimeout = .milliseconds(30)
    let committee = Committee(n: 4)
    return ReplicaTimeline(
      (0..<4).map { Istanbul<R>(me: ReplicaID($0), committee: committee, settings: settings) }
    ) { message, effects in
      let name = IstanbulMessage.kinds[message.kind]
      switch message {
      case .prePrepare(let block, let r): return "\(name) h\(block.height.number) r\(r.number)"
      case .prepare(let h, let r, _), .commit(let h, let r, _):
        return "\(name) h\(h.number) r\(r.number)"
      case .roundChange(let h, let r, let body):
        guard case .roundChange(let change) = effects.body(body) else { return name }
        let what = change.prepared == nil ? "nothing" : "r\(change.preparedRound.number)"
        return "\(name) h\(h.number) r\(r.number), prepared \(what)"
      case .justified(let h, let r, let body):
        guard case .proposal(let proposal) = effects.body(body) else { return name }
        return "\(name) h\(h.number) r\(r.number), of \(proposal.changes.map(\.sender.index)), "
          + "block of \(proposal.block.creator)"
      default: return name
      }
    }
  }

  @Test("four replicas of QBFT decide a block in three phases when its period is over")
  func normalCase() {
    var timeline = Self.timeline(QBFTRules.self)
    timeline.start()
    timeline.submit(0, to: [2], .fromClient)
    timeline.run(until: 24)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: client sends 0 to [2]
        1 ms: 2 -> all: transactions
        20 ms: 0 times out
        20 ms: 0 -> all: pre-prepare h1 r0
        20 ms: 0 -> all: prepare h1 r0
        20 ms: 1 times out
        20 ms: 2 times out
        20 ms: 3 times out
        21 ms: 1 -> all: prepare h1 r0
        21 ms: 2 -> all: prepare h1 r0
        21 ms: 3 -> all: prepare h1 r0
        22 ms: 2 -> all: commit h1 r0
        22 ms: 3 -> all: commit h1 r0
        22 ms: 0 -> all: commit h1 r0
        22 ms: 1 -> all: commit h1 r0
        23 ms: 0 executes slot 1, 1 so far
        23 ms: 1 executes slot 1, 1 so far
        23 ms: 2 executes slot 1, 1 so far
        23 ms: 3 executes slot 1, 1 so far
        """)
  }

  @Test("where its proposer is down, the next one's block needs a quorum of round changes")
  func roundChange() {
    var timeline = Self.timeline(IBFT2Rules.self)
    timeline.start()
    timeline.crash(0)
    timeline.run(until: 35)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        0 ms: 0 crashes
        20 ms: 1 times out
        20 ms: 2 times out
        20 ms: 3 times out
        30 ms: 1 times out
        30 ms: 1 -> all: round-change h1 r1, prepared nothing
        30 ms: 2 times out
        30 ms: 2 -> all: round-change h1 r1, prepared nothing
        30 ms: 3 times out
        30 ms: 3 -> all: round-change h1 r1, prepared nothing
        31 ms: 1 -> all: justified-pre-prepare h1 r1, of [1, 2, 3], block of 1
        32 ms: 2 -> all: prepare h1 r1
        32 ms: 3 -> all: prepare h1 r1
        33 ms: 3 -> all: commit h1 r1
        33 ms: 1 -> all: commit h1 r1
        33 ms: 2 -> all: commit h1 r1
        34 ms: 2 executes slot 1, 0 so far
        34 ms: 1 executes slot 1, 0 so far
        34 ms: 3 executes slot 1, 0 so far
        """)
  }
}
