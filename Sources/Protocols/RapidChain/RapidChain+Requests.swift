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
    if state.executed.contains(requests) {
      // Whose reply was lost sends again to all.
      if arrival == .retransmitted {
        effects.charge(settings.costs.sign)
        effects.replyAgain(requests, state: replyDigest(requests))
      }
      return
    }
    let next = leader(of: gossiping + 1)
    if arrival == .fromClient, next != me {
      effects.forward(requests, to: next)
    } else {
      mempool.add(requests, executed: state.executed)
    }
  }

  private func replyDigest(_ range: TxRange) -> Digest {
    var digest = RunDigest(range.first)
    digest.fold(UInt64(range.population), UInt64(range.count))
    return Digest(digest.value)
  }

  /// A leader passes on what its block did not hold.
  mutating func handOn(_ effects: inout Effects<Self>) {
    let next = leader(of: gossiping + 1)
    guard next != me else { return }
    while let range = mempool.oldest {
      mempool.decided(range)
      effects.forward(range, to: next)
    }
  }
}
