/// An array whose elements keep their index while the oldest are dropped.
///
/// Appends and drops are amortised O(1); once its window has reached its largest size it never
/// allocates again. Elements are trivial, so that dropping them is free.
public struct SlidingArray<Element: BitwiseCopyable & Sendable>: Sendable {
  private var storage: [Element] = []
  /// Index of `storage[0]`.
  private var base = 0
  /// Index of the oldest element that is kept.
  public private(set) var startIndex = 0

  public init() {}

  /// An empty array whose first element will have index `index`.
  public init(startingAt index: Int) {
    base = index
    startIndex = index
  }

  /// One past the newest index.
  public var endIndex: Int { base + storage.count }
  public var count: Int { endIndex - startIndex }
  public var isEmpty: Bool { count == 0 }

  /// - Precondition: `startIndex <= i < endIndex`.
  public subscript(i: Int) -> Element {
    get {
      precondition(i >= startIndex, "element \(i) was dropped, \(startIndex) is the oldest")
      return storage[i - base]
    }
    set {
      precondition(i >= startIndex, "element \(i) was dropped, \(startIndex) is the oldest")
      storage[i - base] = newValue
    }
  }

  public func contains(_ i: Int) -> Bool { i >= startIndex && i < endIndex }

  /// Appends and returns the index of the new element.
  @discardableResult
  public mutating func append(_ element: Element) -> Int {
    if storage.count == storage.capacity, startIndex - base >= storage.count / 2 { compact() }
    storage.append(element)
    return endIndex - 1
  }

  /// Drops all elements before `i`.
  public mutating func dropFirst(before i: Int) {
    startIndex = max(startIndex, min(i, endIndex))
  }

  /// Removes the element at `i` and all newer ones.
  ///
  /// - Precondition: `startIndex <= i <= endIndex`.
  public mutating func removeLast(from i: Int) {
    precondition(i >= startIndex && i <= endIndex, "elements from \(i) on of \(endIndex)")
    storage.removeLast(endIndex - i)
  }

  /// Removes and returns the oldest element.
  public mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    defer { startIndex += 1 }
    return storage[startIndex - base]
  }

  /// Drops everything; indices go on from where they are.
  public mutating func removeAll() { dropFirst(before: endIndex) }

  public mutating func reserveCapacity(_ n: Int) { storage.reserveCapacity(n) }

  private mutating func compact() {
    let dropped = startIndex - base
    let kept = storage.count - dropped
    for i in 0..<kept { storage[i] = storage[i + dropped] }
    storage.removeLast(dropped)
    base = startIndex
  }
}
