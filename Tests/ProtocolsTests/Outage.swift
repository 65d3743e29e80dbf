import Consensus
import Kernel
import Machines
import Networking
import Simulation
import Testing

/// A time in which a committee has no quorum, and how long it takes to decide again.
///
/// Delays are constant, so that bounds can be stated to the millisecond.
struct Outage: Sendable, CustomTestStringConvertible {
  enum Kind: Sendable {
    /// Every other node on the other side, clients too.
    case partition
    /// Messages take as long as an adversary wants; those on their way arrive soon after GST.
    case lateness
  }

  var kind: Kind
  /// Milliseconds.
  var from: Int64 = 400
  var until: Int64

  static let all = [
    Outage(kind: .partition, until: 700), Outage(kind: .partition, until: 1100),
    Outage(kind: .lateness, from: 0, until: 900),
  ]

  var testDescription: String { "\(kind) until \(until) ms" }

  /// - Parameters:
  ///   - delay: d, of each message, in milliseconds; after GST none takes longer.
  ///   - down: nodes that crash when it begins and do not come up again.
  func impose(on setup: inout CommitteeSetup, delay: Int64, down: Range<Int> = 0..<0) {
    setup.delay = .constant(Double(delay) * 1e6)
    switch kind {
    case .partition:
      setup.partitions = [
        Partition(
          from: ms(from), until: ms(until),
          side: (0..<setup.n + setup.clientHosts).map { UInt8($0 % 2) })
      ]
    case .lateness:
      setup.stabilisation = Stabilisation(
        gst: ms(until), delta: .milliseconds(delay), chaos: .exponential(mean: 400e6))
    }
    setup.faults += down.map {
      Fault(at: ms(from), .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
    }
  }

  /// Milliseconds from its end to the first moment at which `measure` exceeds what it was at the
  /// end; to the next millisecond.
  func wait(
    _ simulation: Simulation, atMost limit: Int64 = 20_000, _ measure: (Simulation) -> Int
  ) -> Int64 {
    simulation.run(until: ms(until))
    let before = measure(simulation)
    var waited: Int64 = 0
    while waited < limit, measure(simulation) == before {
      waited += 1
      simulation.run(until: ms(until + waited))
    }
    return waited
  }

  /// The same, to the next decision.
  func wait(_ simulation: Simulation) -> Int64 { wait(simulation) { $0.world.decisions[1] } }
}
