import Kernel
import Ledger

/// Requests that were sent and may have to be sent again, by how often they were.
///
/// The wait after try k is 2^(k-1) timeouts, the same for all requests tried k times. So each of
/// the queues, one for each number of tries, is in order of deadline and of transaction number, and
/// the earliest of all stands at the head of one of them.
struct RequestBook: Sendable {
  struct Sent: Sendable, BitwiseCopyable {
    var range: TxRange
    var deadline: SimTime
  }

  /// Index: tries - 1.
  private var queues: [SlidingArray<Sent>] = [SlidingArray()]
  private let timeout: SimDuration
  private static var mostDoublings: Int { 62 }
  /// A hundred years: longer than any run.
  private static var longestWait: Int64 { 3_155_760_000_000_000_000 }

  init(timeout: SimDuration) { self.timeout = timeout }

  /// Enters `range`, sent for the time number `tries` just now.
  mutating func add(_ range: TxRange, tries: Int, at now: SimTime) {
    let doublings = min(tries - 1, Self.mostDoublings)
    if doublings == queues.count { queues.append(SlidingArray()) }
    let (wait, isTooLong) = timeout.nanoseconds.multipliedReportingOverflow(by: 1 << doublings)
    let capped = isTooLong ? Self.longestWait : min(wait, Self.longestWait)
    queues[doublings].append(
      Sent(range: range, deadline: now + SimDuration(nanoseconds: capped)))
  }

  /// `.never` if nothing is open.
  var earliestDeadline: SimTime {
    var earliest = SimTime.never
    for q in queues.indices where !queues[q].isEmpty {
      earliest = min(earliest, queues[q][queues[q].startIndex].deadline)
    }
    return earliest
  }

  /// The lowest number that is not known to be answered; `nil` if all are.
  var firstOpen: UInt64? {
    var first: UInt64?
    for q in queues.indices where !queues[q].isEmpty {
      first = min(first ?? .max, queues[q][queues[q].startIndex].range.first)
    }
    return first
  }

  /// Drops answered requests from the heads of the queues.
  mutating func dropAnswered(_ answered: TxSet) {
    for q in queues.indices {
      while !queues[q].isEmpty, answered.contains(queues[q][queues[q].startIndex].range) {
        _ = queues[q].popFirst()
      }
    }
  }

  /// Takes out a request whose deadline is not after `now`, with the number of its tries.
  mutating func popOverdue(at now: SimTime) -> (range: TxRange, tries: Int)? {
    for q in queues.indices where !queues[q].isEmpty {
      guard queues[q][queues[q].startIndex].deadline <= now, let sent = queues[q].popFirst() else {
        continue
      }
      return (sent.range, q + 1)
    }
    return nil
  }
}
