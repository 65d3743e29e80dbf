import Kernel
import Ledger
import Machines
import Sharding

/// Who is on which committee, who is on the way to one, and what that took.
struct EpochBook: Sendable {
  /// A node that fetches the state of the shard whose place it is to take.
  struct Fetch: Sendable, BitwiseCopyable {
    var node: NodeID
    /// Parts of the state that have come.
    var parts: UInt64 = 0
    var tries = 0
    var generation: UInt64 = 0
    var began = SimTime.zero
  }

  /// Lanes of a node for the replica and the member that it hosts.
  struct Lanes: Sendable, BitwiseCopyable {
    var chain: Int
    var member: Int
  }

  var assignment: ShardAssignment
  var number: UInt64 = 0
  /// Steps of this epoch that have not begun.
  var steps: [[ShardAssignment.Move]] = []
  /// By member: the node that is to have its place next.
  var fetches: [Fetch?]
  /// Nodes that wait for a place, by shard.
  var waiting: [[NodeID]]
  /// By member: since when nobody has its place.
  var vacantSince: [SimTime]
  /// New members that have executed nothing since.
  var settling: [Int] = []
  /// By node.
  var lanes: [Lanes?] = []
  let seed: UInt64
  var swaps = 0
  var vacantSeconds = 0.0
  var longestVacancy = 0.0
  var fetchSeconds = 0.0
  var stateBytes = 0

  init(_ settings: ShardedLedgerSettings, members: Int, seed: UInt64) {
    let nodes = settings.shards.flatMap(\.nodes).map { Int($0.index) }.max() ?? 0
    assignment = ShardAssignment(nodes: nodes + 1, shards: settings.shards.count)
    for (s, shard) in settings.shards.enumerated() {
      for node in shard.nodes { assignment.place(node, in: ShardID(s)) }
    }
    fetches = Array(repeating: nil, count: members)
    waiting = Array(repeating: [], count: settings.shards.count)
    vacantSince = Array(repeating: .never, count: members)
    self.seed = seed
  }
}

// MARK: - Committees change

extension ShardedLedgerState {
  func startEpochs(_ world: inout World) {
    guard let epochs = settings.epochs else { return }
    world.schedule(
      Event(
        at: world.now + epochs.length, subsystem: index, kind: Kind.epoch.rawValue, target: 0))
  }

  mutating func upon(epochEvent event: Event, _ world: inout World) {
    let m = Int(event.target) - hostCount
    switch Kind(rawValue: event.kind) {
    case .epoch: beginEpoch(&world)
    case .stateRequest: serveState(event, at: m, &world)
    case .statePart: receiveState(event, at: m, &world)
    case .statePartReceived: take(statePart: event, at: m, &world)
    case .stateOverdue:
      guard let fetch = epochs.fetches[m], fetch.generation == event.payload.a else { return }
      epochs.fetches[m]?.tries += 1
      askForState(m, &world)
    default: preconditionFailure("event \(event.kind) of an epoch")
    }
  }

  /// Draws the committees of the next epoch. Those of the last one that were still on their way
  /// arrive first: an epoch that is too short for its moves begins late.
  private mutating func beginEpoch(_ world: inout World) {
    guard let rule = settings.epochs?.rule else { return }
    startEpochs(&world)
    if epochs.lanes.isEmpty { noteLanes(&world) }
    guard epochs.steps.isEmpty, epochs.settling.isEmpty, epochs.fetches.allSatisfy({ $0 == nil })
    else { return }
    epochs.number += 1
    let randomness = EpochRandomness(seed: epochs.seed, epoch: epochs.number)
    epochs.steps = rule.steps(from: epochs.assignment, leaving: [], joining: [], randomness)
    beginStep(&world)
  }

  private mutating func noteLanes(_ world: inout World) {
    epochs.lanes = Array(repeating: nil, count: world.machines.count)
    for m in members.indices {
      let place = settings.shards[members[m].shard].chainLanes[members[m].rank]
      epochs.lanes[Int(members[m].node.index)] = .init(chain: place, member: members[m].lane)
    }
  }

  /// The moves of one step: each node that comes gets a place of one that goes.
  private mutating func beginStep(_ world: inout World) {
    guard !epochs.steps.isEmpty else { return }
    let moves = epochs.steps.removeFirst()
    var leaving: [[Int]] = Array(repeating: [], count: shards.count)
    for move in moves {
      guard let from = move.from else { continue }
      if let m = members.firstIndex(where: { $0.node == move.node && !$0.isVacant }) {
        leaving[Int(from.index)].append(m)
      }
    }
    for move in moves { epochs.assignment.apply(move) }
    for s in shards.indices {
      var places = leaving[s].sorted()
      for move in moves where move.to == ShardID(s) { epochs.waiting[s].append(move.node) }
      while !places.isEmpty, !epochs.waiting[s].isEmpty {
        let node = epochs.waiting[s].removeFirst()
        let m = places.removeFirst()
        epochs.fetches[m] = EpochBook.Fetch(node: node, began: world.now)
        askForState(m, &world)
      }
    }
    if settings.epochs?.leavesAtOnce ?? false {
      for m in leaving.joined().sorted() { vacate(m, &world) }
    }
    // A step that moved nobody is over at once.
    if epochs.settling.isEmpty, epochs.fetches.allSatisfy({ $0 == nil }) { beginStep(&world) }
  }

  /// Nobody has place `m` any more.
  private mutating func vacate(_ m: Int, _ world: inout World) {
    guard !members[m].isVacant else { return }
    epochs.vacantSince[m] = world.now
    move(m, to: nil, &world)
  }

  /// Both roles of place `m`, the replica's and the member's, go to `node`.
  private func move(_ m: Int, to node: NodeID?, _ world: inout World) {
    let lanes = node.flatMap { epochs.lanes[Int($0.index)] }
    world.rehostings.append(
      Rehosting(
        subsystem: settings.shards[members[m].shard].chain, role: members[m].rank,
        place: node.flatMap { node in lanes.map { .init(node: node, lane: $0.chain) } }))
    world.rehostings.append(
      Rehosting(
        subsystem: index, role: hostCount + m,
        place: node.flatMap { node in lanes.map { .init(node: node, lane: $0.member) } }))
  }

  /// A member's place changes hands, right after the event that asked for it.
  mutating func rehost(_ role: Int, on place: Rehosting.Place?, _ world: inout World) {
    let m = role - hostCount
    world.withdraw(index, role: role, from: members[m].lane)
    members[m].ballots.removeAll()
    members[m].owed.removeAll()
    members[m].orders = SlidingArray()
    members[m].gathered.removeAll()
    members[m].watching = .never
    members[m].isVacant = place == nil
    guard let place else { return }
    members[m].node = place.node
    members[m].lane = place.lane
    remember(m, &world)
    resend(m, &world)
  }
}

// MARK: - State goes to new members

extension ShardedLedgerState {
  private var stateParts: Int { settings.epochs?.peers ?? 1 }

  /// Bytes of the state of the shard of place `m`: all parts together.
  private func stateBytes(of m: Int) -> Int {
    let s = UInt16(members[m].shard)
    return (settings.epochs?.history ?? 0)
      + ledger.home.reduce(0) { $0 + ($1 == s ? 1 : 0) } * settings.sizes.account
  }

  /// The node that is to have place `m` asks for the parts of the state that have not come.
  private mutating func askForState(_ m: Int, _ world: inout World) {
    guard let settings = settings.epochs, let fetch = epochs.fetches[m] else { return }
    epochs.fetches[m]?.generation += 1
    let s = members[m].shard
    let n = self.settings.shards[s].nodes.count
    for part in 0..<settings.peers where fetch.parts >> UInt64(part) & 1 == 0 {
      // Not the place itself: whoever leaves it may be gone.
      let peer = firstMember[s] + (members[m].rank + 1 + (part + fetch.tries) % max(n - 1, 1)) % n
      let bytes = self.settings.sizes.acknowledgement
      traffic.count(6, from: hostCount + m, bytes: bytes)
      world.transmit(
        Event(
          at: .zero, subsystem: index, kind: Kind.stateRequest.rawValue, target: UInt32(peer),
          payload: .init(UInt64(hostCount + m), UInt64(part), UInt64(fetch.node.index))),
        bytes: bytes,
        over: Route(
          from: fetch.node, to: node(of: peer), channel: index, sender: hostCount + m,
          connection: Route.unordered))
    }
    world.schedule(
      Event(
        at: world.now + settings.timeout, subsystem: index, kind: Kind.stateOverdue.rawValue,
        target: UInt32(hostCount + m), payload: .init(fetch.generation + 1)))
  }

  /// A member that has the state sends a part of it.
  private mutating func serveState(_ event: Event, at m: Int, _ world: inout World) {
    // Whoever has left its place keeps the state until somebody else has it.
    guard world.machines.isUp(members[m].node) else { return }
    let bytes = settings.sizes.header + stateBytes(of: m) / stateParts
    traffic.count(7, from: hostCount + m, bytes: bytes)
    epochs.stateBytes += bytes
    world.transmit(
      Event(
        at: .zero, subsystem: index, kind: Kind.statePart.rawValue,
        target: UInt32(event.payload.a), payload: .init(event.payload.b, UInt64(bytes))),
      bytes: bytes,
      over: Route(
        from: members[m].node, to: NodeID(Int(event.payload.c)), channel: index,
        sender: hostCount + m, connection: Route.unordered))
  }

  private mutating func receiveState(_ event: Event, at m: Int, _ world: inout World) {
    guard let fetch = epochs.fetches[m], world.machines.isUp(fetch.node) else { return }
    var later = event
    later.kind = Kind.statePartReceived.rawValue
    later.time = world.machines.receive(
      Int(event.payload.b), at: fetch.node, arrival: world.now)
    world.schedule(later)
  }

  private mutating func take(statePart event: Event, at m: Int, _ world: inout World) {
    guard var fetch = epochs.fetches[m], world.machines.isUp(fetch.node) else { return }
    fetch.parts |= 1 << event.payload.a
    epochs.fetches[m] = fetch
    if fetch.parts.nonzeroBitCount == stateParts { takePlace(m, fetch, &world) }
  }

  /// The new member has the state: it leaves its old place and takes the new one.
  private mutating func takePlace(_ m: Int, _ fetch: EpochBook.Fetch, _ world: inout World) {
    epochs.fetches[m] = nil
    epochs.fetchSeconds += (world.now - fetch.began).seconds
    epochs.swaps += 1
    if let old = members.firstIndex(where: { $0.node == fetch.node && !$0.isVacant }) {
      vacate(old, &world)
    }
    if members[m].isVacant, epochs.vacantSince[m] != .never {
      let vacancy = (world.now - epochs.vacantSince[m]).seconds
      epochs.vacantSeconds += vacancy
      epochs.longestVacancy = max(epochs.longestVacancy, vacancy)
    }
    epochs.vacantSince[m] = .never
    move(m, to: fetch.node, &world)
    epochs.settling.append(m)
  }

  /// A new member has executed something: it takes part. When all do, the next step begins.
  mutating func settle(_ m: Int, _ world: inout World) {
    guard let k = epochs.settling.firstIndex(of: m) else { return }
    epochs.settling.remove(at: k)
    if epochs.settling.isEmpty, epochs.fetches.allSatisfy({ $0 == nil }) { beginStep(&world) }
  }

  func reportEpochs(_ add: (String, String, Double?) -> Void) {
    let swaps = Double(epochs.swaps)
    add("epochs", "1", Double(epochs.number))
    add("members_swapped", "1", swaps)
    add("state_sync_bytes", "B", Double(epochs.stateBytes))
    add("state_sync_mean", "s", swaps > 0 ? epochs.fetchSeconds / swaps : nil)
    add("vacancy_mean", "s", swaps > 0 ? epochs.vacantSeconds / swaps : nil)
    add("vacancy_max", "s", epochs.longestVacancy)
  }
}
