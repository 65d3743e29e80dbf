import Kernel
import Machines
import Statistics
import Testing

/// A resource of a node that serves one job after the other.
enum Server: String, CaseIterable, CustomTestStringConvertible {
  case uplink, downlink, lane, verifier
  var testDescription: String { rawValue }

  /// One byte takes a nanosecond, and so does a nanosecond of work.
  static var machines: Machines {
    Machines([MachineSpec(processor: .init(cores: 2), uplink: 8e9, downlink: 8e9)])
  }

  /// When a job of `work` nanoseconds that arrives at `arrival` is done.
  func done(_ machines: inout Machines, _ arrival: SimTime, _ work: Int64) -> SimTime {
    let node = NodeID(0)
    switch self {
    case .uplink: return machines.send(Int(work), from: node, ready: arrival)
    case .downlink: return machines.receive(Int(work), at: node, arrival: arrival)
    case .lane: return machines.serve(0, ready: arrival, work: .nanoseconds(work))
    case .verifier:
      return machines.handOver(
        to: 0, of: node, ready: arrival, verification: .nanoseconds(work), handling: .zero
      ).at
    }
  }
}

@Suite("Queues of a node")
struct QueueTests {
  static let service = 1_000_000.0
  static let replications = 30
  static let warmUp = 20_000
  static let measured = 200_000

  /// Mean waits in units of the service time: shared table of M/D/1 and M/M/1, Pollaczek-Khinchine.
  static let loads: [(load: Double, md1: Double, mm1: Double)] = [
    (0.5, 0.5, 1), (0.8, 2, 4), (0.9, 4.5, 9),
  ]

  /// Mean wait of one replication, in units of the service time, warm-up dropped.
  func meanWait(_ server: Server, load: Double, isRandom: Bool, replication: Int) -> Double {
    var machines = Server.machines
    let entity = UInt64(replication)
    var arrivals = RandomStream(seed: 1, purpose: "arrivals at \(server)", entity: entity)
    var works = RandomStream(seed: 1, purpose: "work of \(server)", entity: entity)
    var now = SimTime.zero
    var total: Int64 = 0
    for i in 0..<Self.warmUp + Self.measured {
      now += .nanoseconds(Int64(Self.service / load * arrivals.exponential()))
      let work = isRandom ? Int64(Self.service * works.exponential()) : Int64(Self.service)
      let wait = server.done(&machines, now, work) - now - .nanoseconds(work)
      if i >= Self.warmUp { total += wait.nanoseconds }
    }
    return Double(total) / Double(Self.measured) / Self.service
  }

  @Test(
    "wait as long as M/D/1 and M/M/1 do: 99.9 % intervals hold the truth, to 4 %",
    arguments: Server.allCases, [false, true])
  func waits(server: Server, isRandom: Bool) {
    for (load, md1, mm1) in Self.loads {
      let waits = (0..<Self.replications).map {
        meanWait(server, load: load, isRandom: isRandom, replication: $0)
      }
      let estimate = MeanEstimate(waits, confidence: 0.999)
      let truth = isRandom ? mm1 : md1
      #expect(truth == (isRandom ? MeanWait.mm1(load: load) : MeanWait.md1(load: load)).rounded3)
      #expect(
        estimate.low <= truth && truth <= estimate.high,
        "load \(load): \(estimate.low) to \(estimate.high), not \(truth)")
      let halfWidth = (estimate.high - estimate.low) / 2 / truth
      #expect(halfWidth < 0.04, "load \(load): half-width \(halfWidth)")
    }
  }
}

extension Double {
  fileprivate var rounded3: Double { (self * 1000).rounded() / 1000 }
}
