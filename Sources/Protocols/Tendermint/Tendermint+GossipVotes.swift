import Consensus
import Kernel
import Ledger
import Machines

/// Votes and transactions among peers.
extension Tendermint {
  /// Votes of the peer's round; to a peer that is a height behind, the precommits that decided it.
  mutating func gossipVotes(_ k: Int, _ effects: inout Effects<Self>) {
    let r = peers[k].round
    let id = peers[k].id
    if peers[k].height == height {
      guard r <= round, let place = votes.find(r) else { return }
      if let vr = votes[place].proposal?.validRound, vr > .none, peers[k].step == .propose,
        let proof = votes.find(vr)
      {
        Self.pass(
          votes[proof].prevotes, VoteWord(height, vr, .prevote), &peers[k].proof, to: id,
          committee.n, &effects)
      }
      Self.pass(
        votes[place].prevotes, VoteWord(height, r, .prevote), &peers[k].prevotes, to: id,
        committee.n, &effects)
      Self.pass(
        votes[place].precommits, VoteWord(height, r, .precommit), &peers[k].precommits, to: id,
        committee.n, &effects)
    } else if peers[k].height == past.height, let block = decided(past.height),
      let place = past.find(block.round)
    {
      Self.pass(
        past[place].precommits, VoteWord(past.height, block.round, .precommit),
        &peers[k].precommits, to: id, committee.n, &effects)
    }
  }

  /// Sends the votes of `set` that are not in `known`, value by value, and notes them there.
  private static func pass(
    _ set: borrowing VoteSet, _ head: VoteWord, _ known: inout InlineArray<8, UInt64>,
    to i: ReplicaID, _ n: Int, _ effects: inout Effects<Self>
  ) {
    for word in 0..<(n + 63) / 64 {
      let missing = set.voters[word] & ~known[word]
      guard missing != 0 else { continue }
      known[word] |= missing
      passWord(set, head, word, missing, nilVote, to: i, &effects)
      if set.leading != nilVote {
        passWord(set, head, word, missing, set.leading, to: i, &effects)
      }
      guard set.isSplit else { continue }
      for d in set.otherDigests { passWord(set, head, word, missing, d, to: i, &effects) }
    }
  }

  private static func passWord(
    _ set: borrowing VoteSet, _ head: VoteWord, _ word: Int, _ missing: UInt64, _ d: Digest,
    to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let voters = set.voters(word, for: d) & missing
    guard voters != 0 else { return }
    let bits = VoteWord(head.height, head.round, head.kind, word: word, voters: voters)
    effects.send(.votes(d: d, bits), to: i)
  }

  // MARK: Announcements

  /// New votes are told to all peers, those of some time together.
  mutating func armAnnouncement(_ effects: inout Effects<Self>) {
    guard !peers.isAnnouncing else { return }
    peers.isAnnouncing = true
    effects.arm(.announce, after: settings.gossip.announcement)
  }

  mutating func announce(_ effects: inout Effects<Self>) {
    peers.isAnnouncing = false
    for pair in 0..<(committee.n + 127) / 128 {
      for kind in [VoteKind.prevote, .precommit] {
        let (low, high) = peers.takeNew(kind, pair)
        guard low | high != 0 else { continue }
        let message = Message.hasVotes(
          low: low, high: high, h: height, r: round, kindAndPair: kind.rawValue << 4 | UInt8(pair))
        for peer in peers.links where peer.height == height { effects.send(message, to: peer.id) }
      }
    }
  }

  // MARK: Transactions

  /// Sends transactions in order of arrival, except those that the peer sent or that are decided.
  mutating func gossipTransactions(
    _ k: Int, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    var room = connectionRoom(k, at: now)
    // Parts of blocks have twice the priority of transactions (10 to 5 in CometBFT).
    if peers[k].isAwake { room = min(room, settings.gossip.part / 2) }
    while room > 0, peers[k].cursor < peers.arrived.endIndex {
      guard let part = takeUnknown(k) else { continue }
      let message = Message.transactions(part)
      let size = bytes(of: message, effects)
      room -= size
      spend(size, k, at: now)
      effects.send(message, to: peers[k].id)
    }
  }

  /// The next transactions for peer `k`; neighbours in order of arrival go together. nil if what
  /// the cursor passed was known.
  private mutating func takeUnknown(_ k: Int) -> TxRange? {
    let entry = peers.arrived[peers[k].cursor]
    guard var part = unknown(of: entry, k) else {
      peers[k].cursor += 1
      return nil
    }
    peers[k].known.insert(part)
    guard part.end == entry.end else { return part }
    peers[k].cursor += 1
    while peers[k].cursor < peers.arrived.endIndex {
      let next = peers.arrived[peers[k].cursor]
      guard next.population == part.population, next.first == part.end,
        unknown(of: next, k) == next
      else { break }
      part.count += next.count
      peers[k].known.insert(next)
      peers[k].cursor += 1
    }
    return part
  }

  /// Bytes that the connection takes before the routine wakes up again.
  private func connectionRoom(_ k: Int, at now: LocalTime) -> Int {
    let waiting = max((peers[k].busyUntil - now).nanoseconds, 0)
    let left = settings.gossip.sleep.nanoseconds - waiting
    return Int(max(left, 0)) / 1000 * settings.gossip.rate / 1_000_000
  }

  /// The first part of `entry` that is neither decided nor known to the peer.
  private func unknown(of entry: TxRange, _ k: Int) -> TxRange? {
    var rest = entry
    while rest.count > 0, let part = state.executed.firstGap(in: rest) {
      if let fresh = peers[k].known.firstGap(in: part) { return fresh }
      rest = rest.dropFirst(Int(part.end - rest.first))
    }
    return nil
  }
}

extension Tendermint.VoteWord {
  /// Of no votes yet.
  init(_ h: Tendermint.Height, _ r: Tendermint.Round, _ kind: Tendermint.VoteKind) {
    self.init(h, r, kind, word: 0, voters: 0)
  }
}

extension Tendermint.Peers {
  /// Votes of pair `pair` that were not announced yet; now they are.
  mutating func takeNew(_ kind: Tendermint.VoteKind, _ pair: Int) -> (UInt64, UInt64) {
    let word = pair * 2
    switch kind {
    case .prevote:
      defer {
        newPrevotes[word] = 0
        newPrevotes[word + 1] = 0
      }
      return (newPrevotes[word], newPrevotes[word + 1])
    case .precommit:
      defer {
        newPrecommits[word] = 0
        newPrecommits[word + 1] = 0
      }
      return (newPrecommits[word], newPrecommits[word + 1])
    }
  }
}
