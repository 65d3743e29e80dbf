import Consensus
import Kernel
import Ledger
import Machines

extension Tendermint {
  /// What a node knows of a peer, from the messages that they have exchanged (PeerRoundState).
  struct Peer: Sendable {
    let id: ReplicaID
    /// In which tick of the gossip sleep its routines wake up.
    let phase: Int
    var height = Height(0)
    var round = Round.none
    var step = Step.newHeight
    /// Votes and proposal that it has of its height and round.
    var prevotes = InlineArray<8, UInt64>(repeating: 0)
    var precommits = InlineArray<8, UInt64>(repeating: 0)
    /// Of the proof of lock that goes with the proposal.
    var proof = InlineArray<8, UInt64>(repeating: 0)
    var hasProposal = false
    /// Parts that it has of the block `partsOf`.
    var partsOf = nilVote
    var parts = InlineArray<16, UInt64>(repeating: 0)
    /// Next of the transactions to be passed on, and those that it has.
    var cursor = 0
    var known: TxSet
    /// When the connection will have taken what was sent.
    var busyUntil = LocalTime(nanoseconds: 0)
    /// Has more to be sent than fitted in a tick.
    var isAwake = false

    init(_ id: ReplicaID, phase: Int, populations: Int) {
      self.id = id
      self.phase = phase
      known = TxSet(populations: populations)
    }

    /// Forgets what it has of its round.
    mutating func forgetRound() {
      prevotes = InlineArray<8, UInt64>(repeating: 0)
      precommits = InlineArray<8, UInt64>(repeating: 0)
      proof = InlineArray<8, UInt64>(repeating: 0)
      hasProposal = false
      forgetParts()
    }

    mutating func forgetParts() {
      partsOf = nilVote
      parts = InlineArray<16, UInt64>(repeating: 0)
    }

    mutating func notePart(_ index: Int, of digest: Digest) {
      if partsOf != digest {
        forgetParts()
        partsOf = digest
      }
      parts[index >> 6] |= 1 << UInt64(index & 63)
    }
  }

  /// The peers of a node, and what it is to pass on to them.
  struct Peers: Sendable {
    let seed: UInt64
    private(set) var links: [Peer] = []
    /// Position in `links` by replica; -1: no peer.
    private var position: [Int16] = []
    /// Ticks of a gossip sleep, and how many have passed.
    let phases: Int
    var ticks = 0
    private var helper = 0

    // Votes of this height and round that were not announced yet.
    private var height = Height(0)
    private var round = Round.none
    var newPrevotes = InlineArray<8, UInt64>(repeating: 0)
    var newPrecommits = InlineArray<8, UInt64>(repeating: 0)
    var isAnnouncing = false

    /// Transactions in order of arrival, as long as a peer is to be sent them; all ever seen.
    var arrived = SlidingArray<TxRange>()
    private var seen: TxSet

    /// Votes that the verifiers have seen.
    var arrivals = ArrivedVotes()

    init(_ me: ReplicaID, members: Int, _ settings: Settings, seed: UInt64) {
      self.seed = seed
      let ticks = settings.gossip.sleep.nanoseconds / max(settings.gossip.tick.nanoseconds, 1)
      phases = max(Int(ticks), 1)
      seen = TxSet(populations: settings.populations)
      guard settings.dissemination == .gossip, Int(me.index) < members else { return }
      position = Array(repeating: -1, count: members)
      var draw = RandomStream(seed: seed, purpose: "gossip phases", entity: UInt64(me.index))
      for id in Self.neighbours(of: Int(me.index), members, settings.gossip, seed: seed) {
        position[id] = Int16(links.count)
        links.append(
          Peer(ReplicaID(id), phase: draw.range(0..<phases), populations: settings.populations))
      }
    }

    /// Each node dials its successors, so that nobody is cut off, and others at random.
    private static func neighbours(
      of me: Int, _ members: Int, _ gossip: Gossip, seed: UInt64
    ) -> [Int] {
      var isLinked = Array(repeating: false, count: members)
      for i in 0..<members {
        var stream = RandomStream(seed: seed, purpose: "peers", entity: UInt64(i))
        var dialled = (1...min(gossip.successors, members - 1)).map { (i + $0) % members }
        while dialled.count < min(gossip.degree / 2, members - 1) {
          let other = stream.range(0..<members)
          if other != i, !dialled.contains(other) { dialled.append(other) }
        }
        if i == me {
          for other in dialled { isLinked[other] = true }
        } else if dialled.contains(me) {
          isLinked[i] = true
        }
      }
      return isLinked.indices.filter { isLinked[$0] }
    }

    private func find(_ i: ReplicaID) -> Int? {
      guard Int(i.index) < position.count, position[Int(i.index)] >= 0 else { return nil }
      return Int(position[Int(i.index)])
    }

    subscript(k: Int) -> Peer {
      _read { yield links[k] }
      _modify { yield &links[k] }
    }

    /// Sends `message` to every peer.
    func tell(_ message: Message, _ effects: inout Effects<Tendermint>) {
      for peer in links { effects.send(message, to: peer.id) }
    }

    /// The peers in turn.
    mutating func takeHelper() -> ReplicaID {
      helper = (helper + 1) % links.count
      return links[helper].id
    }
  }
}

// MARK: - What messages tell of a peer

extension Tendermint.Peers {
  mutating func note(_ status: Tendermint.Status, of i: ReplicaID) {
    guard let k = find(i) else { return }
    // Statuses may pass each other.
    guard (status.height, status.round) >= (links[k].height, links[k].round) || status.isStalled
    else { return }
    if status.height != links[k].height || status.round != links[k].round || status.isStalled {
      links[k].forgetRound()
      links[k].height = status.height
      links[k].round = status.round
    }
    links[k].step = status.step
    if status.hasProposal { links[k].hasProposal = true }
  }

  mutating func noteVotes(_ word: Tendermint.VoteWord, of i: ReplicaID) {
    guard let k = find(i) else { return }
    note(word.voters, word.word, word.height, word.round, word.kind, k)
  }

  mutating func note(
    _ low: UInt64, _ high: UInt64, _ h: Tendermint.Height, _ r: Tendermint.Round,
    _ kindAndPair: UInt8, of i: ReplicaID
  ) {
    guard let k = find(i) else { return }
    let kind = kindAndPair >> 4 == 0 ? Tendermint.VoteKind.prevote : .precommit
    let word = Int(kindAndPair & 3) * 2
    note(low, word, h, r, kind, k)
    note(high, word + 1, h, r, kind, k)
  }

  private mutating func note(
    _ bits: UInt64, _ word: Int, _ h: Tendermint.Height, _ r: Tendermint.Round,
    _ kind: Tendermint.VoteKind, _ k: Int
  ) {
    guard links[k].height == h, links[k].round == r else { return }
    switch kind {
    case .prevote: links[k].prevotes[word] |= bits
    case .precommit: links[k].precommits[word] |= bits
    }
  }

  mutating func noteProposal(_ h: Tendermint.Height, _ r: Tendermint.Round, of i: ReplicaID) {
    guard let k = find(i), links[k].height == h, links[k].round == r else { return }
    links[k].hasProposal = true
  }

  mutating func notePart(_ index: Int, _ h: Tendermint.Height, _ d: Digest, of i: ReplicaID) {
    guard let k = find(i), links[k].height == h else { return }
    links[k].notePart(index, of: d)
  }

  mutating func noteBlock(_ h: Tendermint.Height, _ d: Digest, of i: ReplicaID) {
    guard let k = find(i), links[k].height == h else { return }
    links[k].partsOf = d
    links[k].parts = InlineArray<16, UInt64>(repeating: .max)
  }

  mutating func noteKnown(_ range: TxRange, by i: ReplicaID) {
    guard let k = find(i) else { return }
    links[k].known.insert(range)
  }

  /// What it has is unknown again.
  mutating func forgetParts(of i: ReplicaID) {
    guard let k = find(i) else { return }
    links[k].forgetParts()
  }

  mutating func forgetConnections() {
    isAnnouncing = false
    for k in links.indices {
      links[k].height = Tendermint.Height(0)
      links[k].forgetRound()
      links[k].busyUntil = LocalTime(nanoseconds: 0)
    }
  }
}

// MARK: - What this node has to pass on

extension Tendermint.Peers {
  /// This node is in another round: older votes are announced no more.
  mutating func advanceOwn(_ h: Tendermint.Height, _ r: Tendermint.Round) {
    guard h != height || r != round else { return }
    height = h
    round = r
    newPrevotes = InlineArray<8, UInt64>(repeating: 0)
    newPrecommits = InlineArray<8, UInt64>(repeating: 0)
  }

  /// A vote was counted here.
  mutating func noteVote(_ kind: Tendermint.VoteKind, _ r: Tendermint.Round, _ voter: ReplicaID) {
    guard r == round else { return }
    let bit: UInt64 = 1 << UInt64(voter.index & 63)
    switch kind {
    case .prevote: newPrevotes[Int(voter.index >> 6)] |= bit
    case .precommit: newPrecommits[Int(voter.index >> 6)] |= bit
    }
  }

  /// Transactions that no peer has sent before.
  mutating func noteTransactions(_ range: TxRange) {
    guard !links.isEmpty, range.count > 0 else { return }
    seen.insert(range)
    arrived.append(range)
  }

  /// The first part of `rest` that was not seen before; `rest` becomes what follows it.
  mutating func nextUnseen(in rest: inout TxRange) -> TxRange? {
    guard rest.count > 0, let part = seen.firstGap(in: rest) else { return nil }
    rest = rest.dropFirst(Int(part.end - rest.first))
    return part
  }

  /// Transactions that all peers were sent need not be kept.
  mutating func dropSent() {
    var oldest = arrived.endIndex
    for peer in links { oldest = min(oldest, peer.cursor) }
    arrived.dropFirst(before: oldest)
  }
}

extension Tendermint {
  /// Votes that have arrived, whatever the lane has handled: a known one is not verified again.
  struct ArrivedVotes: Sendable {
    private struct Entry: Sendable, BitwiseCopyable {
      var height = Height(0)
      var round = Round.none
      var kind = VoteKind.prevote
      var bits = InlineArray<8, UInt64>(repeating: 0)
    }

    private var entries: [Entry] = []

    /// How many votes of `word` are new.
    mutating func countNew(_ word: VoteWord, direct: Bool) -> Int {
      if direct { return word.voters.nonzeroBitCount }
      if entries.isEmpty { entries = Array(repeating: Entry(), count: 32) }
      let k =
        (Int(word.height.number) * 8 + Int(word.round.number & 3) * 2 + Int(word.kind.rawValue))
        % entries.count
      let entry = entries[k]
      if entry.height != word.height || entry.round != word.round || entry.kind != word.kind {
        entries[k] = Entry(height: word.height, round: word.round, kind: word.kind)
      }
      let fresh = word.voters & ~entries[k].bits[word.word]
      entries[k].bits[word.word] |= word.voters
      return fresh.nonzeroBitCount
    }
  }
}
