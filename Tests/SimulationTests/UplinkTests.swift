import Kernel
import Machines
import Networking
import Simulation
import Testing

/// Sends what it is told to, from node 0, and notes when it arrives where.
private final class Sender: Subsystem {
  struct Message: Sendable {
    var time: SimTime
    var bytes: Int
    var peer: Int
    var isUrgent = false
  }

  struct Arrival: Equatable {
    var time: SimTime
    var message: Int
  }

  let messages: [Message]
  var arrivals: [Arrival] = []

  init(index: UInt16, messages: [Message]) {
    self.messages = messages
    super.init(index: index, name: "sender")
  }

  override func start(_ world: inout World) {
    for (i, message) in messages.enumerated() {
      world.schedule(
        Event(
          at: message.time, subsystem: index, kind: Boundary.ownKinds, target: UInt32(i)))
    }
  }

  override func handle(_ event: Event, _ world: inout World) {
    let number = Int(event.target)
    guard event.kind == Boundary.ownKinds else {
      arrivals.append(Arrival(time: event.time, message: number))
      return
    }
    guard world.machines.isUp(NodeID(0)) else { return }
    let message = messages[number]
    world.transmit(
      Event(
        at: .zero, subsystem: index, kind: Boundary.ownKinds + 1, target: event.target),
      bytes: message.bytes,
      over: Route(
        from: NodeID(0), to: NodeID(message.peer), channel: index, sender: 0,
        connection: message.peer, isUrgent: message.isUrgent))
  }

  override func copy() -> Subsystem {
    let other = Sender(index: index, messages: messages)
    other.arrivals = arrivals
    return other
  }
}

private func ms(_ milliseconds: Double) -> SimTime {
  .zero + SimDuration(seconds: milliseconds / 1e3)
}

@Suite("Sharing of an uplink")
struct UplinkTests {
  /// 64 nodes at 1 Gbit/s, links without delay: a megabyte takes 8 ms to leave.
  private func simulation(
    _ discipline: UplinkDiscipline, _ messages: [Sender.Message], faults: [Fault] = []
  ) -> (Simulation, Sender) {
    let machines = Machines(Array(repeating: MachineSpec(uplink: 1e9), count: 64))
    let network = Network(
      regionOf: Array(repeating: 0, count: 64), regions: 1, delays: [.constant(0)])
    let simulation = Simulation(
      world: World(seed: 1, machines: machines, network: network, uplink: discipline),
      faults: faults)
    let sender = Sender(index: simulation.nextIndex, messages: messages)
    simulation.add(sender, connections: 64, senders: 1)
    simulation.start()
    return (simulation, sender)
  }

  private func arrivals(
    _ discipline: UplinkDiscipline, _ messages: [Sender.Message], faults: [Fault] = []
  ) -> [Sender.Arrival] {
    let (simulation, sender) = simulation(discipline, messages, faults: faults)
    simulation.run()
    return sender.arrivals
  }

  private let block = (1...63).map { Sender.Message(time: .zero, bytes: 1_000_000, peer: $0) }

  @Test("first come, first served: a block reaches 42 of 63 peers in 336 ms")
  func firstCome() {
    let arrivals = arrivals(UplinkDiscipline(), block)
    #expect(arrivals.count == 63)
    #expect(arrivals[41].time == ms(336) && arrivals[62].time == ms(504))
    #expect(arrivals.map(\.message) == Array(0..<63))
  }

  @Test("round robin by chunk: it takes 504 ms, less what is left of the last round")
  func roundRobin() {
    let arrivals = arrivals(UplinkDiscipline(chunk: 1000), block)
    #expect(arrivals.count == 63)
    // 999 rounds of 63 chunks of 8 us, and 42 more.
    #expect(arrivals[41].time == ms(0.008 * (999 * 63 + 42)))
    #expect(arrivals[62].time == ms(504))
    #expect((arrivals[41].time - ms(504)).seconds.magnitude < 0.2e-3)
    #expect(arrivals.map(\.message) == Array(0..<63))
  }

  @Test("messages of one connection go one after the other, also by chunk")
  func oneConnection() {
    let messages = [(0, 1), (0, 1), (0, 2)].map {
      Sender.Message(time: ms(Double($0.0)), bytes: 1_000_000, peer: $0.1)
    }
    let arrivals = arrivals(UplinkDiscipline(chunk: 1000), messages)
    #expect(arrivals.map(\.message) == [0, 2, 1])
    #expect(arrivals.map(\.time) == [ms(15.992), ms(16), ms(24)])
  }

  @Test("a chunk that does not divide a message leaves a short one at its end")
  func shortChunk() {
    let messages = [1, 2].map { Sender.Message(time: .zero, bytes: 2500, peer: $0) }
    let arrivals = arrivals(UplinkDiscipline(chunk: 1000), messages)
    #expect(arrivals.map(\.time) == [ms(0.036), ms(0.04)])
  }

  @Test("an urgent message goes before all that wait, behind what is under way")
  func urgent() {
    var messages = (1...10).map { Sender.Message(time: .zero, bytes: 1_000_000, peer: $0) }
    messages.append(Sender.Message(time: ms(1), bytes: 1000, peer: 11, isUrgent: true))
    messages.append(Sender.Message(time: ms(1), bytes: 1000, peer: 12, isUrgent: true))
    func urgent(_ discipline: UplinkDiscipline) -> [SimTime] {
      arrivals(discipline, messages).filter { $0.message >= 10 }.map(\.time)
    }
    #expect(urgent(UplinkDiscipline()) == [ms(80.008), ms(80.016)])
    #expect(urgent(UplinkDiscipline(urgentFirst: true)) == [ms(8.008), ms(8.016)])
    #expect(urgent(UplinkDiscipline(chunk: 1000, urgentFirst: true)) == [ms(1.008), ms(1.016)])
    // Blocks lose exactly what the votes took.
    let all = arrivals(UplinkDiscipline(urgentFirst: true), messages)
    #expect(all.last == Sender.Arrival(time: ms(80.016), message: 9))
  }

  private func crash(at time: Double, for down: Double) -> Fault {
    Fault(
      at: ms(time),
      .crash(.node(NodeID(0)), downTime: SimDuration(seconds: down / 1e3), keepsDisk: true))
  }

  @Test("a crash of the sender cuts off what has not left, under every discipline")
  func crashes() {
    func delivered(_ discipline: UplinkDiscipline) -> [Int] {
      arrivals(discipline, block, faults: [crash(at: 100, for: 1000)]).map(\.message)
    }
    // Twelve blocks have left at 96 ms; the thirteenth is under way.
    #expect(delivered(UplinkDiscipline()) == Array(0..<12))
    #expect(delivered(UplinkDiscipline(urgentFirst: true)) == Array(0..<12))
    #expect(delivered(UplinkDiscipline(chunk: 1000)) == [])
  }

  @Test(
    "a restarted node sends anew, though what it was sending is still on the books",
    arguments: [
      UplinkDiscipline(), UplinkDiscipline(urgentFirst: true), UplinkDiscipline(chunk: 600_000),
    ])
  func restarts(discipline: UplinkDiscipline) {
    var messages = block
    for peer in [5, 6] {
      messages.append(Sender.Message(time: ms(102), bytes: 1_000_000, peer: peer))
    }
    let all = arrivals(discipline, messages, faults: [crash(at: 100, for: 1)])
    let after = all.filter { $0.message >= 63 }
    #expect(after.map(\.message) == [63, 64])
    let isByChunk = discipline.chunk != nil
    #expect(after.map(\.time) == [ms(isByChunk ? 114.8 : 110), ms(118)])
    #expect(all.count == (isByChunk ? 2 : 14))
  }

  @Test("a fault that comes late changes nothing before it")
  func foresight() {
    let plain = arrivals(UplinkDiscipline(), block)
    let late = arrivals(UplinkDiscipline(), block, faults: [crash(at: 300, for: 1)])
    #expect(late == Array(plain.prefix(37)))
  }

  @Test(
    "a run copied amid a transmission goes on to the same arrivals",
    arguments: [UplinkDiscipline(), UplinkDiscipline(chunk: 100_000, urgentFirst: true)])
  func copies(discipline: UplinkDiscipline) throws {
    let (simulation, sender) = simulation(discipline, block, faults: [crash(at: 490, for: 1)])
    for _ in 0..<100 { _ = simulation.step() }
    let copy = simulation.copy()
    simulation.run()
    let before = sender.arrivals
    copy.run()
    let other = try #require(copy.subsystems[1] as? Sender)
    #expect(other.arrivals == before && !before.isEmpty)
  }
}
