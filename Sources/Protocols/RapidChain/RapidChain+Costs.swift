import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields.
extension RapidChain {
  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * settings.sizes.request
  }

  /// Of a chunk of a block of `bytes`: all are as large as the data chunks.
  private func chunkBytes(of bytes: Int) -> Int { (bytes + dataChunks - 1) / dataChunks }

  /// Hashes on the way from a chunk to the root.
  private var pathLength: Int {
    let chunks = settings.gossip.chunks
    return chunks <= 1 ? 0 : Int.bitWidth - (chunks - 1).leadingZeroBitCount
  }

  /// A set of chunks, each with its number and path, and the signed root.
  private func pieceBytes(_ group: Int, of bytes: Int) -> Int {
    let sizes = settings.sizes
    return sizes.message + sizes.digest + sizes.signature
      + chunks(inGroup: group)
      * (sizes.number + chunkBytes(of: bytes) + pathLength * sizes.digest)
  }

  /// f + 1 echoes of one header.
  var proofBytes: Int {
    switch settings.proof {
    case .echoes: committee.quorum * (settings.sizes.signature + settings.sizes.number)
    case .aggregate: settings.sizes.signature + (committee.n + 7) / 8
    }
  }

  private func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    let envelope = sizes.message + sizes.signature
    let header = sizes.header + sizes.signature
    switch message {
    case .piece(_, let batch, let group):
      return pieceBytes(Int(group), of: bytes(ofContent: batch, effects))
    case .have: return sizes.message + sizes.digest + sizes.signature + sizes.number
    case .fetch: return sizes.message + sizes.digest + sizes.number
    case .propose(_, let body):
      guard case .proposal(let proposal) = effects.body(body) else { return envelope }
      return envelope + sizes.header + proposal.pending.count * header
        + (proposal.certified == nil ? 0 : proofBytes)
    case .echo: return envelope + header
    case .pending: return envelope + 2 * header
    case .accept, .certified: return envelope + header + proofBytes
    case .want: return envelope + sizes.digest
    case .block(let batch): return envelope + bytes(ofContent: batch, effects)
    case .ask: return envelope + 2 * sizes.number
    case .answer(let body):
      guard case .answer(let answer) = effects.body(body) else { return envelope }
      var total = envelope + sizes.number + header + proofBytes + answer.headers.count * header
      if answer.isWhole {
        for block in answer.headers { total += bytes(ofContent: block.batch, effects) }
      }
      if answer.snapshot != nil { total += sizes.number + sizes.digest + header }
      return total + (answer.state.map { bytes(of: $0) } ?? 0)
    }
  }
}

/// What messages cost the processor.
extension RapidChain {
  /// What has arrived of an iteration, whatever the lane has handled.
  struct Arrival: Sendable, BitwiseCopyable {
    var iteration: UInt32 = 0
    var batch = BatchHandle.none
    var groups: UInt64 = 0
    var echoes: UInt16 = 0
  }

  func codingTime(_ perMebibyte: SimDuration, _ bytes: Int) -> SimDuration {
    SimDuration(nanoseconds: perMebibyte.nanoseconds * Int64(bytes) / 1_048_576)
  }

  /// Hashing `count` chunks of a block of `bytes`, and the nodes above them.
  func hashingChunks(_ count: Int, of bytes: Int) -> SimDuration {
    settings.costs.hashing(chunkBytes(of: bytes)) * Int64(count)
      + settings.costs.hashing(2 * settings.sizes.digest) * Int64(count)
  }

  /// A chunk is hashed, and so is each node of its path.
  private func checkingChunks(_ count: Int, of bytes: Int) -> SimDuration {
    (settings.costs.hashing(chunkBytes(of: bytes))
      + settings.costs.hashing(2 * settings.sizes.digest) * Int64(pathLength)) * Int64(count)
  }

  private mutating func arrival(_ k: UInt32) -> Int {
    let a = Int(k) % Self.ring
    if arrivals[a].iteration < k { arrivals[a] = Arrival(iteration: k) }
    return a
  }

  private var checkingProof: SimDuration {
    switch settings.proof {
    case .echoes: settings.costs.verify * Int64(committee.quorum)
    case .aggregate: settings.costs.verify
    }
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    var verification = costs.verify
    switch message {
    case .piece(let k, let batch, let group):
      return Work(
        verification: checking(k, batch, Int(group), effects),
        handling: costs.handling(bytes: bytes))
    case .propose(_, let body):
      if case .proposal(let proposal) = effects.body(body) {
        verification += costs.verify * Int64(proposal.pending.count)
        if proposal.certified != nil { verification += checkingProof }
      }
    case .echo(_, _, let k):
      let a = arrival(k)
      if arrivals[a].iteration == k { arrivals[a].echoes += 1 }
    case .accept(_, _, let k):
      // Its echoes are known, but for those that did not come.
      let a = arrival(k)
      let isKnown = arrivals[a].iteration == k && Int(arrivals[a].echoes) + 2 >= committee.quorum
      if !isKnown { verification += checkingProof }
    case .pending: verification += costs.verify * 2
    case .certified: verification += checkingProof
    case .block: verification += costs.hashing(bytes)
    case .answer(let body):
      verification += checkingProof
      if case .answer(let answer) = effects.body(body), answer.isWhole || answer.state != nil {
        verification += costs.hashing(bytes)
      }
    case .have(let k, let batch, _):
      // The root's signature is checked once.
      let a = arrival(k)
      if arrivals[a].iteration == k {
        if arrivals[a].batch == batch { verification = .zero }
        if arrivals[a].batch == .none { arrivals[a].batch = batch }
      }
    case .fetch: verification = .zero
    case .want, .ask: break
    }
    return Work(verification: verification, handling: costs.handling(bytes: bytes))
  }

  /// Only the first copy of a set is checked, and the root's signature with the first set.
  private mutating func checking(
    _ k: UInt32, _ batch: BatchHandle, _ group: Int, _ effects: borrowing Effects<Self>
  ) -> SimDuration {
    let a = arrival(k)
    let bytes = bytes(ofContent: batch, effects)
    let chunks = checkingChunks(chunks(inGroup: group), of: bytes)
    guard arrivals[a].iteration == k,
      arrivals[a].batch == .none || arrivals[a].batch == batch
    else { return settings.costs.verify + chunks }
    let isFirst = arrivals[a].batch == .none
    let bit: UInt64 = 1 << UInt64(group)
    guard arrivals[a].groups & bit == 0 else { return .zero }
    arrivals[a].batch = batch
    arrivals[a].groups |= bit
    return chunks + (isFirst ? settings.costs.verify : .zero)
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(
      uponRequests: count, bytes: bytes, verifies: settings.verifiesRequests)
  }
}
