import Consensus
import Kernel
import Ledger
import Machines

/// Client transactions, and how they get to the proposers: any of them may be the next.
extension Tendermint {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    if effects.answers(requests, arrival, executed: state.executed, work: .zero) { return }
    let added = mempool.add(requests, executed: state.executed)
    switch settings.dissemination {
    case .direct:
      // Who resends sends to all, so that nobody needs to pass it on.
      if added > 0, arrival == .fromClient { effects.broadcast(.transactions(requests)) }
    case .gossip:
      if added > 0 { peers.noteTransactions(requests.prefix(added)) }
    }
    wake(&effects)
  }

  /// Transactions of another mempool.
  mutating func receive(_ range: TxRange, from i: ReplicaID, _ effects: inout Effects<Self>) {
    switch settings.dissemination {
    case .direct: mempool.add(range, executed: state.executed)
    case .gossip:
      peers.noteKnown(range, by: i)
      // What was seen is not taken again, though it may have been refused: CometBFT's cache of
      // seen transactions is twice the mempool.
      var rest = range
      while let part = peers.nextUnseen(in: &rest) { addToGossip(part) }
    }
    wake(&effects)
  }

  private mutating func addToGossip(_ range: TxRange) {
    let added = mempool.add(range, executed: state.executed)
    peers.noteTransactions(range.prefix(added))
  }
}
