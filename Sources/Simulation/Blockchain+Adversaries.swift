import Kernel
import Ledger
import Machines

/// Nodes of a chain that spreads blocks which do not do as they should. They follow the chain as
/// others do, and what they take for confirmed counts as others' does: they lie to nobody.
extension BlockchainState {
  /// Whether node `i` sends nothing and makes no blocks.
  func isSilent(_ i: Int, at time: SimTime) -> Bool {
    adversariesOf[i].contains {
      settings.adversaries[$0].behaviour == .silent && settings.adversaries[$0].isActive(at: time)
    }
  }

  /// Draws whether node `i` withholds one announcement, or one block that it would push.
  mutating func withholds(_ i: Int, at time: SimTime) -> Bool {
    for entry in adversariesOf[i] {
      guard case .withhold(let share, _) = settings.adversaries[entry].behaviour,
        settings.adversaries[entry].isActive(at: time)
      else { continue }
      if !adversaryStreams[i].bernoulli(share) { return true }
    }
    return false
  }

  /// Whether node `i` keeps `output` back, for a while or for ever.
  mutating func tampers(with output: ChainOutput, of i: Int, _ world: inout World) -> Bool {
    switch output.kind {
    case .know, .adopt: return false
    case .spread, .spreadBundle, .send, .gossip: break
    }
    if isSilent(i, at: world.now) { return true }
    var delay = SimDuration.zero
    for entry in adversariesOf[i] {
      guard case .delay(let law) = settings.adversaries[entry].behaviour,
        settings.adversaries[entry].isActive(at: world.now)
      else { continue }
      let drawn = max(law.sample(using: &adversaryStreams[i]), 0)
      delay += SimDuration(nanoseconds: Int64(drawn.rounded()))
    }
    guard delay > .zero else { return false }
    world.schedule(
      Event(
        at: world.now + delay, subsystem: index, kind: ChainEvent.held, target: UInt32(i),
        payload: .init(
          UInt64(world.machines.epoch(of: nodes[i].machine)), held.keep(output))))
    return true
  }

  /// What node `event.target` kept back leaves, unless it has crashed since.
  mutating func release(_ event: Event, _ world: inout World) {
    let i = Int(event.target)
    let output = held.release(event.payload.b)
    guard event.payload.a == UInt64(world.machines.epoch(of: nodes[i].machine)),
      world.machines.isUp(nodes[i].machine)
    else { return }
    perform(output, of: i, &world)
  }

  /// Height of the block that was made last.
  var newestHeight: Int {
    Int(effects.blocks[BlockID(index: UInt32(effects.blocks.endIndex - 1))].height)
  }
}
