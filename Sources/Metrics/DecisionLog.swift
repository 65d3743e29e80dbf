import Kernel

/// When one chain decided, and how much.
public struct DecisionLog: Sendable {
  public struct Entry: Sendable, BitwiseCopyable {
    public var time: SimTime
    /// Distinct transactions decided.
    public var transactions: Int32
    /// Time since the proposal was made.
    public var age: SimDuration
    /// Role that proposed it, -1 if nobody knows.
    var proposerIndex: Int32

    /// Role that proposed it, where that is known.
    public var proposer: Int? { proposerIndex < 0 ? nil : Int(proposerIndex) }
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  public mutating func reserve(_ decisions: Int) { entries.reserveCapacity(decisions) }

  public mutating func decide(
    at time: SimTime, transactions: Int, proposed: SimTime, by proposer: Int? = nil
  ) {
    entries.append(
      Entry(
        time: time, transactions: Int32(transactions), age: time - proposed,
        proposerIndex: Int32(proposer ?? -1)))
  }
}
