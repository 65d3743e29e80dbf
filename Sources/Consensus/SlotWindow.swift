/// The part of the log between the low and the high water mark: slots h + 1 ... h + L.
///
/// A ring: moving the low water mark clears the entries that fall out, for the slots that come in.
public struct SlotWindow<Entry: Sendable>: Sendable {
  private var entries: [Entry]
  private let blank: Entry
  /// The low water mark h; itself outside the window.
  public private(set) var low: Slot

  /// - Parameters:
  ///   - size: L, at least 1.
  ///   - blank: what a slot holds before anything is known of it.
  public init(size: Int, blank: Entry) {
    precondition(size >= 1, "a window of \(size) slots")
    entries = Array(repeating: blank, count: size)
    self.blank = blank
    low = Slot(0)
  }

  public var size: Int { entries.count }
  /// The high water mark, the last slot inside.
  public var high: Slot { Slot(low.number + UInt32(entries.count)) }

  public func contains(_ n: Slot) -> Bool { n > low && n.number - low.number <= entries.count }

  /// - Precondition: `contains(n)`.
  public subscript(n: Slot) -> Entry {
    _read {
      precondition(contains(n), "slot \(n.number) outside \(low.number)+\(entries.count)")
      yield entries[Int(n.number) % entries.count]
    }
    _modify {
      precondition(contains(n), "slot \(n.number) outside \(low.number)+\(entries.count)")
      yield &entries[Int(n.number) % entries.count]
    }
  }

  /// Raises the low water mark to `slot`; lower slots are forgotten.
  public mutating func advance(to slot: Slot) {
    guard slot > low else { return }
    let last = min(slot.number, high.number)
    var n = low.number + 1
    while n <= last {
      entries[Int(n) % entries.count] = blank
      n += 1
    }
    low = slot
  }

  /// Forgets what is known of `n`.
  public mutating func clear(_ n: Slot) {
    guard contains(n) else { return }
    entries[Int(n.number) % entries.count] = blank
  }
}
