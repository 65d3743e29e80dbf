import Kernel
import Machines
import Sharding

// MARK: - Sending

extension ShardedLedgerState {
  /// Hands a message to the network.
  mutating func transmit(
    _ kind: Kind, _ payload: Event.Payload, bytes: Int, from: Int, to: Int, type: Int? = nil,
    _ world: inout World
  ) {
    let type = type ?? Self.type(of: kind)
    traffic.count(type, from: from, bytes: bytes)
    var event = Event(
      at: .zero, subsystem: index, kind: kind.rawValue, target: UInt32(to), payload: payload)
    if settings.routing == .tables, kind == .bundle || kind == .demand { address(&event, from) }
    world.transmit(
      event, bytes: bytes,
      over: Route(
        from: node(of: from), to: node(of: Int(event.target)), channel: index, sender: from,
        connection: Route.unordered))
  }

  func node(of role: Int) -> NodeID {
    role < hostCount ? hosts[role].node : members[role - hostCount].node
  }

  /// Of a message, for the counters.
  private static func type(of kind: Kind) -> Int {
    switch kind {
    case .bundle: 3
    case .receipts, .answer: 4
    case .acknowledgement: 5
    case .stateRequest: 6
    case .statePart: 7
    case .demand: 9
    default: 2
    }
  }
}

// MARK: - Receiving

extension ShardedLedgerState {
  /// A message is at member `m`: it counts once its last bit is there and what it says is checked.
  mutating func receive(_ event: Event, at m: Int, _ world: inout World) {
    let bytes = Int(event.payload.b & 0xFFFF_FFFF)
    let (kind, isChecked) = received(event)
    if !isChecked, node(ofSender: event) != members[m].node {
      let ready = world.machines.receive(bytes, at: members[m].node, arrival: world.now)
      if ready > world.now {
        var later = event
        later.time = ready
        later.kind = kind.rawValue
        return world.schedule(later)
      }
    }
    let (signatures, requests) = contents(of: event, kind)
    let verification = settings.costs.verify * Int64(signatures)
    let handling = settings.costs.handling(bytes: bytes, requests: requests)
    members[m].processor += verification + handling
    var step = event
    step.kind = kind.rawValue
    let handled = world.admit(
      step, to: members[m].lane, of: members[m].node, ready: world.now, verification, handling)
    if let handled { serve(step, at: handled, &world) }
  }

  /// The kind of a message that is received, and whether it is already.
  private func received(_ event: Event) -> (kind: Kind, isChecked: Bool) {
    switch Kind(rawValue: event.kind) {
    case .order: (.orderReceived, false)
    case .demand: (.demandReceived, false)
    case .relayed: (.relayedReceived, false)
    case .orderReceived: (.orderReceived, true)
    case .demandReceived: (.demandReceived, true)
    case .relayedReceived: (.relayedReceived, true)
    case .bundle: (.bundleReceived, false)
    default: (.bundleReceived, true)
    }
  }

  private func node(ofSender event: Event) -> NodeID {
    switch Kind(rawValue: event.kind) {
    case .order: node(of: Int(event.payload.d))
    default: node(of: Int(event.payload.b >> 32))
    }
  }

  /// Signatures to check in a message, and requests to handle.
  private func contents(of event: Event, _ kind: Kind) -> (signatures: Int, requests: Int) {
    let (source, k) = (Int(event.payload.a >> 32), Int(event.payload.a & 0xFFFF_FFFF))
    switch kind {
    case .orderReceived:
      // The clients' own.
      let count = Int(event.payload.b >> 32)
      return (count, count)
    case .demandReceived:
      let count = Int(shards[source].demands[k].count)
      return (count + 1, count)
    case .relayedReceived: return (0, 0)
    default:
      let bundle = shards[source].bundles[k]
      return (settings.proofSignatures, Int(bundle.operations + bundle.votes))
    }
  }

  /// Member carries out a message that is checked.
  mutating func serve(_ event: Event, at time: SimTime, _ world: inout World) {
    let m = Int(event.target) - hostCount
    switch Kind(rawValue: event.kind) {
    case .orderReceived: take(order: event, at: m, time, &world)
    case .demandReceived: take(demand: event, at: m, time, &world)
    case .relayedReceived: passOn(event, at: m, &world)
    default: take(event, at: time, &world)
    }
  }
}
