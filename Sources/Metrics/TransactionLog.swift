import Kernel
import Ledger

/// When each transaction of one population passed each phase: what latency is computed from.
///
/// It is the observer's book, outside the simulated world: no node reads it.
public struct TransactionLog: Sendable {
  /// The phases, each ending where the next begins.
  public enum Phase: Int, CaseIterable, Sendable {
    /// The first replica has it in its mempool.
    case ingested
    /// It stands in a proposal or block for the first time.
    case included
    /// A quorum of replicas has executed it, or enough nodes have it deep enough.
    case decided
    /// The client knows: it holds a reply quorum, or its node has it deep enough.
    case final
  }

  /// Submission times, by number.
  public private(set) var submitted: [SimTime] = []
  /// Times by phase and number; `.never` until passed.
  private var passed = InlineArray<4, [SimTime]>(repeating: [])
  private var passedCount = [Int](repeating: 0, count: Phase.allCases.count)
  /// Transactions that the clients sent again after their timeout.
  public var retried = 0
  /// Transactions that their client will not send again, though it has no reply.
  public var abandoned = 0

  public init() {}

  /// Makes room, so that a run in steady state does not allocate.
  public mutating func reserve(_ transactions: Int) {
    submitted.reserveCapacity(transactions)
    for phase in passed.indices { passed[phase].reserveCapacity(transactions) }
  }

  /// Number of transactions submitted.
  public var count: Int { submitted.count }

  /// Transactions that have passed `phase`.
  public func count(_ phase: Phase) -> Int { passedCount[phase.rawValue] }

  /// Notes the submission of the next transaction.
  public mutating func submit(at time: SimTime) {
    submitted.append(time)
    for phase in passed.indices { passed[phase].append(.never) }
  }

  /// Notes that `range` passed `phase` at `time`; of several times the earliest counts.
  /// Returns how many passed now.
  @discardableResult
  public mutating func pass(_ phase: Phase, _ range: TxRange, at time: SimTime) -> Int {
    var fresh = 0
    let numbers = Int(range.first)..<Int(range.end)
    precondition(numbers.upperBound <= count, "transaction \(range.end - 1) of \(count)")
    passed[phase.rawValue].withUnsafeMutableBufferPointer { times in
      for i in numbers where time < times[i] {
        // A step may be noted ahead of its time: the earliest counts, whenever it is noted.
        if times[i] == .never { fresh += 1 }
        times[i] = time
      }
    }
    passedCount[phase.rawValue] += fresh
    return fresh
  }

  /// Takes back the decision on `range`: the block that held it was reverted.
  public mutating func revert(_ phase: Phase, _ range: TxRange) {
    for i in Int(range.first)..<Int(range.end) where passed[phase.rawValue][i] != .never {
      passed[phase.rawValue][i] = .never
      passedCount[phase.rawValue] -= 1
    }
  }

  /// When transaction `number` passed `phase`; `.never` if it has not.
  public func time(_ phase: Phase, of number: Int) -> SimTime { passed[phase.rawValue][number] }
}
