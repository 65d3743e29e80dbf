import Consensus
import Kernel
import Ledger

/// Sets of chunks that are announced: a member asks one of the neighbours that have a set for it,
/// and another if it does not come. Whoever has enough chunks asks for no more.
extension RapidChain {
  mutating func forgetAnnounced(_ a: Int) {
    attempts[a].asked = 0
    attempts[a].fetches = 0
    for group in neighbours.indices { announced[a * neighbours.count + group] = 0 }
  }

  mutating func hear(
    have group: Int, of batch: BatchHandle, _ k: UInt32, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard !announced.isEmpty, let a = place(k), attempts[a].leader != me,
      effects.batches.contains(batch), group < neighbours.count,
      let neighbour = neighbours.firstIndex(of: i)
    else { return }
    let root = effects.batches[batch].digest
    if attempts[a].pieces.0.batch == .none {
      attempts[a].pieces.0 = Pieces(batch: batch, root: root)
    }
    guard attempts[a].pieces.0.root == root else {
      // The announcement carries the root that the leader signed.
      return expose(a, attempts[a].pieces.0.root, root, &effects)
    }
    announced[a * neighbours.count + group] |= 1 << UInt64(neighbour)
    let bit: UInt64 = 1 << UInt64(group)
    guard (attempts[a].pieces.0.groups | attempts[a].asked) & bit == 0, content(of: root) == nil
    else { return }
    if attempts[a].asked == 0 {
      effects.arm(.fetch(k: k), after: settings.gossip.fetchTimeout)
    }
    attempts[a].asked |= bit
    effects.send(.fetch(k: k, batch: batch, group: UInt16(group)), to: i)
  }

  mutating func serve(
    _ k: UInt32, _ batch: BatchHandle, _ group: Int, to i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard let a = place(k), group < neighbours.count, attempts[a].pieces.0.batch == batch,
      attempts[a].pieces.0.groups & 1 << UInt64(group) != 0
    else { return }
    effects.send(.piece(k: k, batch: batch, group: UInt16(group)), to: i)
  }

  /// Asks others that have announced it for each set that has not come.
  mutating func fetchAgain(_ k: UInt32, _ effects: inout Effects<Self>) {
    guard let a = place(k) else { return }
    let pieces = attempts[a].pieces.0
    guard content(of: pieces.root) == nil else { return }
    attempts[a].fetches += 1
    let lacking = attempts[a].asked & ~pieces.groups
    for group in neighbours.indices where lacking >> UInt64(group) & 1 == 1 {
      var known = announced[a * neighbours.count + group]
      for _ in 0..<attempts[a].fetches % known.nonzeroBitCount { known &= known - 1 }
      effects.send(
        .fetch(k: k, batch: pieces.batch, group: UInt16(group)),
        to: neighbours[known.trailingZeroBitCount])
    }
    effects.arm(.fetch(k: k), after: settings.gossip.fetchTimeout)
  }
}
