import Consensus
import Machines
import Protocols
import Testing

@Suite("Raft, step by step")
struct RaftTimelineTests {
  private static func timeline(_ n: Int) -> ReplicaTimeline<Raft> {
    let committee = Committee(n: n, faults: .crash)
    let settings = raftSettings { $0.heartbeatInterval = .milliseconds(50) }
    return ReplicaTimeline(
      (0..<n).map { Raft(me: ReplicaID($0), committee: committee, settings: settings) }
    ) { message, _ in
      let name = Raft.Message.kinds[message.kind]
      switch message {
      case .preVote(let t, let index, let last), .requestVote(let t, let index, let last):
        return "\(name) t\(t), log \(index) of t\(last)"
      case .preVoteReply(let t, let granted), .requestVoteReply(let t, let granted):
        return "\(name) t\(t), \(granted ? "yes" : "no")"
      case .heartbeat(let t, let index, _, let commit):
        return "\(name) t\(t) after \(index), committed \(commit)"
      case .append(let t, let index, let last, let commit, _):
        return "\(name) t\(t) after \(index) of t\(last), committed \(commit)"
      case .appendReply(let t, let matches, let index, _):
        return "\(name) t\(t), \(matches ? "equal up to" : "look at") \(index)"
      case .appendMany, .installSnapshot: return name
      }
    }
  }

  /// Server 0 draws the shortest timeout. A follower applies an entry when a later message says
  /// that it is committed.
  @Test("a leader is elected after it was assured, and its entry is committed by a majority")
  func election() {
    var timeline = Self.timeline(3)
    timeline.start()
    timeline.run(until: 130)
    timeline.submit(0, to: [0, 1, 2], .retransmitted)
    timeline.run(until: 140)
    #expect(
      timeline.lines.joined(separator: "\n") == """
        107 ms: 0 times out
        107 ms: 0 -> all: pre-vote t1, log 0 of t0
        108 ms: 1 -> 0: pre-vote-reply t1, yes
        108 ms: 2 -> 0: pre-vote-reply t1, yes
        109 ms: 0 -> all: request-vote t1, log 0 of t0
        110 ms: 1 -> 0: request-vote-reply t1, yes
        110 ms: 2 -> 0: request-vote-reply t1, yes
        111 ms: 0 -> 1: append t1 after 0 of t0, committed 0
        111 ms: 0 -> 2: append t1 after 0 of t0, committed 0
        111 ms: 0 -> 1: heartbeat t1 after 1, committed 0
        111 ms: 0 -> 2: heartbeat t1 after 1, committed 0
        112 ms: 1 -> 0: append-reply t1, equal up to 1
        112 ms: 2 -> 0: append-reply t1, equal up to 1
        112 ms: 1 -> 0: append-reply t1, equal up to 1
        112 ms: 2 -> 0: append-reply t1, equal up to 1
        113 ms: 0 executes slot 1, nothing
        130 ms: client sends 0 to [0, 1, 2]
        131 ms: 0 -> 1: append t1 after 1 of t1, committed 1
        131 ms: 0 -> 2: append t1 after 1 of t1, committed 1
        132 ms: 1 executes slot 1, nothing
        132 ms: 1 -> 0: append-reply t1, equal up to 2
        132 ms: 2 executes slot 1, nothing
        132 ms: 2 -> 0: append-reply t1, equal up to 2
        133 ms: 0 executes slot 2, 1 so far
        """)
  }
}
