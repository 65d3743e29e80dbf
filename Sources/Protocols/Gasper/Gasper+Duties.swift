import Consensus
import Kernel
import Ledger
import Machines

// What a node's validators do in a slot: propose at its beginning, attest when the block of the
// slot has come or a third of it is over, aggregate when two thirds are (phase0/validator).

extension Gasper {
  // Bytes of the messages, from their fields (electra, SSZ): SingleAttestation is two indices, data
  // of 128 and signature of 96; an aggregate has its bits, a selection proof, its aggregator and a
  // second signature.
  static let dataBytes = 128
  static let signatureBytes = 96
  static var singleBytes: Int { 8 + 8 + dataBytes + signatureBytes }
  static func attestationBytes(bits: Int) -> Int {
    4 + dataBytes + signatureBytes + 8 + bits / 8 + 1
  }
  static func aggregateBytes(bits: Int) -> Int {
    8 + 4 + signatureBytes + attestationBytes(bits: bits) + 4 + signatureBytes
  }
  /// Two indexed attestations of one validator each; two signed headers.
  static var attesterSlashingBytes: Int { 2 * (4 + 4 + dataBytes + signatureBytes + 8) }
  static var proposerSlashingBytes: Int { 2 * (112 + signatureBytes) }

  mutating func planDuties(
    in slot: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    plan(.attest, at: due(settings.attestationDue, in: slot), in: slot)
    plan(.aggregate, at: due(settings.aggregateDue, in: slot), in: slot)
    guard let proposer = proposer(of: slot, on: head, &effects), isMine(proposer) else { return }
    let epoch = effects.content.epoch(of: slot)
    guard !settings.offline.applies(to: proposer, in: epoch) else { return }
    let delay =
      settings.late.applies(to: proposer, in: epoch) ? settings.lateBy.nanoseconds : 0
    plan(.propose, at: start(of: slot) + delay, in: slot)
    if settings.equivocators.applies(to: proposer, in: epoch) {
      plan(.twin, at: start(of: slot) + delay, in: slot)
    }
  }

  /// `get_beacon_proposer_index` of a slot on the chain that ends in `block`.
  func proposer(
    of slot: UInt32, on block: BlockID, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Int? {
    let epoch = effects.content.epoch(of: slot)
    guard
      let k = effects.content.context(of: epoch, on: block, effects.blocks, &effects.topics)
    else { return nil }
    return Int(effects.content.contexts[k].proposers[Int(slot) % settings.slotsPerEpoch])
  }

  // MARK: - Attesting

  /// The vote of `slot` for `block` as its head.
  func vote(
    in slot: UInt32, for block: BlockID, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> UInt32? {
    let epoch = effects.content.epoch(of: slot)
    let start = effects.content.start(of: epoch)
    guard
      let k = effects.content.context(of: epoch, on: block, effects.blocks, &effects.topics)
    else { return nil }
    let context = effects.content.contexts[k]
    let isNew = effects.blocks[block].slot >= UInt64(start)
    let source =
      isNew
      ? effects.content.body(of: block).realized.currentJustified
      : context.state.finality.currentJustified
    let target = effects.content.ancestor(of: block, at: start, effects.blocks)
    return effects.content.vote(
      for: AttestationData(
        slot: slot, head: block, source: source, target: Checkpoint(epoch: epoch, root: target),
        shuffling: context.shuffling), effects.blocks)
  }

  mutating func attest(
    in slot: UInt32, _ now: LocalTime, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    let votesAgain = settings.weakness == .votesAgain
    guard attested != slot || votesAgain, store.slot == slot else { return }
    attested = slot
    ownVote = .max
    head = store.head(&effects.content, effects.blocks)
    guard let vote = vote(in: slot, for: head, &effects) else { return }
    ownVote = vote
    let epoch = effects.content.epoch(of: slot)
    let (offline, double) = (settings.offline, settings.doubleVoters)
    cast(vote, isGuarded: !votesAgain, &effects) { !offline.applies(to: $0, in: epoch) }
    guard double.share > 0, head != .genesis else { return }
    let parent = effects.blocks[head].parent
    guard effects.blocks.contains(parent), let other = self.vote(in: slot, for: parent, &effects),
      effects.content.votes[Int(other)].data.shuffling
        == effects.content.votes[Int(vote)].data.shuffling
    else { return }
    cast(other, isGuarded: false, &effects) { double.applies(to: $0, in: epoch) }
  }

  /// Lets those of the node's validators whose turn it is and whom `takesPart` names vote so.
  ///
  /// - Parameters:
  ///   - audience: to whom the votes are sent at first; over the links of blocks, unless to all.
  ///   - isGuarded: nobody signs what contradicts an earlier vote (EIP-3076, slashing protection).
  mutating func cast(
    _ number: UInt32, to audience: Audience = .everyone, isGuarded: Bool = true,
    _ effects: inout ChainEffectsOf<GasperContent>, _ takesPart: (Int) -> Bool
  ) {
    let vote = effects.content.votes[Int(number)]
    let index = Int(vote.data.slot) % settings.slotsPerEpoch
    guard let shuffling = effects.content.shufflings[Int(vote.data.shuffling)] else { return }
    activeValidators = shuffling.order.count
    var count = 0
    for k in shuffling.duties(of: me, at: index) {
      let position = Int(shuffling.duties[k])
      let validator = Int(shuffling.order[position])
      guard takesPart(validator), !isGuarded || isSafe(vote.data, for: validator) else { continue }
      let committee = shuffling.committee(of: position, at: index)
      let bit = position - shuffling.committee(committee, at: index).lowerBound
      let pool = vote.firstPool + committee
      guard effects.content.pools.contains(pool) else { return }
      let place = effects.content.place(of: effects.content.pools[pool], me)
      for row in [place, place + effects.content.words] {
        effects.content.rows[row + bit >> 6] |= 1 << UInt64(bit & 63)
      }
      let item = effects.content.singles.append(
        GasperContent.Single(pool: UInt32(pool), bit: UInt32(bit)))
      effects.content.observe(number, by: validator)
      // A vote that was withheld counts from now on.
      if vote.data.slot < store.slot {
        self.count(
          1 << UInt64(bit & 63), word: bit >> 6, of: number, UInt32(committee), &effects)
      }
      var digest = RunDigest(vote.digest)
      digest.fold(UInt64(validator))
      effects.gossip(
        Note(
          kind: Self.singleKind,
          topic: audience == .everyone
            ? shuffling.topics[index * shuffling.committeesPerSlot + committee]
            : TopicBook.everyone,
          bytes: Self.singleBytes, item: UInt32(item), digest: digest.value), to: audience)
      count += 1
    }
    attestations += count
    effects.charge(settings.costs.sign * Int64(count))
  }

  /// Whether `validator` may sign: it has signed neither for this target epoch or a later one, nor
  /// with a later source. Notes it, if so.
  private mutating func isSafe(_ data: AttestationData, for validator: Int) -> Bool {
    let own = place(of: validator)
    if signed.isEmpty { signed = Array(repeating: Signed(), count: ownValidators) }
    guard signed[own].nextTarget <= data.target.epoch, signed[own].source <= data.source.epoch
    else { return false }
    signed[own] = Signed(nextTarget: data.target.epoch + 1, source: data.source.epoch)
    return true
  }

  // MARK: - Aggregating

  /// Aggregators send what they hold of the votes that are like their own.
  mutating func aggregate(
    in slot: UInt32, _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard attested == slot, ownVote != .max else { return }
    let vote = effects.content.votes[Int(ownVote)]
    let epoch = effects.content.epoch(of: slot)
    let index = Int(slot) % settings.slotsPerEpoch
    guard let shuffling = effects.content.shufflings[Int(vote.data.shuffling)] else { return }
    for k in shuffling.duties(of: me, at: index) {
      let position = Int(shuffling.duties[k])
      let validator = Int(shuffling.order[position])
      let committee = shuffling.committee(of: position, at: index)
      let size = shuffling.committee(committee, at: index).count
      guard !settings.offline.applies(to: validator, in: epoch),
        effects.content.isAggregator(validator, at: slot, committee: size)
      else { continue }
      send(aggregateOf: vote.firstPool + committee, size: size, by: validator, &effects)
    }
  }

  private mutating func send(
    aggregateOf pool: Int, size: Int, by validator: Int,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) {
    guard effects.content.pools.contains(pool) else { return }
    let words = effects.content.words
    let place = effects.content.place(of: effects.content.pools[pool], me)
    let first = effects.content.aggregateWords.endIndex
    var count = 0
    var digest = RunDigest(UInt64(validator))
    for w in 0..<words {
      let bits = effects.content.rows[place + words + w]
      count += bits.nonzeroBitCount
      effects.content.aggregateWords.append(bits)
      digest.fold(bits)
    }
    guard count > 0 else { return }
    let item = effects.content.aggregates.append(
      GasperContent.Aggregate(pool: UInt32(pool), count: UInt32(count), firstWord: first))
    let best = effects.content.rows[place + 2 * words]
    let held = best == 0 ? nil : Int(best) - 1
    let isLarger =
      held.map {
        !effects.content.aggregates.contains($0)
          || effects.content.aggregates[$0].count < UInt32(count)
      } ?? true
    if isLarger {
      effects.content.rows[place + 2 * words] = UInt64(item) + 1
    }
    aggregatesMade += 1
    effects.charge(settings.costs.aggregate * Int64(count) + settings.costs.sign)
    effects.gossip(
      Note(
        kind: Self.aggregateKind, topic: TopicBook.everyone,
        bytes: Self.aggregateBytes(bits: size), item: UInt32(item), digest: digest.value))
  }
}
