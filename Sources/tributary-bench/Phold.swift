import Kernel

/// PHOLD (Fujimoto, 1990), the usual load of event queues: each popped event schedules one at a
/// random logical process, 100 us + Exp(900 us) later, so that the number pending stays.
enum Phold {
  static let bench = Bench(name: "phold") { report in
    // (events pending, nanoseconds that an event may take)
    for (pending, target) in [(1_000, 65.0), (100_000, 85), (1_000_000, 95)] {
      let events = 4_000_000
      let seconds = hold(pending: pending, events: events)
      report(
        Row(
          bench: "phold", what: "\(pending) pending, 1024 processes", seconds: seconds,
          count: events, unit: "events", target: target))
    }
  }

  /// User CPU seconds of the fastest of five stretches of `events` events, after a first one that
  /// warms the queue up.
  private static func hold(pending: Int, events: Int) -> Double {
    var queue = EventQueue()
    var stream = RandomStream(seed: 1, purpose: "phold")
    var handled = [UInt64](repeating: 0, count: 1024)
    for _ in 0..<pending { schedule(&queue, &stream) }
    stretch(events, &queue, &stream, &handled)
    var best = Double.infinity
    for _ in 0..<5 {
      let start = Usage.userSeconds
      stretch(events, &queue, &stream, &handled)
      best = min(best, Usage.userSeconds - start)
    }
    keep(Double(handled.reduce(0, &+)))
    return best
  }

  @inline(never)
  private static func stretch(
    _ events: Int, _ queue: inout EventQueue, _ stream: inout RandomStream,
    _ handled: inout [UInt64]
  ) {
    for _ in 0..<events {
      guard let event = queue.pop() else { preconditionFailure("the queue ran empty") }
      handled[Int(event.target)] &+= event.payload.a
      schedule(&queue, &stream)
    }
  }

  @inline(__always)
  private static func schedule(_ queue: inout EventQueue, _ stream: inout RandomStream) {
    let delay = 100_000 + Int64(900_000 * stream.exponential())
    queue.push(
      Event(
        at: queue.now + SimDuration(nanoseconds: delay), subsystem: 1, kind: 0,
        target: UInt32(truncatingIfNeeded: stream.next() & 1023), payload: .init(1)))
  }
}
