import Kernel
import Machines
import Networking

// MARK: - When faults strike

extension Simulation {
  func scheduleFaults() {
    for i in 0..<faults.timed {
      world.schedule(
        Event(
          at: faults.time(of: i), subsystem: 0, kind: WorldEvent.fault.rawValue,
          target: UInt32(i)))
    }
    world.pendingCrashes = subsystems.reduce(0) { $0 + $1.plannedCrashes }
    if faults.disturbsLinks { world.network.mayBeDisturbed = true }
    updateHorizon()
  }

  /// Nothing may be done ahead that completes after the next strike or end of a fault, and nothing
  /// at all as long as it is not known when a fault will strike.
  ///
  /// Whatever a strike brings in may be earlier than the horizon was before; nothing is ahead then,
  /// for what was done ahead was complete before the strike.
  func updateHorizon() {
    world.awaitsFaults = !faults.awaited.isEmpty || world.pendingCrashes > 0
    world.faultHorizon = world.awaitsFaults || world.movesRoles ? .zero : faults.horizon
  }

  /// Lets those faults strike whose chain has come so far, and takes in the crashes that the last
  /// event asked for.
  func strikeAwaited() {
    let reached = faults.awaited.filter { fault in
      guard case .milestone(let milestone) = faults.all[fault].trigger else { return false }
      return hasReached(milestone)
    }
    if !reached.isEmpty {
      faults.awaited.removeAll { reached.contains($0) }
      for fault in reached { strike(fault) }
      updateHorizon()
    }
    for request in world.crashRequests {
      insert(
        Fault(
          at: request.time,
          .crash(
            .node(request.node), downTime: request.downTime, keepsDisk: request.keepsDisk)),
        as: .requested)
    }
    world.crashRequests.removeAll(keepingCapacity: true)
  }

  private func hasReached(_ milestone: Milestone) -> Bool {
    let index = Int(milestone.subsystem)
    switch milestone.measure {
    case .decisions: return world.decisions[index] >= milestone.count
    case .view, .height:
      return subsystems[index].progress(by: milestone.measure).map { $0 >= milestone.count }
        ?? false
    }
  }

  /// Adds a fault that follows from another. A restart cuts nothing off, so that nothing done
  /// ahead of it is wrong and the horizon need not have known of it.
  private func insert(_ fault: Fault, as kind: WorldEvent) {
    faults.all.append(fault)
    let index = faults.all.count - 1
    world.schedule(
      Event(
        at: faults.time(of: index), subsystem: 0, kind: kind.rawValue, target: UInt32(index)))
  }
}

// MARK: - What they do

extension Simulation {
  func strike(_ index: Int) {
    switch faults.all[index].kind {
    case .crash(let target, let downTime, let keepsDisk):
      guard let node = resolve(target), world.machines.isUp(node) else { return }
      crash(node)
      if let downTime {
        insert(Fault(at: world.now + downTime, .restart(node, keepsDisk: keepsDisk)), as: .restart)
      }
    case .restart(let node, let keepsDisk):
      guard !world.machines.isUp(node) else { return }
      world.machines.restart(node, at: world.now)
      mark(.restart, "restarts", at: node)
      for subsystem in subsystems.dropFirst() {
        subsystem.nodeRestarted(node, keepsDisk: keepsDisk, &world)
      }
    case .slow(let nodes, _, let duration): begin(index, at: nodes, "slow", for: duration)
    case .slowDisk(let nodes, _, let duration): begin(index, at: nodes, "slow disk", for: duration)
    case .clock(let nodes, _, _, let duration): begin(index, at: nodes, "clock", for: duration)
    case .partition(let side, let isOneWay, let duration):
      world.network.partitions.append(
        Partition(from: world.now, until: end(after: duration), side: side, isOneWay: isOneWay))
    case .links(var fault, let duration):
      fault.from = world.now
      fault.until = end(after: duration)
      world.network.linkFaults.append(fault)
    }
  }

  private func end(after duration: SimDuration?) -> SimTime {
    duration.map { world.now + $0 } ?? .never
  }

  private func begin(
    _ index: Int, at nodes: [NodeID], _ text: String, for duration: SimDuration?
  ) {
    faults.active.append((index, world.now))
    for node in nodes {
      adjust(node)
      mark(.other, text, at: node)
    }
    guard let duration else { return }
    faults.ends.append(world.now + duration)
    world.schedule(
      Event(
        at: world.now + duration, subsystem: 0, kind: WorldEvent.faultEnd.rawValue,
        target: UInt32(index)))
  }

  /// A fault that changed how nodes work is over.
  func end(_ index: Int) {
    guard let place = faults.active.firstIndex(where: { $0.fault == index }) else { return }
    faults.active.remove(at: place)
    if let due = faults.ends.firstIndex(of: world.now) { faults.ends.remove(at: due) }
    switch faults.all[index].kind {
    case .slow(let nodes, _, _), .slowDisk(let nodes, _, _), .clock(let nodes, _, _, _):
      for node in nodes {
        adjust(node)
        mark(.other, "as built", at: node)
      }
    case .crash, .restart, .partition, .links:
      preconditionFailure("fault \(index) has no end of its own")
    }
  }

  /// Makes `node` work as the faults in force say, all of them together.
  private func adjust(_ node: NodeID) {
    var processor = 1.0
    var disk = 1.0
    var ahead = SimDuration.zero
    var drifts = 0.0
    for (index, since) in faults.active {
      switch faults.all[index].kind {
      case .slow(let nodes, let factor, _) where nodes.contains(node): processor *= factor
      case .slowDisk(let nodes, let factor, _) where nodes.contains(node): disk *= factor
      case .clock(let nodes, let step, let drift, _) where nodes.contains(node):
        let elapsed = Double((world.now - since).nanoseconds)
        ahead += step + SimDuration(nanoseconds: Int64((elapsed * drift * 1e-6).rounded()))
        drifts += drift
      case .slow, .slowDisk, .clock, .crash, .restart, .partition, .links: continue
      }
    }
    world.machines.slow(node, by: processor)
    world.machines.slowDisk(of: node, by: disk)
    world.machines.setClock(of: node, at: world.now, ahead: ahead, drift: drifts)
  }

  private func mark(_ kind: Trace.Mark.Kind, _ text: String, at node: NodeID) {
    let now = world.now
    world.trace?.mark(kind, text, at: node, now)
  }

  private func resolve(_ target: Fault.Target) -> NodeID? {
    switch target {
    case .node(let node): node
    case .proposer(let subsystem): subsystems[Int(subsystem)].proposerNode(world)
    }
  }

  private func crash(_ node: NodeID) {
    world.machines.crash(node, at: world.now)
    mark(.crash, "crashes", at: node)
    world.uplinks.crash(node)
    for lane in world.machines.lanes(of: node) {
      world.inboxes[lane].waiting.removeAll()
      world.inboxes[lane].epoch += 1
    }
    for subsystem in subsystems.dropFirst() { subsystem.nodeCrashed(node, &world) }
  }
}
