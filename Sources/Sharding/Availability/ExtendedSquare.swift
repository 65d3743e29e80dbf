/// Data extended along rows and columns: k x k cells become 2k x 2k, each row and each column a
/// code word. Al-Bassam, Sonnino and Buterin, "Fraud and Data Availability Proofs", 2018; planned
/// for Danksharding.
///
/// A line with half of its cells restores the others, which help the lines across. Whoever wants to
/// withhold data for good has to withhold (k + 1) x (k + 1) cells: a quarter, not a half, but a
/// small node can restore a line without fetching the square.
public struct ExtendedSquare: Sendable, Equatable {
  /// Cells of a line before extension, k: 1 ... 32,768.
  public let width: Int
  private let code: ReedSolomon

  public init(width: Int) {
    precondition(width >= 1 && width <= 32_768, "a square of \(width)")
    self.width = width
    code = ReedSolomon(data: width, total: 2 * width)
  }

  /// Cells of a line after extension.
  public var side: Int { 2 * width }

  /// The fewest cells that make the square irrecoverable if they are withheld.
  public var leastWithheld: Int { (width + 1) * (width + 1) }

  /// All cells, row by row.
  /// - Parameter cells: k x k words, row by row.
  public func extended(_ cells: [UInt16]) -> [UInt16] {
    precondition(cells.count == width * width, "\(cells.count) cells")
    // A row is extended as columns of one word, the rows then as whole columns.
    let rows = (0..<width).map { row in
      code.extended((0..<width).map { [cells[row * width + $0]] }).map { $0[0] }
    }
    return Array(code.extended(rows).joined())
  }

  /// All cells from those that are left, `nil` if some cannot be restored.
  /// - Parameter cells: row by row.
  public func reconstructed(_ cells: [UInt16?]) -> [UInt16]? {
    precondition(cells.count == side * side, "\(cells.count) cells")
    var cells = cells
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for line in 0..<2 * side {
        // Rows first, then columns.
        let indices = (0..<side).map { line < side ? line * side + $0 : $0 * side + line - side }
        guard indices.contains(where: { cells[$0] == nil }),
          let restored = code.reconstructed(indices.map { cells[$0].map { [$0] } })
        else { continue }
        for (index, column) in zip(indices, restored) { cells[index] = column[0] }
        hasChanged = true
      }
    }
    let complete = cells.compactMap { $0 }
    return complete.count == cells.count ? complete : nil
  }
}
