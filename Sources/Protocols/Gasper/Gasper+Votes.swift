import Consensus
import Kernel
import Ledger
import Machines

// Votes that come to a node, alone, in aggregates and in blocks: `on_attestation`, and the evidence
// that they give.

extension Gasper {
  static let singleKind: UInt8 = 0
  static let aggregateKind: UInt8 = 1
  static let evidenceKind: UInt8 = 2

  public mutating func upon(
    note: Note, at now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Bool {
    switch note.kind {
    case Self.singleKind: return take(single: note.item, &effects)
    case Self.aggregateKind: return take(aggregate: note.item, &effects)
    case Self.evidenceKind: return take(evidence: note.item, &effects)
    default: return take(operation: note.item)
    }
  }

  /// One validator's vote. It is passed on if the node has no other of that validator and epoch.
  private mutating func take(
    single item: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Bool {
    guard effects.content.singles.contains(Int(item)) else { return false }
    let single = effects.content.singles[Int(item)]
    guard effects.content.pools.contains(Int(single.pool)) else { return false }
    let pool = effects.content.pools[Int(single.pool)]
    let place = effects.content.place(of: pool, me)
    let (word, bit) = (Int(single.bit >> 6), UInt64(1) << UInt64(single.bit & 63))
    effects.content.rows[place + effects.content.words + word] |= bit
    let isKnown = effects.content.rows[place + word] & bit != 0
    effects.content.rows[place + word] |= bit
    let isFirst = !hasOtherVote(than: pool, single.bit, &effects)
    if !isKnown, effects.content.votes[Int(pool.vote)].data.slot < store.slot {
      count(bit, word: word, of: pool.vote, pool.committee, &effects)
    }
    return isFirst
  }

  /// Whether the node knows another vote of the same validator in the slot: that is evidence.
  private mutating func hasOtherVote(
    than pool: GasperContent.Pool, _ bit: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Bool {
    let own = effects.content.votes[Int(pool.vote)]
    var other = effects.content.voteOfSlot[Int(own.data.slot)]
    var found = false
    while other != GasperContent.none {
      let vote = effects.content.votes[Int(other)]
      let number = vote.firstPool + Int(pool.committee)
      if other != pool.vote, vote.data.shuffling == own.data.shuffling,
        effects.content.pools.contains(number)
      {
        let place = effects.content.place(of: effects.content.pools[number], me)
        if effects.content.rows[place + Int(bit >> 6)] >> UInt64(bit & 63) & 1 == 1 {
          found = true
          let validator = effects.content.validator(Int(bit), of: pool.vote, pool.committee)
          accuse(validator, pool.vote, other, &effects)
        }
      }
      other = vote.older
    }
    return found
  }

  /// An aggregate is passed on unless the node's best one of the same votes has all of its bits.
  private mutating func take(
    aggregate item: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Bool {
    guard effects.content.aggregates.contains(Int(item)) else { return false }
    let aggregate = effects.content.aggregates[Int(item)]
    guard effects.content.pools.contains(Int(aggregate.pool)) else { return false }
    let pool = effects.content.pools[Int(aggregate.pool)]
    let words = effects.content.words
    let place = effects.content.place(of: pool, me)
    let best = effects.content.rows[place + 2 * words]
    if best != 0, effects.content.aggregates.contains(Int(best) - 1) {
      let held = effects.content.aggregates[Int(best) - 1]
      var isCovered = true
      for w in 0..<words {
        let more =
          effects.content.aggregateWords[aggregate.firstWord + w]
          & ~effects.content.aggregateWords[held.firstWord + w]
        if more != 0 { isCovered = false }
      }
      if isCovered { return false }
      if aggregate.count > held.count {
        effects.content.rows[place + 2 * words] = UInt64(item) + 1
      }
    } else {
      effects.content.rows[place + 2 * words] = UInt64(item) + 1
    }
    for w in 0..<words {
      learn(
        effects.content.aggregateWords[aggregate.firstWord + w], word: w, of: pool, place, &effects)
    }
    return true
  }

  /// Takes in votes of a pool; those that are new count at once, if their slot is over.
  private mutating func learn(
    _ bits: UInt64, word: Int, of pool: GasperContent.Pool, _ place: Int,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let fresh = bits & ~effects.content.rows[place + word]
    guard fresh != 0 else { return }
    effects.content.rows[place + word] |= fresh
    let data = effects.content.votes[Int(pool.vote)].data
    guard data.slot < store.slot, store.has(data.head) else { return }
    count(fresh, word: word, of: pool.vote, pool.committee, &effects)
  }

  /// Lets the votes of a block count: `on_attestation` with `is_from_block`.
  mutating func takeVotes(
    of body: GasperContent.Body, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    for k in body.firstPart..<body.firstPart + body.partCount {
      let part = effects.content.parts[k]
      let isKept = effects.content.pools.contains(Int(part.pool))
      let place = isKept ? effects.content.place(of: effects.content.pools[Int(part.pool)], me) : 0
      for w in 0..<effects.content.words {
        let bits = effects.content.partWords[part.firstWord + w]
        if isKept {
          learn(bits, word: w, of: effects.content.pools[Int(part.pool)], place, &effects)
        } else {
          count(bits, word: w, of: part.vote, part.committee, &effects)
        }
      }
    }
    for k in body.firstEvidence..<body.firstEvidence + body.evidenceCount {
      let number = effects.content.partEvidence[k]
      let entry = effects.content.evidence[Int(number)]
      if !entry.isOfBlocks {
        store.markEquivocating(Int(entry.validator), of: settings.allValidators)
      }
      if let k = evidence.firstIndex(of: number) { evidence.remove(at: k) }
    }
  }

  /// Lets the votes of `slot` that the node has count; only those for `block`, if it is given.
  mutating func countVotes(
    of slot: UInt32, for block: BlockID?, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard slot < effects.content.voteOfSlot.count else { return }
    var number = effects.content.voteOfSlot[Int(slot)]
    while number != GasperContent.none {
      let vote = effects.content.votes[Int(number)]
      if block == nil || vote.data.head == block, store.has(vote.data.head) {
        var k = vote.firstPool
        while effects.content.pools.contains(k), effects.content.pools[k].vote == number {
          let pool = effects.content.pools[k]
          let place = effects.content.place(of: pool, me)
          for w in 0..<effects.content.words {
            let bits = effects.content.rows[place + w]
            if bits != 0 { count(bits, word: w, of: number, pool.committee, &effects) }
          }
          k += 1
        }
      }
      number = vote.older
    }
  }

  /// `update_latest_messages` for 64 places of a committee: a validator's latest vote is the first
  /// of its newest epoch. What contradicts it is evidence.
  mutating func count(
    _ bits: UInt64, word: Int, of vote: UInt32, _ committee: UInt32,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let data = effects.content.votes[Int(vote)].data
    guard effects.content.shufflings[Int(data.shuffling)] != nil else { return }
    let place = store.counted.place(of: vote, committee, word: word, effects.content)
    var fresh = bits & ~store.counted.bits(place)
    guard fresh != 0 else { return }
    if store.counted.mayContradict(data, in: place.epoch) {
      return countSingly(fresh, word: word, of: vote, committee, place, &effects)
    }
    let slot = data.slot % UInt32(settings.slotsPerEpoch)
    let offset = Int(committee) * effects.content.words + word
    for k in store.counted.epochs[place.epoch].entries.indices {
      let other = store.counted.epochs[place.epoch].entries[k]
      guard other.slot == slot, other.vote != vote else { continue }
      var both = fresh & store.counted.bits((place.epoch, other.first + offset))
      fresh &= ~both
      while both != 0 {
        let bit = word * 64 + both.trailingZeroBitCount
        both &= both - 1
        accuse(effects.content.validator(bit, of: vote, committee), vote, other.vote, &effects)
      }
    }
    store.counted.set(fresh, place)
  }

  /// The same where votes of other slots may contradict these.
  private mutating func countSingly(
    _ bits: UInt64, word: Int, of number: UInt32, _ committee: UInt32,
    _ place: (epoch: Int, cell: Int), _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let new = effects.content.votes[Int(number)].data
    var rest = bits
    while rest != 0 {
      let bit = rest & ~(rest - 1)
      let validator = effects.content.validator(
        word * 64 + rest.trailingZeroBitCount, of: number, committee)
      rest &= rest - 1
      guard let latest = store.counted.latest(of: validator, effects.content.words) else {
        store.counted.set(bit, place)
        continue
      }
      let old = effects.content.votes[Int(latest)].data
      if new.contradicts(old) { accuse(validator, number, latest, &effects) }
      if new.target.epoch > old.target.epoch { store.counted.set(bit, place) }
    }
  }
}

// MARK: - Evidence

extension Gasper {
  /// The node holds two votes of `validator` that contradict each other.
  private mutating func accuse(
    _ validator: Int, _ a: UInt32, _ b: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard settings.weakness != .noSlashing, !store.isEquivocating(validator) else { return }
    let number = effects.content.evidence(against: validator, ofBlocks: false, a, b)
    store.markEquivocating(validator, of: settings.allValidators)
    evidence.append(number)
    spread(evidence: number, &effects)
  }

  /// The node holds two blocks of one proposer and slot.
  mutating func accuse(
    proposer: UInt32, _ a: BlockID, _ b: BlockID,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard settings.weakness != .noSlashing, !(isAdversary && isMine(Int(proposer))) else { return }
    let number = effects.content.evidence(
      against: Int(proposer), ofBlocks: true, a.index, b.index)
    guard !evidence.contains(number) else { return }
    evidence.append(number)
    spread(evidence: number, &effects)
  }

  private func spread(
    evidence number: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let entry = effects.content.evidence[Int(number)]
    effects.gossip(
      Note(
        kind: Self.evidenceKind, topic: TopicBook.everyone,
        bytes: entry.isOfBlocks ? Self.proposerSlashingBytes : Self.attesterSlashingBytes,
        item: number,
        digest: UInt64(entry.validator) << 1 | (entry.isOfBlocks ? 1 : 0)))
  }

  private mutating func take(
    evidence number: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Bool {
    let entry = effects.content.evidence[Int(number)]
    guard settings.weakness != .noSlashing, !evidence.contains(number) else { return false }
    if !entry.isOfBlocks {
      guard !store.isEquivocating(Int(entry.validator)) else { return false }
      store.markEquivocating(Int(entry.validator), of: settings.allValidators)
    }
    evidence.append(number)
    return true
  }
}
