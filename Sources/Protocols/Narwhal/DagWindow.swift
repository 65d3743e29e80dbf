import Consensus
import Kernel
import Ledger

/// The rounds of the DAG that a replica keeps: a ring of rows, one vertex an author.
///
/// Advancing the base clears the rows that fall out, for the rounds that come in.
struct DagWindow: Sendable {
  /// What a replica knows of the header and certificate of one author in one round.
  struct Vertex: Sendable, BitwiseCopyable {
    /// The first header received.
    var header = Digest(0)
    var certified = Digest(0)
    var headerBody = BodyHandle(index: .max)
    var body = BodyHandle(index: .max)
    var hasVoted = false
    var isRequested = false

    var hasHeader: Bool { headerBody.index != .max }
    var hasBody: Bool { body.index != .max }
  }

  /// Authors of one round by how far their certificates have come: received; all their ancestors
  /// as well; in the order.
  struct Row: Sendable, BitwiseCopyable {
    var certified = AuthorSet()
    var delivered = AuthorSet()
    var ordered = AuthorSet()
    var deliveries = 0
  }

  private let n: Int
  let size: Int
  private var rows: [Row]
  private var vertices: [Vertex]
  /// Delivered vertices of the next round that name this one as a parent.
  private var votes: [UInt16]
  /// The last round that is forgotten.
  private(set) var base = DagRound(0)

  /// - Parameter size: a power of two.
  init(n: Int, size: Int) {
    self.n = n
    self.size = size
    rows = Array(repeating: Row(), count: size)
    vertices = Array(repeating: Vertex(), count: size * n)
    votes = Array(repeating: 0, count: size * n)
  }

  /// The last round that has a row.
  var end: DagRound { base + size }

  func contains(_ round: DagRound) -> Bool { round > base && round - base <= size }

  private func place(_ round: DagRound) -> Int {
    precondition(contains(round), "round \(round.number) outside \(base.number)+\(size)")
    return Int(round.number) & (size - 1)
  }

  subscript(round: DagRound) -> Row {
    _read { yield rows[place(round)] }
    _modify { yield &rows[place(round)] }
  }

  subscript(round: DagRound, author: Int) -> Vertex {
    _read { yield vertices[place(round) * n + author] }
    _modify { yield &vertices[place(round) * n + author] }
  }

  func votes(for author: Int, in round: DagRound) -> Int { Int(votes[place(round) * n + author]) }

  /// Counts that a delivered vertex of the next round names `parents`.
  mutating func vote(for parents: AuthorSet, in round: DagRound) {
    let first = place(round) * n
    votes.withUnsafeMutableBufferPointer { votes in
      for author in parents { votes[first + author] += 1 }
    }
  }

  /// Forgets the rounds up to `round`.
  mutating func advance(to round: DagRound) {
    guard round > base else { return }
    for r in 1...min(round - base, size) {
      let k = Int((base + r).number) & (size - 1)
      rows[k] = Row()
      for author in 0..<n {
        vertices[k * n + author] = Vertex()
        votes[k * n + author] = 0
      }
    }
    base = round
  }
}

/// Batches whose content a replica has, by author, worker and number: a ring for each worker, in
/// which a newer batch takes the place of an older.
struct BatchStore: Sendable {
  private struct Entry: Sendable, BitwiseCopyable {
    var number: UInt32 = 0
    var handle = BatchHandle.none
  }

  private let workers: Int
  private let firstWorker: Int
  private var entries: [Entry]
  private var highest: [UInt32]
  /// Contents whose place a newer batch has: fetched by who executes what is long past.
  private var old: [(name: BatchName, handle: BatchHandle)] = []
  /// Other contents under a name that has one: their author lies.
  private var rivals: [(name: BatchName, handle: BatchHandle)] = []

  init(n: Int, workers: Range<Int>) {
    self.workers = workers.count
    firstWorker = workers.lowerBound
    entries = Array(repeating: Entry(), count: n * workers.count * NarwhalSettings.batchWindow)
    highest = Array(repeating: 0, count: n * workers.count)
  }

  private func stripe(_ name: BatchName) -> Int {
    Int(name.author) * workers + Int(name.worker) - firstWorker
  }

  private func place(_ name: BatchName) -> Int {
    stripe(name) * NarwhalSettings.batchWindow
      + (Int(name.number) & (NarwhalSettings.batchWindow - 1))
  }

  func holdsWorker(_ worker: UInt8) -> Bool {
    Int(worker) >= firstWorker && Int(worker) < firstWorker + workers
  }

  subscript(name: BatchName) -> BatchHandle? {
    let entry = entries[place(name)]
    if entry.number == name.number, entry.handle != .none { return entry.handle }
    return old.isEmpty ? nil : old.first { $0.name == name }?.handle
  }

  /// Notes that the content of `name` is here; false if it was.
  mutating func hold(_ name: BatchName, _ handle: BatchHandle) -> Bool {
    if let known = self[name] {
      guard known != handle, !contents(of: name).contains(handle) else { return false }
      if rivals.count >= NarwhalSettings.batchWindow { rivals.removeFirst() }
      rivals.append((name, handle))
      return true
    }
    let k = place(name)
    guard entries[k].number <= name.number else {
      if old.count >= NarwhalSettings.batchWindow { old.removeFirst() }
      old.append((name, handle))
      return true
    }
    entries[k] = Entry(number: name.number, handle: handle)
    highest[stripe(name)] = max(highest[stripe(name)], name.number)
    return true
  }

  /// Whether anybody gave a name twice.
  var hasRivals: Bool { !rivals.isEmpty }

  /// All contents under `name`, the one that counts now first.
  func contents(of name: BatchName) -> [BatchHandle] {
    (self[name].map { [$0] } ?? []) + rivals.filter { $0.name == name }.map(\.handle)
  }

  /// Of the contents under `name`, `handle` is the one that counts from now on.
  mutating func prefer(_ handle: BatchHandle, for name: BatchName) {
    guard let other = self[name], other != handle,
      let rival = rivals.firstIndex(where: { $0.name == name && $0.handle == handle })
    else { return }
    rivals[rival].handle = other
    let k = place(name)
    if entries[k].number == name.number, entries[k].handle != .none {
      entries[k].handle = handle
    } else if let place = old.firstIndex(where: { $0.name == name }) {
      old[place].handle = handle
    }
  }

  /// The highest number known of any worker of `author`.
  func highestNumber(of author: Int) -> UInt32 {
    var number: UInt32 = 0
    for w in 0..<workers { number = max(number, highest[author * workers + w]) }
    return number
  }
}
