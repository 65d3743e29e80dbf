import Consensus
import Kernel
import Ledger
import Machines

/// Transactions come to any member, which passes them on to the leader whose block is next.
extension RapidChain {
  public mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    let cost = settings.costs.sign
    if effects.answers(requests, arrival, executed: state.executed, work: cost) { return }
    let next = leader(of: gossiping + 1)
    if arrival == .fromClient, next != me {
      effects.forward(requests, to: next)
    } else {
      mempool.add(requests, executed: state.executed)
    }
  }

  /// A leader passes on what its block did not hold, as much as the next can hold. Under more load
  /// than blocks carry, the rest waits here until it leads again.
  mutating func handOn(_ effects: inout Effects<Self>) {
    let next = leader(of: gossiping + 1)
    guard next != me else { return }
    var (count, bytes) = (0, 0)
    while count < settings.blockTransactions, let oldest = mempool.oldest {
      let range = oldest.prefix(settings.blockTransactions - count)
      bytes += effects.sizes.bytes(of: range)
      guard bytes <= settings.blockBytes || count == 0 else { return }
      count += Int(range.count)
      mempool.decided(range)
      effects.forward(range, to: next)
    }
  }
}
