/// The latest vote of each validator, as one node has it: `latest_messages`.
///
/// Nearly all validators vote once an epoch, and committees vote alike. So a node keeps, for each
/// vote that counts, a bit for each member of the slot's committees, for this epoch and the last:
/// a quarter of a byte a validator. A validator's latest vote is that of the newest epoch in which
/// its bit is set. Votes of older epochs are kept singly, of those who have not voted since.
struct CountedVotes: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    var vote: UInt32
    /// Slot of the epoch.
    var slot: UInt32
    /// Where the bits of its committees begin.
    var first: Int
  }

  /// The votes of an epoch that are over the committees of one shuffling; each validator has at
  /// most one among those of an epoch.
  struct Epoch: Sendable {
    var number: UInt32
    var name: UInt32
    var shuffling: Shuffling
    var entries: [Entry] = []
    var bits: [UInt64] = []
    /// Epochs of their sources.
    var leastSource = UInt32.max
    var greatestSource: UInt32 = 0
  }

  /// A vote that is older than the epochs.
  struct Old: Sendable, BitwiseCopyable {
    var validator: UInt32
    var vote: UInt32
  }

  /// The newest first.
  private(set) var epochs: [Epoch] = []
  /// By validator; the newest target and source among them.
  private(set) var old: [Old] = []
  private var oldTarget: UInt32 = 0
  private var oldSource: UInt32 = 0
  /// Buffers of epochs that are over, to be used again.
  private var spare: [Epoch] = []

  /// The place of a word of a committee's bits, which is made if there is none.
  ///
  /// - Precondition: the shuffling of the vote is kept.
  mutating func place(
    of vote: UInt32, _ committee: UInt32, word: Int, _ content: borrowing GasperContent
  ) -> (epoch: Int, cell: Int) {
    let data = content.votes[Int(vote)].data
    var e = 0
    while e < epochs.count,
      epochs[e].number > data.target.epoch
        || epochs[e].number == data.target.epoch && epochs[e].name != data.shuffling
    {
      e += 1
    }
    if e == epochs.count || epochs[e].number != data.target.epoch { open(data, at: e, content) }
    let offset = Int(committee) * content.words + word
    for k in epochs[e].entries.indices.reversed() where epochs[e].entries[k].vote == vote {
      return (e, epochs[e].entries[k].first + offset)
    }
    let first = epochs[e].bits.count
    epochs[e].entries.append(
      Entry(vote: vote, slot: data.slot % UInt32(epochs[e].shuffling.slotsPerEpoch), first: first))
    for _ in 0..<epochs[e].shuffling.committeesPerSlot * content.words { epochs[e].bits.append(0) }
    epochs[e].leastSource = min(epochs[e].leastSource, data.source.epoch)
    epochs[e].greatestSource = max(epochs[e].greatestSource, data.source.epoch)
    return (e, first + offset)
  }

  private mutating func open(
    _ data: AttestationData, at e: Int, _ content: borrowing GasperContent
  ) {
    guard let shuffling = content.shufflings[Int(data.shuffling)] else {
      preconditionFailure("a vote that counts has committees")
    }
    guard var epoch = spare.popLast() else {
      return epochs.insert(
        Epoch(number: data.target.epoch, name: data.shuffling, shuffling: shuffling), at: e)
    }
    epoch.number = data.target.epoch
    epoch.name = data.shuffling
    epoch.shuffling = shuffling
    epoch.entries.removeAll(keepingCapacity: true)
    epoch.bits.removeAll(keepingCapacity: true)
    (epoch.leastSource, epoch.greatestSource) = (.max, 0)
    epochs.insert(epoch, at: e)
  }

  @inline(__always)
  func bits(_ place: (epoch: Int, cell: Int)) -> UInt64 { epochs[place.epoch].bits[place.cell] }

  @inline(__always)
  mutating func set(_ bits: UInt64, _ place: (epoch: Int, cell: Int)) {
    epochs[place.epoch].bits[place.cell] |= bits
  }

  /// Whether a vote like `data`, in epoch number `e`, may contradict one of another slot: each of
  /// its validators must be looked at.
  func mayContradict(_ data: AttestationData, in e: Int) -> Bool {
    for k in epochs.indices where k != e {
      let number = epochs[k].number
      if number == data.target.epoch
        || number < data.target.epoch && epochs[k].greatestSource > data.source.epoch
        || number > data.target.epoch && epochs[k].leastSource < data.source.epoch
      {
        return true
      }
    }
    return !old.isEmpty && (data.target.epoch <= oldTarget || data.source.epoch < oldSource)
  }

  /// The latest vote of `validator`; nil if none has come.
  func latest(of validator: Int, _ words: Int) -> UInt32? {
    for e in epochs.indices {
      guard let seat = epochs[e].shuffling.seat(of: validator) else { continue }
      let offset = seat.committee * words + seat.bit >> 6
      for k in epochs[e].entries.indices where Int(epochs[e].entries[k].slot) == seat.slot {
        let bits = epochs[e].bits[epochs[e].entries[k].first + offset]
        if bits >> UInt64(seat.bit & 63) & 1 == 1 { return epochs[e].entries[k].vote }
      }
    }
    var range = 0..<old.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if old[middle].validator == UInt32(validator) { return old[middle].vote }
      range =
        old[middle].validator < UInt32(validator)
        ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// Calls `body` with each validator that has voted, and its latest vote.
  ///
  /// - Parameter marks: a bit for each validator; what it holds is lost.
  func forEach(_ marks: inout [UInt64], _ words: Int, _ body: (Int, UInt32) -> Void) {
    for k in marks.indices { marks[k] = 0 }
    for e in epochs.indices { forEach(in: e, &marks, words, body) }
    for entry in old where Self.mark(Int(entry.validator), &marks) {
      body(Int(entry.validator), entry.vote)
    }
  }

  private func forEach(
    in e: Int, _ marks: inout [UInt64], _ words: Int, _ body: (Int, UInt32) -> Void
  ) {
    let shuffling = epochs[e].shuffling
    for entry in epochs[e].entries {
      for committee in 0..<shuffling.committeesPerSlot {
        let start = shuffling.committee(committee, at: Int(entry.slot)).lowerBound
        for w in 0..<words {
          var rest = epochs[e].bits[entry.first + committee * words + w]
          while rest != 0 {
            let validator = Int(shuffling.order[start + w * 64 + rest.trailingZeroBitCount])
            rest &= rest - 1
            if Self.mark(validator, &marks) { body(validator, entry.vote) }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func mark(_ validator: Int, _ marks: inout [UInt64]) -> Bool {
    let bit: UInt64 = 1 << UInt64(validator & 63)
    if marks[validator >> 6] & bit != 0 { return false }
    marks[validator >> 6] |= bit
    return true
  }

  /// Keeps of the epochs before `epoch` only who has not voted since.
  mutating func retire(before epoch: UInt32, _ content: inout GasperContent) {
    guard let first = epochs.firstIndex(where: { $0.number < epoch }) else { return }
    let words = content.words
    for k in content.marks.indices { content.marks[k] = 0 }
    for e in 0..<first { forEach(in: e, &content.marks, words) { _, _ in } }
    var list: [Old] = []
    swap(&list, &old)
    let before = list.count
    for e in first..<epochs.count {
      forEach(in: e, &content.marks, words) { validator, vote in
        list.append(Old(validator: UInt32(validator), vote: vote))
      }
    }
    for k in before..<list.count {
      let data = content.votes[Int(list[k].vote)].data
      oldTarget = max(oldTarget, data.target.epoch)
      oldSource = max(oldSource, data.source.epoch)
    }
    // Of those that were old already, the ones that have voted since go.
    let isSorted = list.count == before
    var kept = 0
    for k in list.indices {
      let v = Int(list[k].validator)
      if k < before, content.marks[v >> 6] >> UInt64(v & 63) & 1 == 1 { continue }
      list[kept] = list[k]
      kept += 1
    }
    list.removeLast(list.count - kept)
    if !isSorted { list.sort { $0.validator < $1.validator } }
    swap(&list, &old)
    while epochs.count > first { spare.append(epochs.removeLast()) }
    if spare.count > 2 { spare.removeFirst(spare.count - 2) }
  }
}
