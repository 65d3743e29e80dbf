/// A Reed-Solomon code for erasures (Reed and Solomon 1960): `data` columns are the values of a
/// polynomial of lower degree than their number at 0, 1, ..., and the others its values further on.
/// Any `data` of all columns determine it, so any of the others can be lost.
///
/// Symbols are words of 16 bits, a column is any number of them. Missing columns are known to be
/// missing; wrong ones are the business of commitments and proofs, which are costs in this model.
public struct ReedSolomon: Sendable, Equatable {
  /// Columns that carry the data, k.
  public let data: Int
  /// Columns in all, n.
  public let total: Int

  /// - Parameters:
  ///   - data: at least 1.
  ///   - total: `data` ... 65,536.
  public init(data: Int, total: Int) {
    precondition(data >= 1 && data <= total && total <= 65_536, "\(data) of \(total) columns")
    (self.data, self.total) = (data, total)
  }

  /// All columns of a code word.
  /// - Parameter columns: the data, of equal length.
  /// - Complexity: O(k (n - k)) products for each word of a column.
  public func extended(_ columns: [[UInt16]]) -> [[UInt16]] {
    precondition(columns.count == data, "\(columns.count) columns instead of \(data)")
    return columns + values(at: Array(data..<total), from: Array(0..<data), columns)
  }

  /// All columns from those that are left, `nil` if fewer than `data` are.
  /// - Parameter columns: by index, those present of equal length.
  public func reconstructed(_ columns: [[UInt16]?]) -> [[UInt16]]? {
    precondition(columns.count == total, "\(columns.count) columns instead of \(total)")
    let present = columns.indices.filter { columns[$0] != nil }
    guard present.count >= data else { return nil }
    let chosen = Array(present.prefix(data))
    let missing = columns.indices.filter { columns[$0] == nil }
    let restored = values(at: missing, from: chosen, chosen.compactMap { columns[$0] })
    var result = columns.map { $0 ?? [] }
    for (index, column) in zip(missing, restored) { result[index] = column }
    return result
  }

  /// Lagrange's interpolation: the columns at `targets` from those at `points`.
  private func values(
    at targets: [Int], from points: [Int], _ columns: [[UInt16]]
  ) -> [[UInt16]] {
    let width = columns[0].count
    precondition(columns.allSatisfy { $0.count == width }, "columns of unequal length")
    // Of the basis polynomial of each point: the product of its distances to the others.
    let denominators = points.map { x in
      points.reduce(UInt16(1)) { $1 == x ? $0 : BinaryField.product($0, UInt16(x ^ $1)) }
    }
    return targets.map { t in
      let all = points.reduce(UInt16(1)) { BinaryField.product($0, UInt16(t ^ $1)) }
      var column = [UInt16](repeating: 0, count: width)
      for (i, x) in points.enumerated() {
        let below = BinaryField.product(UInt16(t ^ x), denominators[i])
        BinaryField.add(BinaryField.quotient(all, below), times: columns[i], to: &column)
      }
      return column
    }
  }

  /// Bytes as columns of equal length, filled up with zeros.
  public func split(_ bytes: [UInt8]) -> [[UInt16]] {
    let width = max(1, (bytes.count + 2 * data - 1) / (2 * data))
    return (0..<data).map { column in
      (0..<width).map { word in
        let at = 2 * (column * width + word)
        let low = at < bytes.count ? UInt16(bytes[at]) : 0
        let high = at + 1 < bytes.count ? UInt16(bytes[at + 1]) : 0
        return low | high << 8
      }
    }
  }

  /// The first `count` bytes of the data columns: the inverse of `split`.
  public func joined(_ columns: [[UInt16]], count: Int) -> [UInt8] {
    let words = columns.prefix(data).joined()
    return Array(words.lazy.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }.prefix(count))
  }
}
