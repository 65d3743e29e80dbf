import Ledger

extension Raft {
  /// The log: what follows the last snapshot, entries numbered from 1 (§5.3, §7).
  struct Log: Sendable {
    private var entries = SlidingArray<Entry>()
    /// Of the last entry that a snapshot stands for.
    private(set) var baseIndex: UInt32 = 0
    private(set) var baseTerm: UInt32 = 0

    init() { entries.append(Entry(term: 0, batch: .none)) }

    var lastIndex: UInt32 { UInt32(entries.endIndex - 1) }
    var lastTerm: UInt32 { term(at: lastIndex) ?? baseTerm }

    /// The entry at `index`; nil if it is not in the log.
    func entry(_ index: UInt32) -> Entry? {
      index > baseIndex && entries.contains(Int(index)) ? entries[Int(index)] : nil
    }

    /// The term of the entry at `index`, also of the one that the snapshot ends with.
    func term(at index: UInt32) -> UInt32? {
      index == baseIndex ? baseTerm : entry(index)?.term
    }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Deletes the entry at `index` and all that follow it.
    ///
    /// - Precondition: `index` is behind the snapshot.
    mutating func truncate(from index: UInt32) {
      precondition(index > baseIndex, "entry \(index) is in the snapshot")
      entries.removeLast(from: Int(index))
    }

    /// Forgets what is before `index`, which a snapshot stands for with its `term`.
    mutating func compact(to index: UInt32, _ term: UInt32) {
      guard index > baseIndex else { return }
      entries.dropFirst(before: Int(index))
      (baseIndex, baseTerm) = (index, term)
    }

    /// Begins anew behind a snapshot that was received.
    mutating func restart(at index: UInt32, _ term: UInt32) {
      entries = SlidingArray(startingAt: Int(index))
      entries.append(Entry(term: term, batch: .none))
      (baseIndex, baseTerm) = (index, term)
    }

    /// The first index of the term of the entry at `index`, or the snapshot's.
    func firstIndex(ofTermAt index: UInt32) -> UInt32 {
      guard let term = term(at: index) else { return lastIndex + 1 }
      var first = index
      while first > baseIndex + 1, entry(first - 1)?.term == term { first -= 1 }
      return first
    }
  }
}
