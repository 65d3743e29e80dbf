import Consensus
import Kernel
import Ledger

/// The notes that are passed on in one chain, and which members of its topic each has come to.
struct NoteBook: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    var note: Note
    var made: SimTime
    /// Where its bits begin.
    var firstWord: Int
  }

  private var entries = SlidingArray<Entry>()
  /// A bit for each member of a note's topic: the note has come to it.
  private var seen = SlidingArray<UInt64>()

  mutating func append(_ note: Note, members: Int, at time: SimTime) -> UInt32 {
    let first = seen.endIndex
    for _ in 0..<(members + 63) / 64 { seen.append(0) }
    return UInt32(entries.append(Entry(note: note, made: time, firstWord: first)))
  }

  func contains(_ note: UInt32) -> Bool { entries.contains(Int(note)) }
  subscript(note: UInt32) -> Note { entries[Int(note)].note }

  @inline(__always)
  func hasSeen(_ note: UInt32, _ member: Int) -> Bool {
    let word = entries[Int(note)].firstWord + member >> 6
    return seen[word] & 1 << UInt64(member & 63) != 0
  }

  /// Notes that `note` has come to `member`; false if it had before.
  @inline(__always)
  mutating func see(_ note: UInt32, _ member: Int) -> Bool {
    let word = entries[Int(note)].firstWord + member >> 6
    let bit: UInt64 = 1 << UInt64(member & 63)
    let before = seen[word]
    if before & bit != 0 { return false }
    seen[word] = before | bit
    return true
  }

  /// Forgets the notes made before `time`.
  mutating func drop(madeBefore time: SimTime) {
    var first = entries.startIndex
    while first < entries.endIndex, entries[first].made < time { first += 1 }
    guard first > entries.startIndex else { return }
    seen.dropFirst(before: first < entries.endIndex ? entries[first].firstWord : seen.endIndex)
    entries.dropFirst(before: first)
  }
}
