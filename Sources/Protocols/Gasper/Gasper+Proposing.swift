import Consensus
import Kernel
import Ledger
import Machines

// What a proposer puts into its block: the votes that change most, and evidence.

extension Gasper {
  mutating func propose(
    in slot: UInt32, isTwin: Bool, _ now: LocalTime,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) -> BlockDraft? {
    guard store.slot == slot else { return nil }
    let isOnTime = now.nanoseconds <= due(settings.reorgCutoff, in: slot)
    var parent = store.proposerHead(
      head, slot: slot, isOnTime: isOnTime, &effects.content, effects.blocks)
    if parent != head { reorgsOfLateHeads += 1 }
    // The second of two blocks is on the first one's parent.
    if isTwin, effects.blocks[head].slot == UInt64(slot) { parent = effects.blocks[head].parent }
    guard let proposer = proposer(of: slot, on: parent, &effects), isMine(proposer) else {
      return nil
    }
    return draft(in: slot, on: parent, by: proposer, twin: isTwin ? 1 : 0, now, &effects)
  }

  mutating func draft(
    in slot: UInt32, on parent: BlockID, by proposer: Int, twin: UInt64, _ now: LocalTime,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) -> BlockDraft? {
    guard effects.blocks[parent].slot < UInt64(slot),
      let state = effects.content.state(
        before: slot, on: parent, effects.blocks, &effects.topics)
    else { return nil }
    let epoch = effects.content.epoch(of: slot)
    var body = GasperContent.Body()
    body.proposer = UInt32(proposer)
    body.reveal = effects.content.reveal(of: UInt32(proposer), in: epoch)
    let evidenceBytes = pack(evidenceFor: state, epoch, &body, &effects)
    let votes = pack(votesFor: state, slot, on: parent, &body, &effects)
    let operationBytes = pack(operationsFor: state, epoch, &body, &effects)
    effects.content.opened = body
    var salt = RunDigest(body.reveal.a)
    salt.fold(twin, UInt64(slot))
    salt.fold(UInt64(body.partCount), UInt64(votes.validators))
    for k in body.firstOperation..<body.firstOperation + body.operationCount {
      salt.fold(UInt64(effects.content.partOperations[k]))
    }
    effects.charge(settings.costs.sign)
    return BlockDraft(
      parent: parent, work: 1, stamp: now.nanoseconds, slot: UInt64(slot), salt: salt.value,
      nonce: UInt64(votes.validators), fold: UInt64(votes.count + body.operationCount),
      extraBytes: evidenceBytes + votes.bytes + operationBytes)
  }

  // MARK: - Evidence

  private mutating func pack(
    evidenceFor state: BeaconState, _ epoch: UInt32, _ body: inout GasperContent.Body,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) -> Int {
    body.firstEvidence = effects.content.partEvidence.endIndex
    var bytes = 0
    var ofBlocks = 0
    var pairs: [(UInt32, UInt32)] = []
    evidence.removeAll {
      let validator = Int(effects.content.evidence[Int($0)].validator)
      return state.slashed[validator]
    }
    for number in evidence {
      let entry = effects.content.evidence[Int(number)]
      guard state.isSlashable(Int(entry.validator), in: epoch) else { continue }
      if entry.isOfBlocks {
        guard ofBlocks < settings.maxProposerSlashings else { continue }
        ofBlocks += 1
        bytes += Self.proposerSlashingBytes
      } else if pairs.contains(where: { $0 == (entry.a, entry.b) }) {
        // One operation holds all validators that signed the same two votes.
        bytes += 16
      } else {
        guard pairs.count < settings.maxAttesterSlashings else { continue }
        pairs.append((entry.a, entry.b))
        bytes += Self.attesterSlashingBytes
      }
      effects.content.partEvidence.append(number)
      body.evidenceCount += 1
    }
    return bytes
  }

  // MARK: - Votes

  /// Puts in the votes that give most validators a flag that they lack: at most `maxAttestations`
  /// different ones, each with all committees for which the node has something new.
  private mutating func pack(
    votesFor state: BeaconState, _ slot: UInt32, on parent: BlockID,
    _ body: inout GasperContent.Body, _ effects: inout ChainEffectsOf<GasperContent>
  ) -> (count: Int, validators: Int, bytes: Int) {
    effects.content.candidates.removeAll(keepingCapacity: true)
    let epoch = effects.content.epoch(of: slot)
    let first = effects.content.start(of: epoch - min(1, epoch))
    for old in (first..<slot).reversed() where Int(old) < effects.content.voteOfSlot.count {
      var number = effects.content.voteOfSlot[Int(old)]
      while number != GasperContent.none {
        let fresh = freshness(of: number, state, slot, parent, effects)
        if fresh > 0 {
          effects.content.candidates.append(
            GasperContent.Candidate(
              vote: number, fresh: fresh, place: effects.content.candidates.count))
        }
        number = effects.content.votes[Int(number)].older
      }
    }
    effects.content.candidates.sort { ($1.fresh, $0.place) < ($0.fresh, $1.place) }
    let count = min(effects.content.candidates.count, settings.maxAttestations)
    body.firstPart = effects.content.parts.endIndex
    var validators = 0
    var bytes = 0
    for k in 0..<count {
      let size = include(effects.content.candidates[k].vote, &body, &effects)
      validators += size.validators
      bytes += Self.attestationBytes(bits: size.bits)
    }
    return (count, validators, bytes)
  }

  /// Validators who lack a flag that `number` would earn them.
  private func freshness(
    of number: UInt32, _ state: BeaconState, _ slot: UInt32, _ parent: BlockID,
    _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> Int {
    let vote = effects.content.votes[Int(number)]
    let epoch = effects.content.epoch(of: slot)
    guard effects.content.pools.contains(vote.firstPool), store.has(vote.data.head),
      isOfChain(vote.data, parent, effects)
    else { return 0 }
    let root = effects.content.ancestor(of: parent, at: vote.data.slot, effects.blocks)
    guard let flags = state.flags(for: vote.data, rootAtSlot: root, at: slot, settings), flags != 0
    else { return 0 }
    let held = vote.data.target.epoch == epoch ? state.currentFlags : state.previousFlags
    var fresh = 0
    var k = vote.firstPool
    while effects.content.pools.contains(k), effects.content.pools[k].vote == number {
      let pool = effects.content.pools[k]
      let start = effects.content.committee(of: number, pool.committee).lowerBound
      guard let shuffling = effects.content.shufflings[Int(vote.data.shuffling)] else { return 0 }
      for w in 0..<effects.content.words {
        var bits = aggregated(pool, w, effects)
        while bits != 0 {
          let position = start + w * 64 + bits.trailingZeroBitCount
          bits &= bits - 1
          if flags & ~held[Int(shuffling.order[position])] != 0 { fresh += 1 }
        }
      }
      k += 1
    }
    return fresh
  }

  /// Whether the committees of a vote are those of the chain that ends in `block`.
  private func isOfChain(
    _ data: AttestationData, _ block: BlockID, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> Bool {
    let start = effects.content.start(of: data.target.epoch)
    let base =
      data.target.epoch == 0
      ? .genesis : effects.content.ancestor(of: block, at: start - 1, effects.blocks)
    return effects.content.contexts.contains {
      $0.epoch == data.target.epoch && $0.base == base && $0.shuffling == data.shuffling
    }
  }

  /// What the node can put under one signature: its best aggregate, and the single votes that it
  /// holds beside it.
  private func aggregated(
    _ pool: GasperContent.Pool, _ word: Int, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> UInt64 {
    let words = effects.content.words
    let place = effects.content.place(of: pool, me)
    let best = effects.content.rows[place + 2 * words]
    var bits = effects.content.rows[place + words + word]
    if best != 0, effects.content.aggregates.contains(Int(best) - 1) {
      let aggregate = effects.content.aggregates[Int(best) - 1]
      bits |= effects.content.aggregateWords[aggregate.firstWord + word]
    }
    return bits
  }

  private func include(
    _ number: UInt32, _ body: inout GasperContent.Body,
    _ effects: inout ChainEffectsOf<GasperContent>
  ) -> (validators: Int, bits: Int) {
    var k = effects.content.votes[Int(number)].firstPool
    var validators = 0
    var bits = 0
    while effects.content.pools.contains(k), effects.content.pools[k].vote == number {
      let pool = effects.content.pools[k]
      let first = effects.content.partWords.endIndex
      var count = 0
      for w in 0..<effects.content.words {
        let word = aggregated(pool, w, effects)
        count += word.nonzeroBitCount
        effects.content.partWords.append(word)
      }
      // A committee of which nothing is known takes a part of no bits: its place is kept simple.
      effects.content.parts.append(
        GasperContent.Part(
          pool: UInt32(k), vote: number, committee: pool.committee, firstWord: first))
      body.partCount += 1
      if count > 0 {
        validators += count
        bits += effects.content.committee(of: number, pool.committee).count
      }
      k += 1
    }
    return (validators, bits)
  }

  // MARK: - Sending

  mutating func publish(_ block: BlockID, _ effects: inout ChainEffectsOf<GasperContent>) {
    let half = (firstValidator.count - 1) / 2
    let proposer = Int(effects.content.body(of: block).proposer)
    let epoch = effects.content.epoch(of: UInt32(effects.blocks[block].slot))
    guard settings.equivocators.applies(to: proposer, in: epoch) else {
      return effects.publish(block)
    }
    // One block for each half of the network.
    let isSecond = store.twin(of: block, effects.content, effects.blocks) != .none
    effects.publish(
      block, to: isSecond ? Audience(half..<firstValidator.count) : Audience(0..<half))
  }

  // MARK: - Costs

  public func workOfMaking(_ costs: CostSheet) -> SimDuration { settings.costs.sign }
  public func workOfHeader(_ costs: CostSheet) -> SimDuration { settings.costs.verify }

  /// The RANDAO reveal, each aggregate of votes, deposit and exit, and the transactions.
  public func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration {
    settings.costs.verify * Int64(block.fold + 1) + settings.costs.addKey * Int64(block.nonce)
      + (costs.verify + costs.execution) * Int64(block.transactions) + costs.hashing(block.bytes)
  }

  public func workOfNote(
    _ note: Note, _ effects: borrowing ChainEffectsOf<GasperContent>
  ) -> SimDuration {
    switch note.kind {
    case Self.singleKind: return settings.costs.verify
    case Self.aggregateKind:
      guard effects.content.aggregates.contains(Int(note.item)) else { return .zero }
      let keys = effects.content.aggregates[Int(note.item)].count
      // The selection proof, the aggregator's signature and the aggregate.
      return settings.costs.verify * 3 + settings.costs.addKey * Int64(keys)
    case Self.evidenceKind: return settings.costs.verify * 2
    default: return settings.costs.verify
    }
  }
}
