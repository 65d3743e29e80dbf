import Consensus
import Kernel
import Ledger
import Metrics

/// The roles that act on what a chain decides, each on the node of one replica: those of a shard's
/// members. They learn from their own replica, without a message.
public struct Executor: Sendable, Equatable {
  public var subsystem: UInt16
  /// The role beside replica 0; the others follow in order.
  public var firstRole: Int

  public init(subsystem: UInt16, firstRole: Int) {
    self.subsystem = subsystem
    self.firstRole = firstRole
  }

  func event(slot: Slot, role: Int, proposer: ReplicaID, at time: SimTime) -> Event {
    Event(
      at: time, subsystem: subsystem, kind: Boundary.executed, target: UInt32(firstRole + role),
      payload: .init(UInt64(slot.number), UInt64(proposer.index)))
  }
}

/// What a chain has executed, slot by slot. A state machine gives the same answer wherever it
/// runs, so that it is run once and each member looks as far as its own replica has come.
struct ExecutionLog: Sendable {
  /// First range of each slot, by slot; slot 0 is before the first.
  private var starts = SlidingArray<Int>()
  private var keys = SlidingArray<Digest>()
  private var ranges = SlidingArray<TxRange>()

  init() {
    starts.append(0)
    keys.append(Digest(0))
  }

  /// One past the last slot that was executed.
  var endIndex: Int { starts.endIndex }

  /// Notes slot `slot` if it is the next one; false if another content stands there.
  mutating func execute(
    _ slot: Int, _ key: Digest, _ parts: Int, _ part: (Int) -> TxRange
  ) -> Bool {
    guard slot == endIndex else { return !keys.contains(slot) || keys[slot] == key }
    starts.append(ranges.endIndex)
    keys.append(key)
    for k in 0..<parts { ranges.append(part(k)) }
    return true
  }

  func parts(of slot: Int) -> Range<Int> {
    starts[slot]..<(slot + 1 < endIndex ? starts[slot + 1] : ranges.endIndex)
  }

  func part(_ k: Int) -> TxRange { ranges[k] }
}

extension World {
  /// Notes what chain `index` has executed in `slot`, if nobody did before.
  mutating func execute(
    _ slot: Int, of index: UInt16, key: Digest, parts: Int, part: (Int) -> TxRange
  ) -> AgreementMonitor.Finding? {
    guard !executions[Int(index)].execute(slot, key, parts, part) else { return nil }
    return AgreementMonitor.Finding(
      monitor: "agreement", detail: "slot \(slot) was acted on with another content")
  }
}
