/// Who keeps and samples which columns of extended data: PeerDAS (EIP-7594; consensus-specs,
/// fulu/das-core.md and validator.md).
///
/// Blobs are rows, extended to twice their length; a column is a cell of every row. A node keeps
/// `custody` columns and accepts a block if it gets all of the at least `samples` columns that its
/// identity names. Half of the columns restore the rest.
public struct ColumnSampling: Sendable, Equatable {
  /// NUMBER_OF_COLUMNS; one column is one custody group.
  public let columns: Int
  /// SAMPLES_PER_SLOT.
  public let samples: Int
  /// CUSTODY_REQUIREMENT.
  public let custody: Int
  /// VALIDATOR_CUSTODY_REQUIREMENT: of a node with validators.
  public let validatorCustody: Int

  public init(columns: Int, samples: Int, custody: Int, validatorCustody: Int) {
    precondition(columns >= 2 && columns % 2 == 0 && columns <= 65_536, "\(columns) columns")
    let counts = [samples, custody, validatorCustody]
    precondition(counts.allSatisfy { $0 >= 1 && $0 <= columns }, "\(counts) of \(columns)")
    (self.columns, self.samples) = (columns, samples)
    (self.custody, self.validatorCustody) = (custody, validatorCustody)
  }

  /// The code of a row.
  public var code: ReedSolomon { ReedSolomon(data: columns / 2, total: columns) }

  /// Columns that a node with validators keeps: one for each 32 ETH, within its bounds.
  /// - Parameter balance: effective, of all its validators, in ETH.
  public func custody(balance: Int) -> Int { min(columns, max(validatorCustody, balance / 32)) }

  /// Columns that a node fetches which keeps `custody` of them.
  public func sampled(custody: Int) -> Int { min(columns, max(samples, custody)) }

  /// What a node fetches of the data, over the data before extension.
  public func downloadShare(custody: Int) -> Double {
    2 * Double(sampled(custody: custody)) / Double(columns)
  }

  /// The first `count` columns that an identity names, in order of their indices: hashes of the
  /// identity and its successors until enough different ones have come. A larger count extends it.
  public func columns(of identity: UInt64, count: Int) -> [Int] {
    precondition(count >= 0 && count <= columns, "\(count) of \(columns) columns")
    if count == columns { return Array(0..<columns) }
    var chosen: [Int] = []
    var current = identity
    while chosen.count < count {
      let column = Int(Self.hashed(current) % UInt64(columns))
      if !chosen.contains(column) { chosen.append(column) }
      current &+= 1
    }
    return chosen.sorted()
  }

  /// Stands for SHA-256: the finaliser of SplitMix64, of a value far from small numbers.
  private static func hashed(_ x: UInt64) -> UInt64 {
    var z = (x ^ 0x5851_F42D_4C95_7F2D) &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Whether a node that keeps `custody` columns gets all that it samples.
  /// - Parameter available: by column.
  public func accepts(_ identity: UInt64, custody: Int, available: [Bool]) -> Bool {
    columns(of: identity, count: sampled(custody: custody)).allSatisfy { available[$0] }
  }

  /// Whether the columns that are left restore all.
  public func canReconstruct(available: [Bool]) -> Bool {
    available.count { $0 } >= columns / 2
  }
}
