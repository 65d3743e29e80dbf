import Consensus
import Kernel
import Ledger

/// A protocol with PBFT inside: a replica of PBFT takes the steps, and its host carries out what
/// the replica asks for, among more nodes than PBFT knows of. Messages and timers are PBFT's.
protocol PBFTHost: ConsensusProtocol
where Message == PBFT.Message, Timer == PBFT.Timer, Body == PBFT.Body {
  var core: PBFT { get set }
  /// The buffer of `core`, whose arenas are those of this node's own effects; `nil` before the
  /// first step, and during one.
  var inner: Effects<PBFT>? { get set }

  /// The node that `core` knows by this number.
  func node(_ replica: ReplicaID) -> ReplicaID
  /// To PBFT's committee.
  func broadcast(_ message: Message, _ effects: inout Effects<Self>)
  /// What is due to the nodes outside of the committee when `core` has decided.
  func tell(_ decision: Effects<PBFT>.Decision, _ effects: inout Effects<Self>)
}

extension PBFTHost {
  /// Lets the replica inside take a step, and carries out what it asks for.
  mutating func pass(
    _ effects: inout Effects<Self>, _ body: (inout PBFT, inout Effects<PBFT>) -> Void
  ) {
    if inner == nil { inner = Effects<PBFT>(sizes: effects.sizes, random: effects.random) }
    guard var own = inner.take() else { return }
    swap(&own.random, &effects.random)
    swap(&own.batches, &effects.batches)
    swap(&own.bodies, &effects.bodies)
    body(&core, &own)
    swap(&own.random, &effects.random)
    swap(&own.batches, &effects.batches)
    swap(&own.bodies, &effects.bodies)
    for change in own.timerChanges {
      switch change {
      case .arm(let timer, let delay): effects.arm(timer, after: delay)
      case .disarm(let slot): effects.disarm(slot: slot)
      }
    }
    for item in own.items { carryOut(item, &effects) }
    effects.charge(own.charged)
    effects.write(own.written)
    own.items.removeAll(keepingCapacity: true)
    own.timerChanges.removeAll(keepingCapacity: true)
    own.charged = .zero
    own.written = 0
    inner = consume own
  }

  private func carryOut(_ item: Effects<PBFT>.Effect, _ effects: inout Effects<Self>) {
    switch item {
    case .send(let to, let message): effects.send(message, to: node(to))
    case .broadcast(let message): broadcast(message, &effects)
    case .forward(let range, let to): effects.forward(range, to: node(to))
    case .decide(let decision):
      effects.decide(
        Effects<Self>.Decision(
          slot: decision.slot, batch: decision.batch, state: decision.state,
          transactions: decision.transactions))
      tell(decision, &effects)
    case .replyAgain(let range, let state): effects.replyAgain(range, state: state)
    case .caughtUp(let slot, let transactions, let state):
      effects.caughtUp(to: slot, transactions: transactions, state: state)
    case .accuse(let other): effects.accuse(node(other))
    }
  }
}
