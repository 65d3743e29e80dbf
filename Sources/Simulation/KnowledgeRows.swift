import Ledger

/// What each node knows of each item that spreads: a byte a node, in rows that are used again.
///
/// An item that every node has needs no row. Items are numbered in order of making.
struct KnowledgeRows: Sendable {
  /// How a node stands to an item.
  enum State: UInt8 {
    case unknown
    /// Asked for, not come yet.
    case requested
    /// Come, and being checked.
    case checking
    /// Received, but its parent is not known.
    case orphan
    /// Received, checked, and all its ancestors too.
    case known
    /// Transactions only: refused by a full mempool, or pushed out of it.
    case evicted
  }

  /// Low bits of a cell: the state; the others count requests.
  static var stateBits: UInt8 { 7 }
  private static var noRow: UInt32 { .max }

  private let nodes: Int
  /// Words of announcement marks in a row, a bit for each directed connection.
  private let words: Int
  private var rowOf = SlidingArray<UInt32>()
  /// Nodes that have the item.
  private var counts = SlidingArray<Int32>()
  private var cells: [UInt8] = []
  private var marks: [UInt64] = []
  private var free: [UInt32] = []

  /// - Parameter connections: how many, if announcers are to be remembered; else 0.
  init(nodes: Int, connections: Int) {
    self.nodes = nodes
    words = (connections + 63) / 64
  }

  mutating func reserve(_ items: Int) {
    rowOf.reserveCapacity(items)
    counts.reserveCapacity(items)
  }

  var keepsAnnouncers: Bool { words > 0 }

  /// Takes in the next item; nobody knows it.
  mutating func append() {
    let row = takeRow()
    for k in Int(row) * nodes..<(Int(row) + 1) * nodes { cells[k] = 0 }
    for k in Int(row) * words..<(Int(row) + 1) * words { marks[k] = 0 }
    rowOf.append(row)
    counts.append(0)
  }

  private mutating func takeRow() -> UInt32 {
    if let row = free.popLast() { return row }
    let row = cells.count / max(nodes, 1)
    cells.append(contentsOf: repeatElement(0, count: nodes))
    marks.append(contentsOf: repeatElement(0, count: words))
    if free.capacity <= row { free.reserveCapacity(2 * row + 16) }
    return UInt32(row)
  }

  var endIndex: Int { rowOf.endIndex }
  var startIndex: Int { rowOf.startIndex }
  func count(of item: Int) -> Int { Int(counts[item]) }

  @inline(__always)
  func state(_ item: Int, _ node: Int) -> State {
    let row = rowOf[item]
    if row == Self.noRow { return .known }
    return State(rawValue: cells[Int(row) * nodes + node] & Self.stateBits) ?? .unknown
  }

  /// Requests made so far, modulo 32.
  func attempts(_ item: Int, _ node: Int) -> UInt8 {
    let row = rowOf[item]
    return row == Self.noRow ? 0 : cells[Int(row) * nodes + node] >> 3
  }

  /// Changes how `node` stands to `item`. The row is given back when all have it.
  mutating func set(_ state: State, _ item: Int, _ node: Int) {
    var row = rowOf[item]
    if row == Self.noRow {
      guard state != .known else { return }
      row = restoreRow(item)
    }
    let k = Int(row) * nodes + node
    let before = cells[k] & Self.stateBits
    cells[k] = (cells[k] & ~Self.stateBits) | state.rawValue
    let gained =
      (state == .known ? 1 : 0) - (before == State.known.rawValue ? 1 : 0)
    guard gained != 0 else { return }
    counts[item] += Int32(gained)
    if Int(counts[item]) == nodes { release(item) }
  }

  mutating func countAttempt(_ item: Int, _ node: Int) {
    let row = rowOf[item]
    guard row != Self.noRow else { return }
    cells[Int(row) * nodes + node] &+= 8
  }

  private mutating func restoreRow(_ item: Int) -> UInt32 {
    let row = takeRow()
    for k in Int(row) * nodes..<(Int(row) + 1) * nodes { cells[k] = State.known.rawValue }
    for k in Int(row) * words..<(Int(row) + 1) * words { marks[k] = 0 }
    rowOf[item] = row
    return row
  }

  private mutating func release(_ item: Int) {
    let row = rowOf[item]
    guard row != Self.noRow else { return }
    free.append(row)
    rowOf[item] = Self.noRow
  }

  /// Forgets the items before `item`.
  mutating func drop(before item: Int) {
    guard item > rowOf.startIndex else { return }
    for old in rowOf.startIndex..<min(item, rowOf.endIndex) { release(old) }
    rowOf.dropFirst(before: item)
    counts.dropFirst(before: item)
  }

  /// Bytes held.
  var bytes: Int { cells.capacity + marks.capacity * 8 }
}

// MARK: - Announcers

extension KnowledgeRows {
  /// Notes that the peer at the end of `connection` has announced `item` to its owner.
  @inline(__always)
  mutating func mark(_ item: Int, _ connection: Int) {
    guard words > 0 else { return }
    let row = rowOf[item]
    if row == Self.noRow { return }
    marks[Int(row) * words + connection >> 6] |= 1 << UInt64(connection & 63)
  }

  /// Whether the peer at the end of `connection` has announced `item`.
  @inline(__always)
  func isMarked(_ item: Int, _ connection: Int) -> Bool {
    guard words > 0 else { return false }
    let row = rowOf[item]
    if row == Self.noRow { return true }
    return marks[Int(row) * words + connection >> 6] & (1 << UInt64(connection & 63)) != 0
  }

  /// The next announcer of `item` after `connection`, going round the connections of its owner.
  func nextAnnouncer(of item: Int, after connection: Int, among own: Range<Int>) -> Int? {
    guard words > 0, rowOf[item] != Self.noRow else { return nil }
    for step in 1...max(own.count, 1) {
      let candidate = own.lowerBound + (connection - own.lowerBound + step) % max(own.count, 1)
      if candidate != connection, isMarked(item, candidate) { return candidate }
    }
    return nil
  }
}
