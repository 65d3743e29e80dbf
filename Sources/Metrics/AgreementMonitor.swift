import Kernel
import Ledger

/// Watches the decisions of a replicated log: agreement, order, validity and exactly-once.
///
/// It keeps its own account of what should have been executed, from the batches alone, so that a
/// replica's book-keeping is checked and not believed.
public struct AgreementMonitor: Sendable {
  /// What the first replica to decide a slot decided there.
  struct Canonical: Sendable, BitwiseCopyable {
    var batch: Digest
    var state: Digest
    /// Distinct transactions executed up to here.
    var transactions: Int
    /// Replicas that have executed the slot.
    var executions: Int32
  }

  /// Index 0: the state before slot 1.
  private var log: [Canonical]
  private var executed: TxSet
  /// Last slot executed, by replica.
  public private(set) var position: [Int]
  /// Last slot whose execution was counted, by replica: one that lost its state executes again.
  private var counted: [Int]

  public init(replicas: Int, populations: Int) {
    log = [
      Canonical(batch: Digest(0), state: Digest(0), transactions: 0, executions: Int32(replicas))
    ]
    executed = TxSet(populations: populations)
    position = Array(repeating: 0, count: replicas)
    counted = position
  }

  public mutating func reserve(_ slots: Int) { log.reserveCapacity(slots) }

  /// What a monitor has to say of a decision.
  public struct Finding: Sendable, Equatable {
    public var monitor: String
    public var detail: String

    public init(monitor: String, detail: String) {
      self.monitor = monitor
      self.detail = detail
    }
  }

  /// Number of slots decided by any replica.
  public var slots: Int { log.count - 1 }
  /// Distinct transactions in slot `slot` that no earlier slot held.
  public func transactions(in slot: Int) -> Int {
    log[slot].transactions - log[slot - 1].transactions
  }

  /// Notes that `replica` executed `batch` at `slot` and has now the given state.
  ///
  /// - Parameters:
  ///   - ranges: the batch's transactions, read from the arena.
  ///   - submitted: how many transactions each population has submitted.
  /// - Returns: how many replicas have executed the slot now, 0 if this one had before, and what
  ///   was wrong.
  public mutating func decide(
    replica: Int, slot: Int, batch: Digest, ranges: Int, range: (Int) -> TxRange,
    state: Digest, transactions: Int, submitted: (Int) -> Int
  ) -> (executions: Int, finding: Finding?) {
    var finding: Finding?
    if slot != position[replica] + 1 {
      finding = Finding(
        monitor: "order",
        detail: "replica \(replica) executed slot \(slot) after slot \(position[replica])")
    }
    position[replica] = slot
    if slot == log.count {
      finding = finding ?? extend(batch, ranges, range, state, submitted)
    }
    guard slot < log.count else {
      return (0, finding ?? Finding(monitor: "order", detail: "slot \(slot) before its turn"))
    }
    if log[slot].batch != batch || log[slot].state != state {
      finding = Finding(
        monitor: "agreement",
        detail: "replica \(replica) decided another batch than the first to decide slot \(slot)")
    } else if log[slot].transactions != transactions {
      finding = Finding(
        monitor: "double-execution",
        detail: "replica \(replica) has executed \(transactions) transactions up to slot \(slot), "
          + "of \(log[slot].transactions) distinct ones")
    }
    guard slot > counted[replica] else { return (0, finding) }
    counted[replica] = slot
    log[slot].executions += 1
    return (Int(log[slot].executions), finding)
  }

  private mutating func extend(
    _ batch: Digest, _ ranges: Int, _ range: (Int) -> TxRange, _ state: Digest,
    _ submitted: (Int) -> Int
  ) -> Finding? {
    var fresh = 0
    var finding: Finding?
    for i in 0..<ranges {
      let r = range(i)
      fresh += executed.insert(r)
      if r.end > submitted(Int(r.population)) {
        finding = Finding(
          monitor: "validity",
          detail: "slot \(log.count) holds transaction \(r.end - 1), which nobody submitted")
      }
    }
    log.append(
      Canonical(
        batch: batch, state: state, transactions: log[log.count - 1].transactions + fresh,
        executions: 0))
    return finding
  }

  /// Notes that `replica` took over the state after `slot` from others.
  public mutating func catchUp(
    replica: Int, slot: Int, state: Digest, transactions: Int, executed: (Int, Int) -> Void
  ) -> Finding? {
    guard slot < log.count, log[slot].state == state, log[slot].transactions == transactions
    else {
      return Finding(
        monitor: "agreement",
        detail: "replica \(replica) took over a state at slot \(slot) that no log leads to")
    }
    for n in stride(from: counted[replica] + 1, through: slot, by: 1) {
      log[n].executions += 1
      executed(n, Int(log[n].executions))
    }
    position[replica] = max(position[replica], slot)
    counted[replica] = max(counted[replica], slot)
    return nil
  }

  /// Notes where a Byzantine replica says that it is; what it decides binds nobody.
  public mutating func overlook(replica: Int, at slot: Int) { position[replica] = slot }

  /// Notes that `replica` has lost its state and begins before slot 1.
  public mutating func loseState(of replica: Int) { position[replica] = 0 }
}
