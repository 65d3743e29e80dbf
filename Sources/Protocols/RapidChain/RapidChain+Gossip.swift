import Consensus
import Kernel
import Ledger
import Machines

/// IDA-gossip (§4.2): the leader cuts its block into chunks, adds coded ones, and sends each of
/// its neighbours a set of its own; members pass on what they get, and put the block together
/// from enough chunks.
extension RapidChain {
  /// Sets of chunks of one block that have come, by the neighbour of the leader they began with.
  struct Pieces: Sendable, BitwiseCopyable {
    var batch = BatchHandle.none
    var root = Digest(0)
    var groups: UInt64 = 0
  }

  /// A block that is there, whole.
  struct Content: Sendable, BitwiseCopyable {
    var root: Digest
    var batch: BatchHandle
    var iteration: UInt32
  }

  /// Chunks in a set; the first sets have one more where the number does not divide.
  func chunks(inGroup group: Int) -> Int {
    let chunks = settings.gossip.chunks
    return chunks / neighbours.count + (group < chunks % neighbours.count ? 1 : 0)
  }

  /// Chunks in the sets of `mask`.
  private func chunks(in mask: UInt64) -> Int {
    let longer = settings.gossip.chunks % neighbours.count
    return settings.gossip.chunks / neighbours.count * mask.nonzeroBitCount
      + (mask & ((1 << UInt64(longer)) - 1)).nonzeroBitCount
  }

  var dataChunks: Int { settings.gossip.chunks - settings.gossip.parity }

  /// Sends the block of iteration `k` on its way, as its leader.
  mutating func disseminate(_ k: UInt32, _ effects: inout Effects<Self>) {
    guard leader(of: k) == me, let a = place(k), !mempool.isEmpty else { return }
    if isRecovering { return handOn(&effects) }
    mempool.take(
      atMost: settings.blockTransactions, bytes: settings.blockBytes, sizes: effects.sizes,
      into: &effects.batches)
    let batch = effects.batches.seal(salt: UInt64(k) << 32 | UInt64(me.index))
    let root = effects.batches[batch].digest
    attempts[a].pieces.0 = Pieces(batch: batch, root: root, groups: .max)
    contents.append(Content(root: root, batch: batch, iteration: k))
    let bytes = bytes(ofContent: batch, effects)
    effects.charge(
      codingTime(settings.encoding, bytes) + settings.costs.sign
        + hashingChunks(settings.gossip.chunks, of: bytes))
    for group in neighbours.indices {
      effects.send(.piece(k: k, batch: batch, group: UInt16(group)), to: neighbours[group])
    }
    handOn(&effects)
  }

  mutating func collect(
    _ k: UInt32, _ batch: BatchHandle, _ group: Int, from i: ReplicaID,
    _ effects: inout Effects<Self>
  ) {
    guard let a = place(k), effects.batches.contains(batch), group < neighbours.count,
      attempts[a].leader != me
    else { return }
    let root = effects.batches[batch].digest
    let isFirst = attempts[a].pieces.0.batch == .none || attempts[a].pieces.0.root == root
    if !isFirst {
      if attempts[a].pieces.1.batch != .none, attempts[a].pieces.1.root != root { return }
      expose(a, attempts[a].pieces.0.root, root, &effects)
    }
    var pieces = isFirst ? attempts[a].pieces.0 : attempts[a].pieces.1
    if pieces.batch == .none { (pieces.batch, pieces.root) = (batch, root) }
    let bit: UInt64 = 1 << UInt64(group)
    guard pieces.groups & bit == 0 else { return }
    let before = chunks(in: pieces.groups)
    pieces.groups |= bit
    if isFirst { attempts[a].pieces.0 = pieces } else { attempts[a].pieces.1 = pieces }
    for neighbour in neighbours where neighbour != i && neighbour != attempts[a].leader {
      switch settings.gossip.spread {
      case .push: effects.send(.piece(k: k, batch: batch, group: UInt16(group)), to: neighbour)
      case .announce:
        effects.send(.have(k: k, batch: batch, group: UInt16(group)), to: neighbour)
      }
    }
    let now = chunks(in: pieces.groups)
    guard before < dataChunks, now >= dataChunks else { return }
    reconstruct(pieces, k, &effects)
  }

  /// Enough chunks have come. The code is systematic: it is decoded only if a data chunk lacks.
  private mutating func reconstruct(
    _ pieces: Pieces, _ k: UInt32, _ effects: inout Effects<Self>
  ) {
    let bytes = bytes(ofContent: pieces.batch, effects)
    var whole = 0
    while whole < neighbours.count, pieces.groups & (1 << UInt64(whole)) != 0 { whole += 1 }
    let leading = whole == 64 ? UInt64.max : (1 << UInt64(whole)) - 1
    if chunks(in: leading) < dataChunks { effects.charge(codingTime(settings.decoding, bytes)) }
    hold(pieces.root, pieces.batch, k, &effects)
  }

  /// A block has come whole.
  mutating func hold(
    _ root: Digest, _ batch: BatchHandle, _ k: UInt32, _ effects: inout Effects<Self>
  ) {
    guard content(of: root) == nil else { return }
    contents.append(Content(root: root, batch: batch, iteration: k))
    if settings.verifiesRequests {
      effects.charge(settings.costs.verify * Int64(effects.batches[batch].transactions))
    }
    // What waits here goes on waiting, or leaders that lie could keep it out of others' blocks.
    executeAccepted(&effects)
  }

  func content(of root: Digest) -> BatchHandle? {
    contents.first { $0.root == root }?.batch
  }

  func hasContent(_ header: Header) -> Bool {
    header.batch == .none || content(of: header.root) != nil
  }

  /// Asks for the block of `header`: who proposes it, or everybody in turn.
  mutating func want(
    _ header: Header, from proposer: ReplicaID? = nil, _ effects: inout Effects<Self>
  ) {
    guard header.height > tip.height, !hasContent(header) else { return }
    effects.charge(settings.costs.sign)
    effects.send(.want(root: header.root, batch: header.batch), to: proposer ?? takeHelper())
  }

  mutating func sendBlock(
    _ root: Digest, _ batch: BatchHandle, to i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    let held = content(of: root) ?? (history.contains { $0.root == root } ? batch : nil)
    guard let held, effects.batches.contains(held) else { return }
    effects.charge(settings.costs.sign)
    effects.send(.block(held), to: i)
  }

  mutating func receive(_ batch: BatchHandle, _ effects: inout Effects<Self>) {
    guard batch != .none, effects.batches.contains(batch) else { return }
    let root = effects.batches[batch].digest
    guard let header = candidates.first(where: { $0.header.root == root })?.header else { return }
    hold(root, batch, header.iteration, &effects)
  }

  /// Blocks that can no longer be accepted are given up; their transactions wait again.
  mutating func giveUpBlocks(_ effects: inout Effects<Self>) {
    guard contents.contains(where: isObsolete) else { return }
    var isOwn = false
    for content in contents where isObsolete(content) {
      guard effects.batches.contains(content.batch) else { continue }
      if leader(of: content.iteration) == me { isOwn = true }
      for r in 0..<effects.batches.rangeCount(of: content.batch) {
        mempool.giveBack(effects.batches.range(r, of: content.batch))
      }
    }
    contents.removeAll(where: isObsolete)
    if isOwn { handOn(&effects) }
  }

  private func isObsolete(_ content: Content) -> Bool {
    if content.iteration <= tip.iteration { return true }
    // Of an iteration without a header, or with one that was not built on.
    return content.iteration + UInt32(Self.memory) <= iteration
      && !candidates.contains { $0.header.root == content.root }
  }
}
