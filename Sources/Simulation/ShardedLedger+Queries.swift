import Kernel
import Sharding

// MARK: - Clients that have heard nothing ask

extension ShardedLedgerState {
  /// Member `m` is asked what came of a part.
  mutating func upon(query event: Event, at m: Int, _ world: inout World) {
    let part = Int(event.payload.a)
    let news = news[part]
    guard news.slot > 0, Int(news.slot) <= members[m].position else { return }
    let last = news.last
    let kind = UInt64(last.operation.kind.rawValue)
    let verdict = UInt64(last.verdict.rawValue)
    let state = UInt64(last.state.rawValue)
    transmit(
      .answer, .init(UInt64(part), kind << 16 | verdict << 8 | state),
      bytes: settings.sizes.header + settings.sizes.proof + settings.sizes.receipt,
      from: hostCount + m, to: Int(event.payload.b), &world)
  }

  mutating func upon(answer event: Event, at h: Int, _ world: inout World) {
    let bits = event.payload.b
    guard let kind = Operation.Kind(rawValue: UInt8(bits >> 16 & 255)),
      let verdict = Verdict(rawValue: UInt8(bits >> 8 & 255)),
      let state = Part.State(rawValue: UInt8(bits & 255))
    else { preconditionFailure("an answer that nobody gives") }
    let operation = Operation(kind, part: Int(event.payload.a))
    upon(.init(operation: operation, verdict: verdict, state: state), at: h, &world)
    closeAnswered(h)
  }
}
