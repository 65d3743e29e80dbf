import Kernel
import Machines
import Networking
import Statistics
import Testing

@Suite("The stream transport")
struct StreamTransportTests {
  let settings = StreamSettings(
    packet: 1000, initialWindow: 10_000, largestWindow: 80_000, idle: .seconds(1),
    retransmissionTimeout: .milliseconds(200))

  struct Line {
    var network: Network
    var connection = Connection()
    var stream = RandomStream(seed: 3, purpose: "streams")

    /// Delay of a message of `bytes` bytes sent at `seconds`; nil if it is lost.
    mutating func delay(_ bytes: Int, at time: SimTime) -> SimDuration? {
      let passage = network.passage(
        of: bytes, from: NodeID(0), to: NodeID(1), sent: time, over: &connection, using: &stream)
      guard case .arrives(let arrival) = passage else { return nil }
      return arrival - time
    }
  }

  /// 10 ms there, 30 ms back: a round trip of 40 ms.
  func line(_ change: (inout Network) -> Void = { _ in }) -> Line {
    var network = Network(
      regionOf: [0, 1], regions: 2,
      delays: [.constant(0), .constant(10e6), .constant(30e6), .constant(0)],
      transport: .stream(settings))
    change(&network)
    network.seal()
    return Line(network: network)
  }

  @Test("a cold connection waits a round trip for each doubling of its window")
  func slowStart() {
    // 10 kB at once, 20 after a round trip, 40 after two, 80 after three and then enough.
    let expected: [(Int, Int64)] = [
      (1, 10), (10_000, 10), (10_001, 50), (30_000, 50), (30_001, 90), (70_000, 90),
      (70_001, 130), (10_000_000, 130),
    ]
    for (bytes, milliseconds) in expected {
      var line = line()
      #expect(line.delay(bytes, at: .zero) == .milliseconds(milliseconds), "\(bytes) bytes")
    }
  }

  @Test("a warm connection has its window already; an idle one starts anew")
  func idle() {
    var line = line()
    let first = line.delay(70_000, at: .zero)
    let warm = line.delay(40_000, at: .zero + .milliseconds(900))
    let stillWarm = line.delay(40_000, at: .zero + .milliseconds(1900))
    let cold = line.delay(40_000, at: .zero + .milliseconds(2901))
    #expect(first == .milliseconds(90) && warm == .milliseconds(10))
    #expect(stillWarm == .milliseconds(10) && cold == .milliseconds(90))
  }

  /// A round trip of 40 ms, full packets of 1,000 bytes.
  @Test("under Nagle's algorithm a packet that is not full waits for the last such one, no other")
  func nagle() {
    var line = Line(network: line().network)
    var settings = settings
    settings.usesNagle = true
    line.network.transport = .stream(settings)
    func delays(_ messages: [(bytes: Int, at: Int64)]) -> [SimDuration?] {
      var fresh = Line(network: line.network)
      return messages.map { fresh.delay($0.bytes, at: .zero + .milliseconds($0.at)) }
    }
    // The first such packet waits for nobody, full packets or not before it.
    #expect(delays([(5500, 1)]) == [.milliseconds(10)])
    // The second waits for what is left of the round trip, at 11 ms for 30 ms; then nothing is.
    #expect(
      delays([(100, 1), (5500, 11), (100, 300)])
        == [.milliseconds(10), .milliseconds(40), .milliseconds(10)])
    // Full packets never wait, nor does anything for them.
    #expect(
      delays([(4000, 1), (100, 2), (2000, 300)])
        == [.milliseconds(10), .milliseconds(10), .milliseconds(10)])
    // What is sent while a packet still waits goes along with it, at 41 ms.
    #expect(
      delays([(100, 1), (100, 11), (100, 31)])
        == [.milliseconds(10), .milliseconds(40), .milliseconds(20)])
  }

  @Test("loss becomes delay: everything arrives, a lost packet costs a round trip or the timer")
  func loss() {
    var lossy = line { $0.loss = 0.02 }
    var delays: [SimDuration] = []
    for i in 0..<5000 {
      let delay = lossy.delay(1000, at: .zero + .milliseconds(Int64(i) * 900))
      #expect(delay != nil)
      delays.append(delay ?? .zero)
    }
    // One packet: a loss is found by the timer, which doubles.
    let once = delays.count { $0 == .milliseconds(210) }
    let twice = delays.count { $0 == .milliseconds(610) }
    #expect(abs(Double(once) - 5000 * 0.02 * 0.98) < 4 * (5000 * 0.02).squareRoot())
    #expect(twice <= 9 && delays.allSatisfy { $0 >= .milliseconds(10) })
    let none = delays.count { $0 == .milliseconds(10) }
    #expect(none + once + twice >= 4999)
  }

  @Test("a loss inside a long message is found by the packets after it")
  func fastRetransmit() {
    var lossy = line { $0.loss = 0.001 }
    var delays: [SimDuration] = []
    for i in 0..<2000 {
      let start = SimTime.zero + .milliseconds(Int64(i) * 900)
      if let delay = lossy.delay(80_000, at: start) { delays.append(delay) }
    }
    #expect(delays.count == 2000)
    // 80 packets: 7.7 % of messages lose one, of which 3 in 80 are found late.
    let late = delays.count { $0 >= .milliseconds(210) }
    let lossFree = delays.count { $0 == .milliseconds(10) }
    #expect(Double(late) < 2000 * 0.077 * 0.15)
    #expect(Double(lossFree) > 2000 * 0.8)
    #expect(delays.contains(.milliseconds(50)))
  }

  @Test("later messages wait behind a late one")
  func headOfLine() {
    var line = line()
    let large = line.delay(70_001, at: .zero)
    let small = line.delay(1, at: .zero + .milliseconds(1))
    #expect(large == .milliseconds(130) && small == .milliseconds(129))
  }

  @Test("messages keep their order whatever is lost")
  func order() {
    var lossy = line {
      $0.loss = 0.2
      $0.jitter = .exponential(mean: 5e6)
    }
    var last = SimTime.zero
    for i in 0..<3000 {
      let start = SimTime.zero + .milliseconds(Int64(i))
      let arrival = start + (lossy.delay(1500, at: start) ?? .zero)
      #expect(arrival >= last)
      last = arrival
    }
  }

  @Test("what is sent into a partition arrives by a retransmission after it has healed")
  func partition() {
    var cut = line {
      $0.partitions = [
        Partition(
          from: .zero + .seconds(1), until: .zero + .milliseconds(2500), side: [0, 1])
      ]
    }
    // Attempts after 200, 600, 1400, 3000 ms: the first one at 2500 ms or later is the fourth.
    #expect(cut.delay(100, at: .zero + .seconds(1)) == .milliseconds(3010))
    var forever = line {
      $0.partitions = [Partition(from: .zero, until: .never, side: [0, 1])]
    }
    #expect(forever.delay(100, at: .zero) == nil)
  }
}
