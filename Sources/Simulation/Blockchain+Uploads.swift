import Consensus
import Kernel
import Ledger
import Machines
import Networking

/// One upload at a time, where the links are such (SimBlock's model).
extension BlockchainState {
  /// Starts the next upload of node `i`, if `generation` is still its own.
  mutating func startUpload(_ i: Int, generation: UInt32, _ world: inout World) {
    guard generation == nodes[i].uploadGeneration else { return }
    guard case .oneUploadAtATime(_, let processing) = settings.links,
      let upload = nodes[i].uploads.popFirst()
    else {
      nodes[i].isUploading = false
      return
    }
    nodes[i].isUploading = true
    nodes[i].uploadGeneration &+= 1
    let current = nodes[i].uploadGeneration
    let peer = Int(settings.topology.neighbours[Int(upload.connection)])
    let event = Event(
      at: .zero, subsystem: index, kind: upload.message, target: UInt32(peer),
      payload: .init(
        UInt64(upload.item) | UInt64(reverse.back[Int(upload.connection)]) << 32,
        UInt64(upload.bytes), 1 << 63 | UInt64(current) << 32 | UInt64(i)))
    let (from, to) = (nodes[i].machine, nodes[peer].machine)
    let sent = world.now + world.machines.transfer(upload.bytes, from: from, to: to) + processing
    let passage = world.propagate(
      event, bytes: upload.bytes,
      over: Route(
        from: from, to: to, channel: index, sender: i, connection: Int(upload.connection)),
      sent: sent)
    if case .lost = passage {
      world.schedule(
        Event(
          at: sent, subsystem: index, kind: ChainEvent.uploadEnd, target: UInt32(i),
          payload: .init(UInt64(current))))
    }
  }

  /// An upload has arrived: its sender's next begins.
  mutating func endUpload(_ event: Event, _ world: inout World) {
    let sender = Int(UInt32(truncatingIfNeeded: event.payload.c))
    let generation = UInt32(truncatingIfNeeded: event.payload.c >> 32) & 0x7FFF_FFFF
    guard generation == nodes[sender].uploadGeneration & 0x7FFF_FFFF else { return }
    startUpload(sender, generation: nodes[sender].uploadGeneration, &world)
  }
}
