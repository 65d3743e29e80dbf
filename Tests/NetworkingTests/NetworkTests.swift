import Kernel
import Machines
import Networking
import Statistics
import Testing

private let (a, b) = (NodeID(0), NodeID(1))

private func ms(_ n: Int64) -> SimTime { .zero + .milliseconds(n) }

/// Two nodes, a message each `gap` from `a` to `b`.
private struct Exchange {
  var network: Network
  var connection = Connection()
  var stream = RandomStream(seed: 1, purpose: "network tests")

  init(
    _ delay: Distribution, back: Distribution? = nil, transport: Transport = .message,
    _ change: (inout Network) -> Void = { _ in }
  ) {
    network = Network(
      regionOf: [0, 1], regions: 2, delays: [delay, delay, back ?? delay, back ?? delay],
      transport: transport)
    change(&network)
    network.seal()
  }

  mutating func send(_ bytes: Int = 100, from: NodeID = a, to: NodeID = b, at time: SimTime)
    -> Passage
  {
    network.passage(
      of: bytes, from: from, to: to, sent: time, over: &connection, using: &stream)
  }

  /// Arrivals of `count` messages, one each millisecond; several for duplicates, none for losses.
  mutating func arrivals(_ count: Int, every gap: SimDuration = .milliseconds(1)) -> [[SimTime]] {
    (0..<count).map { i in
      switch send(at: .zero + gap * Int64(i)) {
      case .arrives(let time): [time]
      case .lost: []
      case .duplicated(let first, let second): [first, second]
      }
    }
  }
}

private func isSorted(_ times: [SimTime]) -> Bool {
  zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }
}

@Suite("Links")
struct NetworkTests {
  let wide = Distribution.uniform(low: 1e6, high: 50e6)

  @Test("a constant delay is kept to the nanosecond, each way its own")
  func constant() {
    var exchange = Exchange(.constant(5e6), back: .constant(7e6))
    let there = exchange.send(at: ms(1))
    let back = exchange.send(from: b, to: a, at: ms(1))
    #expect(there == .arrives(ms(6)) && back == .arrives(ms(8)))
    #expect(exchange.network.meanDelay(from: b, to: a) == .milliseconds(7))
  }

  @Test("drawn delays have the mean of their distribution")
  func mean() {
    // Far apart, so that order costs nothing.
    var exchange = Exchange(wide)
    let gap = SimDuration.seconds(1)
    let arrivals = exchange.arrivals(20_000, every: gap)
    let delays = arrivals.enumerated().map { ($1[0] - (.zero + gap * Int64($0))).seconds }
    let estimate = MeanEstimate(delays, confidence: 0.999)
    #expect(estimate.low < 25.5e-3 && 25.5e-3 < estimate.high)
  }

  @Test("messages of a pair keep their order, unless reordering is asked for")
  func order() {
    var kept = Exchange(wide)
    #expect(isSorted(kept.arrivals(1000).flatMap { $0 }))
    var mixed = Exchange(wide) { $0.reorders = true }
    let arrivals = mixed.arrivals(1000).flatMap { $0 }
    #expect(!isSorted(arrivals))
    // The very delays that were drawn.
    #expect(
      arrivals.enumerated().allSatisfy { i, time in
        time - ms(Int64(i)) >= .milliseconds(1) && time - ms(Int64(i)) <= .milliseconds(50)
      })
  }

  @Test("pairs do not wait for each other")
  func pairs() {
    var exchange = Exchange(.constant(10e6)) { $0.jitter = .constant(1e6) }
    var other = Connection()
    _ = exchange.send(at: ms(100))
    let early = exchange.network.passage(
      of: 1, from: a, to: b, sent: ms(1), over: &other, using: &exchange.stream)
    #expect(early == .arrives(ms(12)))
  }

  @Test("the stated share of messages is lost, and of those that pass the stated share is doubled")
  func lossAndDuplication() {
    var exchange = Exchange(.constant(1e6)) {
      $0.loss = 0.1
      $0.duplication = 0.2
    }
    let arrivals = exchange.arrivals(100_000)
    let lost = arrivals.count { $0.isEmpty }
    let doubled = arrivals.count { $0.count == 2 }
    // Four standard deviations.
    #expect(abs(Double(lost) - 10_000) < 4 * (100_000 * 0.1 * 0.9).squareRoot())
    let passed = Double(100_000 - lost)
    #expect(abs(Double(doubled) - 0.2 * passed) < 4 * (passed * 0.2 * 0.8).squareRoot())
    #expect(isSorted(arrivals.flatMap { $0 }))
  }

  @Test("a partition cuts exactly from its beginning until its end, both ways or one way")
  func partitions() {
    for isOneWay in [false, true] {
      var exchange = Exchange(.constant(1e6)) {
        $0.partitions = [
          Partition(from: ms(10), until: ms(20), side: [0, 1], isOneWay: isOneWay)
        ]
      }
      let there = [9, 10, 19, 20].map { exchange.send(at: ms($0)) }
      #expect(there == [.arrives(ms(10)), .lost, .lost, .arrives(ms(21))])
      var other = Connection()
      let back = exchange.network.passage(
        of: 1, from: b, to: a, sent: ms(15), over: &other, using: &exchange.stream)
      #expect(back == (isOneWay ? .arrives(ms(16)) : .lost))
    }
  }

  @Test("nodes of one side still reach each other")
  func sameSide() {
    var exchange = Exchange(.constant(1e6)) {
      $0.partitions = [Partition(from: .zero, until: .never, side: [3, 3])]
    }
    let passage = exchange.send(at: ms(1))
    #expect(passage == .arrives(ms(2)))
  }

  @Test("before GST delays are chaotic but end by GST + delta; after it they are at most delta")
  func stabilisation() {
    var exchange = Exchange(.uniform(low: 1e6, high: 30e6)) {
      $0.reorders = true
      $0.stabilisation = Stabilisation(
        gst: ms(1000), delta: .milliseconds(20), chaos: .pareto(scale: 50e6, shape: 0.7))
    }
    let arrivals = exchange.arrivals(2000).map { $0[0] }
    for (i, arrival) in arrivals.enumerated() {
      let sent = ms(Int64(i))
      let delay = arrival - sent
      #expect(i < 1000 ? arrival <= ms(1020) : delay <= .milliseconds(20))
      if i < 900 { #expect(delay >= .milliseconds(51) || arrival == ms(1020)) }
    }
    #expect(arrivals[..<1000].contains { $0 == ms(1020) })
  }

  @Test("order does not push a message beyond the bound")
  func boundedOrder() {
    var exchange = Exchange(.uniform(low: 1e6, high: 30e6)) {
      $0.stabilisation = Stabilisation(
        gst: ms(100), delta: .milliseconds(20), chaos: .constant(1e12))
    }
    for (i, arrival) in exchange.arrivals(1000).enumerated() {
      let bound = max(ms(Int64(i)), ms(100)) + .milliseconds(20)
      #expect(arrival[0] <= bound)
    }
  }
}
