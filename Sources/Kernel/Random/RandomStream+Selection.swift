/// Orders and subsets.
extension RandomStream {
  /// Puts the elements in a uniformly random order (Fisher & Yates; Durstenfeld, CACM 7(7), 1964).
  @inlinable
  public mutating func shuffle<T>(_ array: inout [T]) {
    var i = array.count - 1
    while i > 0 {
      array.swapAt(i, Int(truncatingIfNeeded: below(UInt64(i + 1))))
      i -= 1
    }
  }

  /// Draws `count` distinct numbers out of 0 ..< population; every ordered selection is equally
  /// likely.
  ///
  /// Expected O(count) for sparse selections, else O(population). Allocates nothing for up to 32
  /// out of at least 16 times as many, if `chosen` has the capacity.
  /// - Parameters:
  ///   - count: 0 ... population.
  ///   - chosen: is emptied, then receives the numbers.
  public mutating func sample(_ count: Int, of population: Int, into chosen: inout [Int]) {
    precondition(count >= 0 && count <= population, "\(count) out of \(population)")
    chosen.removeAll(keepingCapacity: true)
    if count > population / 16 {
      chosen.append(contentsOf: 0..<population)
      for i in 0..<count { chosen.swapAt(i, range(i..<population)) }
      chosen.removeLast(population - count)
    } else if count <= 32 {
      while chosen.count < count {
        let candidate = range(0..<population)
        if !chosen.contains(candidate) { chosen.append(candidate) }
      }
    } else {
      var seen = Set<Int>(minimumCapacity: count)  // asked for membership only, never for order
      while chosen.count < count {
        let candidate = range(0..<population)
        if seen.insert(candidate).inserted { chosen.append(candidate) }
      }
    }
  }

  /// As `sample(_:of:into:)`, into a new array.
  public mutating func sample(_ count: Int, of population: Int) -> [Int] {
    var chosen: [Int] = []
    sample(count, of: population, into: &chosen)
    return chosen
  }
}
