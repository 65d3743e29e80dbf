import Kernel

/// How large each transaction is: a pure function of its number, so that whoever holds the
/// transaction knows its size and nobody stores it.
public struct TransactionSizes: Sendable {
  /// Bytes of every transaction, by population, where all are equal.
  var fixed: [Int]

  /// All transactions of population `p` have `fixed[p]` bytes.
  public init(fixed: [Int]) { self.fixed = fixed }

  /// How many populations number transactions.
  public var populations: Int { fixed.count }

  public func bytes(of range: TxRange) -> Int {
    Int(range.count) * fixed[Int(range.population)]
  }

  /// How many of `range`, from the first on, fit in `bytes`.
  public func prefix(of range: TxRange, within bytes: Int) -> Int {
    let each = fixed[Int(range.population)]
    guard each > 0 else { return Int(range.count) }
    return min(max(bytes, 0) / each, Int(range.count))
  }
}
