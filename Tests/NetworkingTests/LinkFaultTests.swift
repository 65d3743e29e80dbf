import Kernel
import Machines
import Networking
import Testing

@Suite("Links that work badly")
struct LinkFaultTests {
  static let trials = 100_000

  /// What becomes of messages from node 0 to node 1 (or back) at `time`.
  static func passages(
    _ network: Network, at time: Int64 = 0, back: Bool = false
  ) -> [Passage] {
    var stream = RandomStream(seed: 5, purpose: "link faults")
    return (0..<trials).map { _ in
      var connection = Connection()
      return network.passage(
        of: 100, from: NodeID(back ? 1 : 0), to: NodeID(back ? 0 : 1),
        sent: SimTime(nanoseconds: time), over: &connection, using: &stream)
    }
  }

  static func network(_ change: (inout LinkFault) -> Void) -> Network {
    var network = Network(regionOf: [0, 0, 0], regions: 1, delays: [.constant(1000)])
    var fault = LinkFault(senders: [true, false], receivers: [false, true])
    fault.from = SimTime(nanoseconds: 10)
    fault.until = SimTime(nanoseconds: 20)
    change(&fault)
    network.linkFaults = [fault]
    network.seal()
    return network
  }

  @Test("losses of the network and of the fault are independent, in one direction, for a while")
  func loss() {
    var network = Self.network { $0.loss = 0.2 }
    network.loss = 0.1
    func share(_ passages: [Passage]) -> Double {
      Double(passages.count { $0 == .lost }) / Double(Self.trials)
    }
    // Five standard deviations of a binomial: 0.0071 and 0.0047.
    #expect(abs(share(Self.passages(network, at: 10)) - 0.28) < 0.0071)
    #expect(abs(share(Self.passages(network, at: 19, back: true)) - 0.1) < 0.0048)
    #expect(abs(share(Self.passages(network, at: 20)) - 0.1) < 0.0048)
    #expect(abs(share(Self.passages(network, at: 9)) - 0.1) < 0.0048)
  }

  @Test("nodes behind those it names, such as clients, are spared")
  func others() {
    let network = Self.network { $0.loss = 1 }
    var connection = Connection()
    var stream = RandomStream(seed: 5, purpose: "link faults")
    let passage = network.passage(
      of: 1, from: NodeID(2), to: NodeID(1), sent: SimTime(nanoseconds: 10), over: &connection,
      using: &stream)
    #expect(passage == .arrives(SimTime(nanoseconds: 1010)))
    #expect(Self.passages(network, at: 10).allSatisfy { $0 == .lost })
  }

  @Test("delays add their mean, duplicates come in their share")
  func delay() {
    let late = Self.passages(Self.network { $0.delay = .exponential(mean: 500) }, at: 10)
    let total = late.reduce(0.0) { sum, passage in
      guard case .arrives(let time) = passage else { return .nan }
      return sum + Double(time.nanoseconds)
    }
    #expect(abs(total / Double(Self.trials) - 1510) < 5 * 500 / 316)
    let twice = Self.passages(Self.network { $0.duplication = 0.25 }, at: 10).count {
      if case .duplicated = $0 { true } else { false }
    }
    #expect(abs(Double(twice) / Double(Self.trials) - 0.25) < 0.0069)
  }

  @Test("who is held back takes one more delay and is overtaken; without it, order is kept")
  func overtaking() {
    let network = Self.network { $0.overtaking = 0.3 }
    var connection = Connection()
    var stream = RandomStream(seed: 6, purpose: "link faults")
    var arrivals: [Int64] = []
    for _ in 0..<Self.trials {
      guard
        case .arrives(let time) = network.passage(
          of: 1, from: NodeID(0), to: NodeID(1), sent: SimTime(nanoseconds: 10),
          over: &connection, using: &stream)
      else { continue }
      arrivals.append(time.nanoseconds)
    }
    #expect(Set(arrivals) == [1010, 2010])
    let share = Double(arrivals.count { $0 == 2010 }) / Double(Self.trials)
    #expect(abs(share - 0.3) < 0.0073)
  }

  @Test("a stream turns the loss of a link into delay")
  func stream() {
    var network = Self.network { $0.loss = 0.2 }
    network.transport = .stream(
      StreamSettings(
        packet: 1000, initialWindow: 10_000, largestWindow: 100_000, idle: .seconds(1),
        retransmissionTimeout: .milliseconds(1)))
    let late = Self.passages(network, at: 10).count {
      if case .arrives(let time) = $0 { time.nanoseconds > 2000 } else { true }
    }
    #expect(abs(Double(late) / Double(Self.trials) - 0.2) < 0.0064)
  }
}
