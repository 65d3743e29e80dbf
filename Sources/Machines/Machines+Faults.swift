import Kernel

/// What a fault does to a node that stays up. Work that is reserved already keeps its pace.
extension Machines {
  /// Work admitted from now on takes `factor` times as long as on the node as it was built.
  public mutating func slow(_ node: NodeID, by factor: Double) {
    precondition(factor > 0, "slower by a factor of \(factor)")
    nodes[Int(node.index)].slowdown = nodes[Int(node.index)].built.slowdown * factor
  }

  /// Writes and flushes from now on take `factor` times as long as on the disk as it was built.
  public mutating func slowDisk(of node: NodeID, by factor: Double) {
    precondition(factor > 0, "a disk slower by a factor of \(factor)")
    let built = nodes[Int(node.index)].built
    nodes[Int(node.index)].diskByte = built.diskByte * factor
    nodes[Int(node.index)].diskFlush = SimDuration(
      nanoseconds: Int64((Double(built.diskFlush.nanoseconds) * factor).rounded()))
  }

  /// From `time` on, the clock of `node` shows `ahead` more than as it was built, and gains `drift`
  /// parts per million on that. Timers that run already keep their due time, as those of a
  /// monotonic clock do.
  public mutating func setClock(
    of node: NodeID, at time: SimTime, ahead: SimDuration, drift: Double
  ) {
    let built = nodes[Int(node.index)].built.clock
    nodes[Int(node.index)].clock = Clock(
      since: time, shown: built.time(at: time) + ahead.nanoseconds,
      rate: built.rate + drift * 1e-6)
  }

  /// When what `node` has to send has left, first come, first served.
  public func uplinkFree(of node: NodeID) -> SimTime { nodes[Int(node.index)].uplink.free }
}
