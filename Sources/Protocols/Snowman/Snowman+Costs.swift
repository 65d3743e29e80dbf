import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor.
extension Snowman {
  func bytes(of block: SnowmanBlock, _ effects: borrowing Effects<Self>) -> Int {
    settings.sizes.block
      + (effects.batches.contains(block.batch) ? effects.batches[block.batch].bytes : 0)
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let sizes = settings.sizes
    switch message {
    case .transactions(let range): return sizes.header + effects.sizes.bytes(of: range)
    case .pushQuery(let block, _), .put(let block):
      return sizes.header + bytes(of: block, effects)
    case .pullQuery, .get, .getAncestors: return sizes.header + sizes.digest
    // Preferred, preferred at the height, accepted: each by its digest.
    case .chits: return sizes.header + 3 * sizes.digest
    case .state(let handle):
      return sizes.header + sizes.block + sizes.stateFixed
        + sizes.statePerTransaction * effects.body(handle).state.transactions
    }
  }

  /// The channel authenticates its ends; only blocks and transactions carry signatures.
  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    let costs = settings.costs
    switch message {
    case .transactions(let range): return work(uponRequests: Int(range.count), bytes: bytes)
    case .pushQuery(let block, _), .put(let block):
      // Both kinds bring blocks that are new, but for a few.
      let isNew = effects.batches.contains(block.batch)
      let requests = isNew ? effects.batches[block.batch].transactions : 0
      let signatures = (isNew ? 1 : 0) + (settings.verifiesRequests ? requests : 0)
      return Work(
        verification: costs.verify * Int64(signatures) + costs.hashing(bytes),
        handling: costs.handling(bytes: bytes, requests: requests))
    case .pullQuery, .chits, .get, .getAncestors:
      return Work(verification: .zero, handling: costs.handling(bytes: bytes))
    case .state:
      return Work(
        verification: costs.verify + costs.hashing(bytes), handling: costs.handling(bytes: bytes))
    }
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(
      uponRequests: count, bytes: bytes, verifies: settings.verifiesRequests)
  }
}

// MARK: - What a faulty proposer sends

extension Snowman {
  public static var hasInvalidProposals: Bool { true }

  /// A block that no member of the committee has signed.
  public func invalidated(_ message: Message, _ effects: inout Effects<Self>) -> Message? {
    switch message {
    case .pushQuery(var block, let poll):
      block.maker = UInt16(committee.n)
      return .pushQuery(block, poll: poll)
    case .put(var block):
      block.maker = UInt16(committee.n)
      return .put(block)
    case .transactions, .pullQuery, .chits, .get, .getAncestors, .state: return nil
    }
  }
}
