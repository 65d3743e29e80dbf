import Kernel
import Testing

/// The plain way: a binary heap ordered by (time, insertion). The oracle of the queue.
private struct PlainHeap {
  private var heap: [(time: Int64, order: Int, event: Event)] = []
  private var inserted = 0
  var count: Int { heap.count }

  mutating func push(_ event: Event) {
    heap.append((event.time.nanoseconds, inserted, event))
    inserted += 1
    var i = heap.count - 1
    while i > 0, isBefore(i, (i - 1) / 2) {
      heap.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func pop() -> Event? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if heap.isEmpty { return first.event }
    heap[0] = last
    var i = 0
    while 2 * i + 1 < heap.count {
      var child = 2 * i + 1
      if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
      guard isBefore(child, i) else { break }
      heap.swapAt(i, child)
      i = child
    }
    return first.event
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order)
  }
}

/// Delays as a simulation might draw them, and some that it should not.
enum Delays: String, CaseIterable, CustomTestStringConvertible {
  case zero, constant, ties, exponential, pareto, bimodal, bursts, huge, mixed
  case powersOfTwo

  var testDescription: String { rawValue }

  func draw(_ i: Int, _ stream: inout RandomStream) -> Int64 {
    switch self {
    case .zero: 0
    case .constant: 1_000_000
    case .ties: Int64(stream.below(4)) * 1024
    case .exponential: Int64(1e6 * stream.exponential())
    case .pareto: Int64(min(stream.pareto(scale: 100, shape: 0.5), 1e15))
    case .bimodal: stream.bernoulli(0.01) ? 10_000_000_000 : Int64(stream.below(100))
    case .bursts: (i / 500) % 2 == 0 ? 0 : 1_000_000 + Int64(stream.below(3))
    case .huge: Int64(stream.below(1 << 52))
    case .powersOfTwo: (1 << Int64(stream.below(45))) - Int64(stream.below(2))
    case .mixed: Delays.allCases[Int(stream.below(8))].draw(i, &stream)
    }
  }
}

@Suite("The event queue")
struct EventQueueTests {
  func event(_ time: Int64, _ number: Int) -> Event {
    Event(
      at: SimTime(nanoseconds: time), subsystem: UInt16(number & 7), kind: UInt16(number & 0xFFF),
      target: UInt32(truncatingIfNeeded: number), payload: .init(UInt64(number), 1, 2, 3))
  }

  func isSame(_ a: Event?, _ b: Event?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return a.time == b.time && a.subsystem == b.subsystem && a.kind == b.kind
      && a.target == b.target && a.payload == b.payload
  }

  @Test(
    "pops what a plain heap pops, in the same order, whatever the delays",
    arguments: Delays.allCases, [1, 3, 40, 5000])
  func differential(delays: Delays, pending: Int) {
    var queue = EventQueue()
    var heap = PlainHeap()
    var stream = RandomStream(seed: 1, purpose: "queue", entity: UInt64(pending))
    var number = 0
    func add(_ queue: inout EventQueue, _ heap: inout PlainHeap) {
      // Huge delays must not run over the end of time.
      let room = Int64.max - queue.now.nanoseconds - 1
      let delay = min(delays.draw(number, &stream), room)
      let event = event(queue.now.nanoseconds + delay, number)
      number += 1
      queue.push(event)
      heap.push(event)
    }
    for _ in 0..<pending { add(&queue, &heap) }
    var failures = 0
    for _ in 0..<20_000 {
      let next = queue.nextTime
      let (a, b) = (queue.pop(), heap.pop())
      if !isSame(a, b) || (a != nil && (next != a?.time || queue.now != a?.time)) { failures += 1 }
      // One, on average, so that the number pending wanders, also down to nothing.
      for _ in 0..<Int(stream.below(3)) { add(&queue, &heap) }
      if queue.isEmpty { add(&queue, &heap) }
      if queue.count != heap.count { failures += 1 }
    }
    while let b = heap.pop() {
      if !isSame(queue.pop(), b) { failures += 1 }
    }
    #expect(failures == 0)
    #expect(queue.pop() == nil && queue.isEmpty && queue.nextTime == .never)
  }

  @Test("a copy made at any moment goes on identically, and independently", arguments: 0..<20)
  func copies(moment: Int) {
    var stream = RandomStream(seed: 2, purpose: "queue", entity: UInt64(moment))
    var queue = EventQueue()
    var number = 0
    func step(_ queue: inout EventQueue, _ stream: inout RandomStream, _ number: inout Int)
      -> UInt64
    {
      let popped = queue.pop()
      for _ in 0..<Int(stream.below(3)) {
        let delay = Delays.mixed.draw(number, &stream)
        queue.push(event(queue.now.nanoseconds + delay, number))
        number += 1
      }
      return popped?.payload.a ?? .max
    }
    for i in 0..<300 { queue.push(event(Int64(i % 7), i)) }
    for _ in 0..<moment * 100 { _ = step(&queue, &stream, &number) }
    var other = queue.copy()
    var (otherStream, otherNumber) = (stream, number)
    #expect(other.count == queue.count && other.now == queue.now)
    let first = (0..<1000).map { _ in step(&queue, &stream, &number) }
    let second = (0..<1000).map { _ in step(&other, &otherStream, &otherNumber) }
    #expect(first == second)
    #expect(other.count == queue.count && other.nextTime == queue.nextTime)
  }

  @Test("events of one time pop in the order of insertion, those added meanwhile last")
  func ties() {
    var queue = EventQueue()
    for i in 0..<1000 { queue.push(event(5_000_000_000, i)) }
    var order: [UInt64] = []
    while let popped = queue.pop() {
      order.append(popped.payload.a)
      if order.count <= 500 { queue.push(event(5_000_000_000, 1000 + order.count)) }
    }
    let later: [UInt64] = (1001...1500).map { UInt64($0) }
    #expect(order == (0..<1000).map { UInt64($0) } + later)
  }

  @Test("the last instant before never can be scheduled")
  func latest() {
    var queue = EventQueue()
    queue.push(event(.max - 1, 1))
    queue.push(event(0, 0))
    #expect(queue.nextTime == .zero)
    let (first, second) = (queue.pop(), queue.pop())
    #expect(first?.payload.a == 0 && second?.payload.a == 1)
    #expect(queue.now == SimTime(nanoseconds: .max - 1))
    queue.push(event(.max - 1, 2))
    let third = queue.pop()
    #expect(third?.payload.a == 2 && queue.isEmpty)
  }

  @Test("scheduling in the past stops the run")
  func past() async {
    await #expect(processExitsWith: .failure) {
      var queue = EventQueue()
      func at(_ time: Int64) -> Event {
        Event(at: SimTime(nanoseconds: time), subsystem: 1, kind: 0, target: 0)
      }
      queue.push(at(10))
      _ = queue.pop()
      queue.push(at(9))
    }
  }

  @Test("a million pending events stay under 128 MiB, and a few take little")
  func memory() {
    var queue = EventQueue()
    var stream = RandomStream(seed: 3, purpose: "queue")
    func add(_ queue: inout EventQueue) {
      let delay = 100_000 + Int64(900_000 * stream.exponential())
      queue.push(event(queue.now.nanoseconds + delay, 0))
    }
    for _ in 0..<100 { add(&queue) }
    #expect(queue.poolBytes < 1 << 20)
    for _ in 100..<1_000_000 { add(&queue) }
    for _ in 0..<2_000_000 {
      _ = queue.pop()
      add(&queue)
    }
    #expect(queue.count == 1_000_000)
    #expect(queue.poolBytes < 64 << 20)
  }
}

@Suite("Times and digests")
struct TimeTests {
  @Test("seconds become the nearest nanosecond, halves away from zero")
  func rounding() {
    #expect(SimDuration(seconds: 1.5e-9).nanoseconds == 2)
    #expect(SimDuration(seconds: -1.5e-9).nanoseconds == -2)
    #expect(SimDuration(seconds: 0.1).nanoseconds == 100_000_000)
    #expect(SimDuration.milliseconds(3) == .microseconds(3000))
    #expect(SimDuration.seconds(2).seconds == 2)
  }

  @Test("instants and spans add up as they should")
  func arithmetic() {
    var time = SimTime.zero + .seconds(3) - .milliseconds(1)
    time += .nanoseconds(5)
    #expect(time.nanoseconds == 2_999_000_005)
    #expect(time - .zero == .nanoseconds(2_999_000_005))
    #expect(SimTime.zero < time && time < .never)
    #expect(SimDuration.seconds(1) * 3 - .seconds(1) == .seconds(2))
  }

  @Test("a digest tells order, length and every bit apart, and is the same everywhere")
  func digests() {
    func digest(_ words: [UInt64]) -> UInt64 {
      var digest = RunDigest()
      for word in words { digest.fold(word) }
      return digest.value
    }
    #expect(digest([1, 2]) != digest([2, 1]))
    #expect(digest([]) != digest([0]) && digest([0]) != digest([0, 0]))
    var seen: [UInt64] = [digest([0])]
    for bit in 0..<64 { seen.append(digest([1 << UInt64(bit)])) }
    #expect(Set(seen).count == 65)
    var pair = RunDigest(7)
    pair.fold(1, 2)
    var single = RunDigest(7)
    single.fold(1)
    single.fold(2)
    #expect(pair == single)
    #expect(digest([1, 2, 3]) == 431_043_667_342_955_391)
  }

  @Test("a payload holds up to 24 bytes behind its first word")
  func payload() {
    struct Fields: BitwiseCopyable, Equatable {
      var a: UInt64
      var b: UInt32
      var c: UInt64
    }
    struct Larger: BitwiseCopyable {
      var a, b, c, d: UInt64
    }
    #expect(Event.Payload.holds(Fields.self) && !Event.Payload.holds(Larger.self))
    var payload = Event.Payload(99)
    payload.store(Fields(a: 1, b: 2, c: 3))
    #expect(payload.a == 99 && payload.load(as: Fields.self) == Fields(a: 1, b: 2, c: 3))
    #expect(MemoryLayout<Event>.stride == 48)
  }
}
