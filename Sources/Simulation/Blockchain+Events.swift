import Consensus
import Kernel
import Ledger
import Machines
import Networking

// MARK: - Events

extension BlockchainState {
  mutating func start(_ world: inout World) {
    foreseesDuplicates =
      settings.links != .machines && !known.keepsAnnouncers && !world.usesReferenceLanes
      && world.network.isUndisturbed && !isAttacked
    for i in nodes.indices {
      let local = world.machines.localTime(of: nodes[i].machine, at: world.now)
      swap(&effects.random, &nodes[i].random)
      protocols[i].start(at: local, &effects)
      swap(&effects.random, &nodes[i].random)
      finish(i, handled: world.now, &world)
    }
  }

  mutating func handle(_ event: Event, _ world: inout World) {
    let i = Int(event.target)
    let kind = event.kind
    if kind < ChainEvent.messagesEnd {
      if event.payload.c >> 63 == 1 { endUpload(event, &world) }
      guard world.machines.isUp(nodes[i].machine) else { return }
      receive(event, at: i, &world)
      return
    }
    if kind == ChainEvent.departure {
      depart(i, count: Int(event.payload.b), epoch: event.payload.a, &world)
      return
    }
    if kind == ChainEvent.held { return release(event, &world) }
    guard world.machines.isUp(nodes[i].machine) else {
      if kind >= ChainEvent.received { nodes[i].receiving -= 1 }
      return
    }
    switch kind {
    case ChainEvent.lottery:
      guard event.payload.a == UInt64(nodes[i].lottery) else { return }
      var step = event
      step.payload.b = UInt64(nodes[i].template.index)
      admit(step, at: i, ready: world.now, &world)
    case ChainEvent.timer:
      guard event.payload.a == UInt64(nodes[i].timer) else { return }
      admit(event, at: i, ready: world.now, &world)
    case ChainEvent.uploadEnd:
      startUpload(i, generation: UInt32(truncatingIfNeeded: event.payload.a), &world)
    case ChainEvent.blockOverdue, ChainEvent.bundleOverdue:
      admit(event, at: i, ready: world.now, &world)
    default:
      nodes[i].receiving -= 1
      admit(event, at: i, ready: world.now, &world)
    }
  }

  private mutating func receive(_ event: Event, at i: Int, _ world: inout World) {
    if event.kind == Boundary.submit { register(Submission(event.payload)) }
    guard settings.links == .machines || event.kind == Boundary.submit else {
      return admit(event, at: i, ready: world.now, &world)
    }
    let bytes = self.bytes(of: event)
    let ready = world.machines.receive(bytes, at: nodes[i].machine, arrival: world.now)
    if ready - world.now <= receptionPatience, nodes[i].receiving == 0 {
      admit(event, at: i, ready: ready, &world)
    } else {
      nodes[i].receiving += 1
      var later = event
      later.time = ready
      later.kind += ChainEvent.received
      world.schedule(later)
    }
  }

  private func bytes(of event: Event) -> Int {
    event.kind & 255 == Boundary.submit
      ? Int(Submission(event.payload).bytes) : Int(UInt32(truncatingIfNeeded: event.payload.b))
  }

  /// Passes a step to the node's lane, and takes it at once where that is the same.
  private mutating func admit(_ arrival: Event, at i: Int, ready: SimTime, _ world: inout World) {
    var event = arrival
    if event.kind & 255 == ChainEvent.note, isNew(event) { event.payload.c = 1 }
    if ready == world.now, world.isIdle(nodes[i].lane, of: nodes[i].machine) {
      return execute(event, at: ready, &world)
    }
    let work = self.work(of: event, at: i)
    nodes[i].processor += work.verification + work.handling
    let handled = world.admit(
      event, to: nodes[i].lane, of: nodes[i].machine, ready: ready, work.verification,
      work.handling)
    // What a message costs depends on what came before it, not on what has been handled, which may
    // be ahead of time.
    noteComing(event, at: i)
    if let handled { execute(event, at: handled, &world) }
  }

  /// Notes that a whole block has come, so that one that comes again is not checked again.
  private mutating func noteComing(_ event: Event, at i: Int) {
    switch event.kind & 255 {
    case ChainEvent.block, ChainEvent.transactions:
      let item = Int(UInt32(truncatingIfNeeded: event.payload.a))
      guard effects.blocks.contains(BlockID(index: UInt32(item))) else { return }
      switch known.state(item, i) {
      case .unknown, .requested: known.set(.checking, item, i)
      case .checking, .orphan, .known, .evicted: break
      }
    default: break
    }
  }

  private func work(of event: Event, at i: Int) -> Work {
    let kind = event.kind & 255
    guard kind < ChainEvent.messagesEnd else { return .none }
    if kind == Boundary.submit {
      let requests = Submission(event.payload)
      return Work(
        verification: settings.costs.verify * Int64(requests.range.count),
        handling: settings.costs.handling(
          bytes: Int(requests.bytes), requests: Int(requests.range.count)))
    }
    let handling = settings.costs.handling(bytes: bytes(of: event))
    switch kind {
    case ChainEvent.note:
      let number = UInt32(truncatingIfNeeded: event.payload.a)
      let isNew = event.payload.c == 1 && notes.contains(number)
      let check = isNew ? protocols[i].workOfNote(notes[number], effects) : .zero
      return Work(verification: check, handling: handling)
    case ChainEvent.block, ChainEvent.compact, ChainEvent.transactions:
      let block = BlockID(index: UInt32(truncatingIfNeeded: event.payload.a))
      guard effects.blocks.contains(block), !hasCome(block, i)
      else { return Work(verification: .zero, handling: handling) }
      var check = SimDuration.zero
      // A header is checked once, when it comes; what follows it only completes the block.
      if kind != ChainEvent.transactions {
        check += protocols[i].workOfHeader(of: effects.blocks[block], settings.costs)
      }
      if settings.relay == .afterBody, kind != ChainEvent.compact {
        check += protocols[i].workOfBody(of: effects.blocks[block], settings.costs)
      }
      return Work(verification: check, handling: handling)
    case ChainEvent.bundle:
      let bundle = BundleID(index: UInt32(truncatingIfNeeded: event.payload.a))
      guard bundles.contains(bundle) else { return Work(verification: .zero, handling: handling) }
      let count = Int(bundles[bundle].range.count)
      return Work(
        verification: settings.costs.verify * Int64(count),
        handling: settings.costs.handling(bytes: bytes(of: event), requests: count))
    default: return Work(verification: .zero, handling: handling)
    }
  }

  /// What the digest holds of an event: a block by its content, since numbers are given in the
  /// order in which blocks are made anywhere.
  @inline(__always)
  private func label(of event: Event, _ kind: UInt16) -> UInt64 {
    if kind == ChainEvent.note {
      let number = UInt32(truncatingIfNeeded: event.payload.a)
      return notes.contains(number) ? notes[number].digest : 0
    }
    let block = BlockID(index: UInt32(truncatingIfNeeded: event.payload.a))
    guard kind <= ChainEvent.inventory || kind == ChainEvent.blockOverdue,
      kind >= ChainEvent.inv
    else { return event.payload.a }
    return effects.blocks.contains(block)
      ? effects.blocks[block].digest.value ^ event.payload.a >> 32 : 0
  }

  /// Lets node `event.target` take the step; its lane has handled the message at `time`.
  mutating func execute(_ event: Event, at time: SimTime, _ world: inout World) {
    let i = Int(event.target)
    let kind = event.kind & 255
    if kind == ChainEvent.lottery {
      guard event.payload.a == UInt64(nodes[i].lottery) else { return }
    }
    if kind == ChainEvent.timer, event.payload.a != UInt64(nodes[i].timer) { return }
    if kind == ChainEvent.inv, isOldNews(event, at: i) { return }
    // A note that is not new is no step either.
    if kind == ChainEvent.note, event.payload.c == 0 { return }
    nodes[i].steps += 1
    nodes[i].digest.fold(UInt64(bitPattern: time.nanoseconds), UInt64(kind))
    nodes[i].digest.fold(label(of: event, kind))
    let item = UInt32(truncatingIfNeeded: event.payload.a)
    let connection = Int(event.payload.a >> 32)
    switch kind {
    case ChainEvent.note: upon(note: event, at: i, time, &world)
    case ChainEvent.inv: request(BlockID(index: item), over: connection, by: i, time, &world)
    case ChainEvent.getData: upon(request: BlockID(index: item), over: connection, at: i)
    case ChainEvent.block, ChainEvent.transactions:
      upon(block: BlockID(index: item), over: connection, kind, at: i, time, &world)
    case ChainEvent.compact:
      upon(compact: BlockID(index: item), over: connection, at: i, time, &world)
    case ChainEvent.getTransactions:
      sendBody(of: BlockID(index: item), to: connection, share: event.payload.d)
    case ChainEvent.getBlocks: upon(locator: BlockID(index: item), over: connection, at: i)
    case ChainEvent.inventory:
      upon(
        inventoryTo: BlockID(index: item), from: UInt32(truncatingIfNeeded: event.payload.d),
        goesOn: event.payload.d >> 32 == 1, over: connection, at: i, time, &world)
    case ChainEvent.lottery:
      let template = BlockID(index: UInt32(truncatingIfNeeded: event.payload.b))
      upon(lottery: template, at: i, time, &world)
    case ChainEvent.timer: upon(timerOf: i, time, &world)
    case ChainEvent.blockOverdue:
      retry(BlockID(index: item), connection, attempt: event.payload.b, at: i, time, &world)
    case ChainEvent.bundleInv, ChainEvent.getBundle, ChainEvent.bundle,
      ChainEvent.bundleOverdue:
      upon(bundleStep: event, kind, at: i, time, &world)
    default: upon(submission: Submission(event.payload), at: i, time, &world)
    }
    finish(i, handled: time, &world)
  }
}

extension World {
  /// Whether a step that is ready now is handled now, whatever it is: its lane takes no time, and
  /// nothing is before it.
  @inline(__always)
  func isIdle(_ lane: Int, of node: NodeID) -> Bool {
    machines.hasIdealProcessor(node) && !usesReferenceLanes && machines.lanes[lane].free <= now
      && machines.lanes[lane].handedOver <= now && inboxes[lane].waiting.isEmpty
      && now < faultHorizon
  }
}

// MARK: - Outputs

extension BlockchainState {
  /// Carries out what a step asked for, once it is complete.
  mutating func finish(_ i: Int, handled: SimTime, _ world: inout World) {
    var completed = handled
    if effects.charged > .zero {
      let work = world.machines.scaled(effects.charged, on: nodes[i].machine)
      completed = world.machines.serve(nodes[i].lane, ready: handled, work: work)
      nodes[i].processor += effects.charged
    }
    if let delay = effects.lottery {
      nodes[i].lottery &+= 1
      let due = handled + world.machines.simulated(max(delay, .zero), on: nodes[i].machine)
      world.schedule(
        Event(
          at: max(due, world.now), subsystem: index, kind: ChainEvent.lottery, target: UInt32(i),
          payload: .init(UInt64(nodes[i].lottery))))
    }
    if let delay = effects.timer {
      nodes[i].timer &+= 1
      let due = handled + world.machines.simulated(max(delay, .zero), on: nodes[i].machine)
      world.schedule(
        Event(
          at: max(due, world.now), subsystem: index, kind: ChainEvent.timer, target: UInt32(i),
          payload: .init(UInt64(nodes[i].timer))))
    }
    if !effects.published.isEmpty {
      for block in effects.published {
        outputs.append(ChainOutput(kind: .spread, item: block.index))
      }
    }
    for (block, audience) in effects.directed {
      outputs.append(
        ChainOutput(
          kind: .spread, item: block.index,
          detail: UInt64(audience.first) | UInt64(audience.end) << 32))
    }
    if !effects.gossiped.isEmpty { collectNotes(of: i, at: handled) }
    effects.clear()
    guard !outputs.isEmpty else { return }
    if completed == world.now, nodes[i].outbox.isEmpty {
      for k in outputs.indices { carryOut(outputs[k], of: i, &world) }
    } else {
      let waiting = nodes[i].outbox.endIndex
      for k in outputs.indices { postpone(outputs[k], of: i, at: handled) }
      world.schedule(
        Event(
          at: completed, subsystem: index, kind: ChainEvent.departure, target: UInt32(i),
          payload: .init(
            UInt64(world.machines.epoch(of: nodes[i].machine)),
            UInt64(nodes[i].outbox.endIndex - waiting))))
    }
    outputs.removeAll(keepingCapacity: true)
  }

  /// Keeps an output until its step is complete. Who has announced an item already is asked now: by
  /// then, later messages may have been handled ahead of time.
  private mutating func postpone(_ output: ChainOutput, of i: Int, at time: SimTime) {
    let isBlock = output.kind == .spread
    guard isBlock || output.kind == .spreadBundle, settings.skipsAnnouncers,
      isBlock ? settings.blocks.announces : settings.transactions.announces
    else {
      nodes[i].outbox.append(output)
      return
    }
    for c in settings.topology.neighbours(of: i)
    where UInt32(c) != output.connection && isMeant(c, by: output) {
      let hasIt =
        isBlock ? known.isMarked(Int(output.item), c) : knownBundles.isMarked(Int(output.item), c)
      guard !hasIt else { continue }
      if isAttacked, isBlock, withholds(i, at: time) { continue }
      nodes[i].outbox.append(
        ChainOutput(
          kind: .send, message: isBlock ? ChainEvent.inv : ChainEvent.bundleInv,
          item: output.item, connection: UInt32(c), bytes: settings.sizes.inv))
    }
  }

  private mutating func depart(_ i: Int, count: Int, epoch: UInt64, _ world: inout World) {
    guard epoch == UInt64(world.machines.epoch(of: nodes[i].machine)) else { return }
    for _ in 0..<count {
      guard let output = nodes[i].outbox.popFirst() else {
        preconditionFailure("\(name): node \(i) has nothing to send")
      }
      carryOut(output, of: i, &world)
    }
  }

  private mutating func carryOut(_ output: ChainOutput, of i: Int, _ world: inout World) {
    if isAttacked, tampers(with: output, of: i, &world) { return }
    perform(output, of: i, &world)
  }

  mutating func perform(_ output: ChainOutput, of i: Int, _ world: inout World) {
    switch output.kind {
    case .spread: spread(output, from: i, &world)
    case .gossip: gossip(output, from: i, &world)
    case .spreadBundle:
      spread(BundleID(index: output.item), except: output.connection, from: i, &world)
    case .send: send(output, from: i, &world)
    case .know: books.learn(BlockID(index: output.item), at: world.now)
    case .adopt: adopt(output, by: i, &world)
    }
  }

  mutating func send(_ output: ChainOutput, from i: Int, _ world: inout World) {
    traffic.count(Int(output.message - ChainEvent.inv), from: i, bytes: output.bytes)
    switch output.message {
    case ChainEvent.block, ChainEvent.compact, ChainEvent.transactions:
      if case .oneUploadAtATime = settings.links {
        nodes[i].uploads.append(
          Upload(
            message: output.message, item: output.item, connection: output.connection,
            bytes: output.bytes))
        if !nodes[i].isUploading { startUpload(i, generation: nodes[i].uploadGeneration, &world) }
        return
      }
    default: break
    }
    transmit(
      output.message, output.item, output.detail, bytes: output.bytes,
      over: Int(output.connection), from: i, &world)
  }

  /// Hands a message to the network, over one of the node's own connections.
  @inline(__always)
  mutating func transmit(
    _ message: UInt16, _ item: UInt32, _ detail: UInt64, bytes: Int, over connection: Int,
    from i: Int, _ world: inout World
  ) {
    let peer = Int(settings.topology.neighbours[connection])
    let event = Event(
      at: .zero, subsystem: index, kind: message, target: UInt32(peer),
      payload: .init(
        UInt64(item) | UInt64(reverse.back[connection]) << 32, UInt64(bytes), 0, detail))
    let route = Route(
      from: nodes[i].machine, to: nodes[peer].machine, channel: index, sender: i,
      connection: connection)
    switch settings.links {
    case .machines: world.transmit(event, bytes: bytes, over: route)
    case .oneUploadAtATime(let control, _):
      world.propagate(event, bytes: bytes, over: route, sent: world.now + control)
    }
  }
}
