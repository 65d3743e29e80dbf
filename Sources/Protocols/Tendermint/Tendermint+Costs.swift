import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension Tendermint {
  /// A prevote or precommit, or a proposal without its block.
  var voteBytes: Int { settings.sizes.header + settings.sizes.digest + settings.sizes.signature }

  func bytes(ofContent batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return 0 }
    let content = effects.batches[batch]
    return content.bytes + content.transactions * settings.sizes.transaction
  }

  /// The precommits that a block brings along: of the commit before.
  private var commitBytes: Int { committee.n * (settings.sizes.signature + settings.sizes.number) }

  /// A block as it is proposed: header, transactions, last commit.
  func bytes(ofBlock batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    settings.sizes.header + 2 * settings.sizes.digest + commitBytes
      + bytes(ofContent: batch, effects)
  }

  func parts(ofBlock batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    let size = settings.gossip.part
    return min(max((bytes(ofBlock: batch, effects) + size - 1) / size, 1), 1024)
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .proposal(_, _, _, _, let batch):
      return voteBytes + sizes.number
        + (settings.dissemination == .direct ? bytes(ofBlock: batch, effects) : 0)
    case .prevote, .precommit: return voteBytes
    case .transactions(let range):
      return Int(range.count) * (sizes.header + sizes.transaction) + effects.sizes.bytes(of: range)
    case .status: return sizes.header + sizes.number
    case .votes(_, let word): return word.voters.nonzeroBitCount * voteBytes
    case .hasVotes(let low, let high, _, _, _):
      return (low.nonzeroBitCount + high.nonzeroBitCount) * (sizes.header + sizes.number)
    case .part(_, _, let index, _, let batch):
      let whole = bytes(ofBlock: batch, effects)
      let size = min(settings.gossip.part, max(whole - Int(index) * settings.gossip.part, 0))
      return sizes.header + sizes.digest + size
    case .hasBlock: return sizes.header + sizes.digest
    case .fetchBlocks: return sizes.header + sizes.number
    case .block(_, let body), .state(_, let body):
      switch effects.body(body) {
      case .block(let block):
        return sizes.header + bytes(ofBlock: block.batch, effects) + commitBytes
      case .state(let snapshot):
        return sizes.header + voteBytes + commitBytes + bytes(of: snapshot.state)
      }
    }
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    switch message {
    case .prevote, .precommit:
      return Work(verification: costs.verify, handling: costs.handling(bytes: bytes))
    case .proposal(_, _, _, _, let batch):
      let isWhole = settings.dissemination == .direct && effects.batches.contains(batch)
      let content = isWhole ? effects.batches[batch].transactions : 0
      return Work(
        verification: costs.verify + (isWhole ? costs.hashing(bytes) : .zero),
        handling: costs.handling(bytes: bytes, requests: content))
    case .transactions(let range):
      return workUponTransactions(range, bytes: bytes)
    case .votes(_, let word):
      let fresh = peers.arrivals.countNew(word, direct: settings.dissemination == .direct)
      return Work(
        verification: costs.verify * Int64(fresh),
        handling: handling(votes: word.voters.nonzeroBitCount, bytes: bytes))
    case .hasVotes(let low, let high, _, _, _):
      return Work(
        verification: .zero,
        handling: handling(votes: low.nonzeroBitCount + high.nonzeroBitCount, bytes: bytes))
    case .part:
      // A last part that is not full takes its share.
      let share = settings.gossip.partWork.nanoseconds * Int64(bytes) / Int64(settings.gossip.part)
      return Work(
        verification: costs.hashing(bytes),
        handling: costs.handling(bytes: bytes) + SimDuration(nanoseconds: share))
    case .status, .hasBlock, .fetchBlocks:
      return Work(verification: .zero, handling: costs.handling(bytes: bytes))
    case .block, .state:
      return Work(
        verification: costs.verify * Int64(committee.quorum) + costs.hashing(bytes),
        handling: costs.handling(bytes: bytes))
    }
  }

  /// Votes that travel together here are messages of their own on the wire.
  private func handling(votes: Int, bytes: Int) -> SimDuration {
    settings.costs.handling(bytes: bytes)
      + (settings.costs.message + settings.gossip.voteWork) * Int64(votes)
      - settings.costs.message
  }

  /// So are transactions. Each connection has a thread of its own for them.
  private func workUponTransactions(_ range: TxRange, bytes: Int) -> Work {
    let count = Int64(range.count)
    let each = settings.costs.message + settings.costs.request
    let once = settings.costs.handling(bytes: bytes) - settings.costs.message
    return Work(verification: each * count + once, handling: .zero)
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(uponRequests: count, bytes: bytes, verifies: false)
  }
}

// MARK: - Invalid proposals

extension Tendermint {
  public static var hasInvalidProposals: Bool { true }

  /// The same with another id than its block's.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    guard case .proposal(let h, let r, let vr, let d, let batch) = message, h >= height,
      proposerOf(h, r) == me
    else { return nil }
    return .proposal(h: h, r: r, vr: vr, d: d.followed(by: Digest(1)), batch: batch)
  }
}
