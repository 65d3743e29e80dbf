/// Suggestions for misspelt names.

/// The candidate nearest to `name`, or nil if none is near enough to be a plausible misspelling.
///
/// Distance is Damerau–Levenshtein (optimal string alignment), blind to case and to `-` against
/// `_`; up to one edit in three characters counts as near. The first of equals wins.
///
/// - Complexity: O(candidates · length²); longer names than 64 characters are not compared.
public func nearestName(to name: String, among candidates: [String]) -> String? {
  let written = folded(name)
  guard !written.isEmpty, written.count <= 64 else { return nil }
  var best: (distance: Int, name: String)?
  for candidate in candidates {
    let target = folded(candidate)
    let limit = max(1, max(written.count, target.count) / 3)
    guard abs(target.count - written.count) <= limit, target.count <= 64 else { continue }
    let distance = editDistance(written, target)
    // A name of one letter is near to everything; only its other case is meant.
    guard distance <= limit, distance < max(written.count, target.count) else { continue }
    if distance < (best?.distance ?? .max) { best = (distance, candidate) }
  }
  return best?.name
}

/// The number of insertions, deletions, substitutions and swaps of neighbours from `a` to `b`.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i] + [Int](repeating: 0, count: b.count)
    for j in 1...b.count {
      let substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      row[j] = min(substitution, last[j] + 1, row[j - 1] + 1)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        row[j] = min(row[j], beforeLast[j - 2] + 1)
      }
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}

private func folded(_ name: String) -> [Character] {
  name.lowercased().map { $0 == "_" ? "-" : $0 }
}
