import Consensus
import Kernel
import Ledger
import Machines

/// Sizes of messages from their fields, and what they cost the processor. Nobody lies, so nothing
/// is signed and nothing verified.
extension Raft {
  func bytes(ofEntry batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    guard batch != .none, effects.batches.contains(batch) else { return settings.sizes.entry }
    let content = effects.batches[batch]
    return settings.sizes.entry + content.bytes + content.transactions * settings.sizes.request
  }

  func bytes(of state: ReplicatedState) -> Int {
    settings.sizes.stateFixed + settings.sizes.statePerTransaction * state.transactions
  }

  public func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int {
    let (header, number) = (settings.sizes.header, settings.sizes.number)
    switch message {
    case .preVote, .requestVote: return header + 2 * number
    case .preVoteReply, .requestVoteReply: return header
    case .heartbeat: return header + 3 * number
    case .append(_, _, _, _, let batch):
      return header + 3 * number + bytes(ofEntry: batch, effects)
    case .appendMany(_, _, _, _, let body):
      guard case .entries(let entries) = effects.body(body) else { return header }
      return entries.reduce(header + 3 * number) { $0 + bytes(ofEntry: $1.batch, effects) }
    case .appendReply: return header + number
    case .installSnapshot(_, _, _, let body):
      guard case .snapshot(let state) = effects.body(body) else { return header }
      return header + 2 * number + bytes(of: state)
    }
  }

  public mutating func work(
    upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>
  ) -> Work {
    var requests = 0
    switch message {
    case .append(_, _, _, _, let batch): requests = transactions(batch, effects)
    case .appendMany(_, _, _, _, let body):
      if case .entries(let entries) = effects.body(body) {
        requests = entries.reduce(0) { $0 + transactions($1.batch, effects) }
      }
    default: break
    }
    return Work(
      verification: .zero, handling: settings.costs.handling(bytes: bytes, requests: requests))
  }

  private func transactions(_ batch: BatchHandle, _ effects: borrowing Effects<Self>) -> Int {
    batch != .none && effects.batches.contains(batch) ? effects.batches[batch].transactions : 0
  }

  public func work(uponRequests count: Int, bytes: Int) -> Work {
    settings.costs.work(uponRequests: count, bytes: bytes, verifies: false)
  }
}
