/// Makes a failing list as short as it can by leaving parts out: delta debugging (Zeller and
/// Hildebrandt, IEEE TSE 28(2), 2002), then one element at a time.
///
/// - Parameter fails: whether what is left still fails. Called at most about n² times, mostly n
/// log n.
/// - Returns: a list of which no single element can be left out; the order is kept.
public func shrunk<Element>(_ whole: [Element], fails: ([Element]) -> Bool) -> [Element] {
  var current = whole
  var parts = 2
  while current.count >= 2 {
    let size = (current.count + parts - 1) / parts
    var hasShrunk = false
    var start = 0
    while start < current.count {
      let end = min(start + size, current.count)
      let rest = Array(current[..<start] + current[end...])
      if fails(rest) {
        current = rest
        hasShrunk = true
        parts = max(parts - 1, 2)
        break
      }
      start = end
    }
    if hasShrunk { continue }
    guard size > 1 else { break }
    parts = min(parts * 2, current.count)
  }
  if current.count == 1, fails([]) { current = [] }
  return current
}
