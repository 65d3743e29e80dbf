import Kernel

/// How large each transaction is: a pure function of run seed, population and number, so that
/// whoever holds the transaction knows its size and nobody stores it.
///
/// A drawn size comes from a stream of its own for each number (a counter-based draw), so sizes do
/// not depend on who asks, in which order or how often.
public struct TransactionSizes: Sendable {
  /// The sizes of one population.
  public enum Size: Sendable, Equatable, BitwiseCopyable {
    /// All transactions have so many bytes, at least 0.
    case fixed(Int)
    /// Drawn in bytes for each transaction and rounded; a draw below 1 counts as 1, a draw above
    /// `atMost` as `atMost`.
    case drawn(Distribution, atMost: Int)
  }

  /// Index: population.
  private let sizes: [Size]
  /// What the draws of each population start from.
  private let keys: [UInt64]

  /// All transactions of population `p` have `fixed[p]` bytes.
  public init(fixed: [Int]) { self.init(fixed.map(Size.fixed), seed: 0) }

  /// - Parameters:
  ///   - sizes: by population.
  ///   - seed: the run's.
  public init(_ sizes: [Size], seed: UInt64) {
    for case .drawn(let distribution, let atMost) in sizes {
      precondition(distribution.problem == nil, "sizes: \(distribution.problem ?? "")")
      precondition(atMost >= 1, "transactions of at most \(atMost) bytes")
    }
    self.sizes = sizes.map {
      guard case .drawn(.constant(let bytes), let atMost) = $0 else { return $0 }
      return .fixed(Self.bytes(bytes, atMost: atMost))
    }
    keys = sizes.indices.map { p in
      var stream = RandomStream(seed: seed, purpose: "transaction sizes", entity: UInt64(p))
      return stream.next()
    }
  }

  /// How many populations number transactions.
  public var populations: Int { sizes.count }

  /// Bytes of one transaction.
  public func bytes(of number: UInt64, population: UInt32) -> Int {
    switch sizes[Int(population)] {
    case .fixed(let each): each
    case .drawn(let distribution, let atMost):
      draw(distribution, atMost, keys[Int(population)], number)
    }
  }

  /// Bytes of all transactions of `range`: O(1) for fixed sizes, else O(count).
  public func bytes(of range: TxRange) -> Int {
    switch sizes[Int(range.population)] {
    case .fixed(let each): return Int(range.count) * each
    case .drawn(let distribution, let atMost):
      let key = keys[Int(range.population)]
      var sum = 0
      for number in range.first..<range.end { sum += draw(distribution, atMost, key, number) }
      return sum
    }
  }

  /// How many of `range`, from the first on, fit in `bytes`: O(1) for fixed sizes, else O(result).
  public func prefix(of range: TxRange, within bytes: Int) -> Int {
    switch sizes[Int(range.population)] {
    case .fixed(let each):
      guard each > 0 else { return Int(range.count) }
      return min(max(bytes, 0) / each, Int(range.count))
    case .drawn(let distribution, let atMost):
      let key = keys[Int(range.population)]
      var room = bytes
      for number in range.first..<range.end {
        room -= draw(distribution, atMost, key, number)
        if room < 0 { return Int(number - range.first) }
      }
      return Int(range.count)
    }
  }

  private func draw(
    _ distribution: Distribution, _ atMost: Int, _ key: UInt64, _ number: UInt64
  ) -> Int {
    var stream = RandomStream(seed: key, purpose: "size", entity: number)
    return Self.bytes(distribution.sample(using: &stream), atMost: atMost)
  }

  private static func bytes(_ sample: Double, atMost: Int) -> Int {
    // Compared as numbers first: a heavy tail may exceed every integer.
    guard sample < Double(atMost) else { return atMost }
    return max(Int(max(sample, 1).rounded()), 1)
  }
}
