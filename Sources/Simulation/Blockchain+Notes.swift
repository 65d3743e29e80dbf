import Consensus
import Kernel
import Ledger
import Machines
import Networking

// Gossip of small messages: who gets a note for the first time checks it, hands it to the protocol,
// and passes it on to its other neighbours on the note's topic; who has it already counts it.
//
// The event of a note: `a` is the note and the receiver's place in its topic, `b` bytes and the
// sender's place, `c` 1 once it is known to be new.

extension BlockchainState {
  private static var nowhere: UInt32 { .max }

  /// Numbers what node `i` gossips, and keeps it until its step is complete.
  mutating func collectNotes(of i: Int, at time: SimTime) {
    notes.drop(madeBefore: time - P.Content.noteLifetime)
    for (note, audience) in effects.gossiped {
      let place = place(of: i, on: note.topic)
      let number = notes.append(note, members: members(of: note.topic), at: time)
      if let place { _ = notes.see(number, place) }
      outputs.append(
        ChainOutput(
          kind: .gossip, item: number, connection: Self.nowhere,
          detail: UInt64(audience.first) | UInt64(audience.end) << 32))
    }
  }

  private func members(of topic: UInt32) -> Int {
    topic == TopicBook.everyone ? nodes.count : Int(effects.topics[topic].count)
  }

  private func place(of i: Int, on topic: UInt32) -> Int? {
    topic == TopicBook.everyone ? i : effects.topics.place(of: i, in: effects.topics[topic])
  }

  /// Sends a note from node `i` on its way, but not back to where it came from.
  mutating func gossip(_ output: ChainOutput, from i: Int, _ world: inout World) {
    guard notes.contains(output.item) else { return }
    let note = notes[output.item]
    let audience = Audience(
      Int(UInt32(truncatingIfNeeded: output.detail))..<Int(output.detail >> 32))
    if note.topic == TopicBook.everyone {
      var copies = 0
      for c in settings.topology.neighbours(of: i) {
        let peer = Int(settings.topology.neighbours[c])
        guard UInt32(peer) != output.connection, audience.contains(peer) else { continue }
        copies += 1
        transmit(note, output.item, to: peer, at: peer, from: i, at: UInt32(i), &world)
      }
      return count(note, from: i, copies: copies)
    }
    guard effects.topics.contains(note.topic) else { return }
    let topic = effects.topics[note.topic]
    // Who is no member sends to as many members as a member would ("fanout" of gossipsub).
    let own = effects.topics.place(of: i, in: topic)
    let start = own ?? Int(note.digest % UInt64(topic.count))
    var copies = 0
    for link in 0..<effects.topics.links(of: topic) {
      let to = effects.topics.neighbour(link, of: start, in: topic)
      guard UInt32(to) != output.connection else { continue }
      let peer = effects.topics.member(to, of: topic)
      guard audience.contains(peer) else { continue }
      copies += 1
      transmit(
        note, output.item, to: peer, at: to, from: i, at: own.map(UInt32.init) ?? Self.nowhere,
        &world)
    }
    count(note, from: i, copies: copies)
  }

  private mutating func count(_ note: Note, from i: Int, copies: Int) {
    traffic.count(
      ChainEvent.types.count + Int(note.kind), from: i, bytes: Int(note.bytes), copies: copies)
  }

  @inline(__always)
  private mutating func transmit(
    _ note: Note, _ number: UInt32, to peer: Int, at place: Int, from i: Int, at own: UInt32,
    _ world: inout World
  ) {
    let event = Event(
      at: .zero, subsystem: index, kind: ChainEvent.note, target: UInt32(peer),
      payload: .init(
        UInt64(number) | UInt64(place) << 32, UInt64(note.bytes) | UInt64(own) << 32))
    let route = Route(
      from: nodes[i].machine, to: nodes[peer].machine, channel: index, sender: i,
      connection: Route.unordered)
    switch settings.links {
    case .machines: world.transmit(event, bytes: Int(note.bytes), over: route)
    case .oneUploadAtATime(let control, _):
      world.propagate(event, bytes: Int(note.bytes), over: route, sent: world.now + control)
    }
  }

  /// Notes that the note of `event` has come; false if it had before, or is too old.
  @inline(__always)
  mutating func isNew(_ event: Event) -> Bool {
    let number = UInt32(truncatingIfNeeded: event.payload.a)
    guard notes.contains(number) else { return false }
    if notes.see(number, Int(event.payload.a >> 32)) { return true }
    let note = notes[number]
    traffic.countDuplicate(ChainEvent.types.count + Int(note.kind))
    books.duplicateBytes += Int(note.bytes)
    return false
  }

  /// Hands a note that is new to the protocol of node `i`.
  mutating func upon(note event: Event, at i: Int, _ time: SimTime, _ world: inout World) {
    let number = UInt32(truncatingIfNeeded: event.payload.a)
    guard notes.contains(number) else { return }
    let note = notes[number]
    let local = world.machines.localTime(of: nodes[i].machine, at: time)
    let before = standing(of: i)
    swap(&effects.random, &nodes[i].random)
    let passesOn = protocols[i].upon(note: note, at: local, &effects)
    swap(&effects.random, &nodes[i].random)
    noteStanding(of: i, after: before)
    guard passesOn else { return }
    outputs.append(
      ChainOutput(
        kind: .gossip, item: number,
        connection: UInt32(truncatingIfNeeded: event.payload.b >> 32),
        detail: UInt64(UInt32.max) << 32))
  }
}

// MARK: - Where a node stands

extension BlockchainState {
  /// The head of node `i`, and what it takes for irreversible.
  func standing(of i: Int) -> (head: BlockID, irreversible: BlockID?) {
    (protocols[i].head, protocols[i].irreversible)
  }

  /// If a step moved either, lets the node's mempool and the world follow.
  mutating func noteStanding(of i: Int, after before: (head: BlockID, irreversible: BlockID?)) {
    let now = standing(of: i)
    guard now.head != before.head || now.irreversible != before.irreversible else { return }
    if now.head != before.head { follow(now.head, by: i) }
    outputs.append(adoption(by: i))
  }
}
