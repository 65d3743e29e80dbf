/// The event queue: a monotone radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, JACM '90).
///
/// Bucket `b` holds the events whose time first differs from the time of the last popped event in
/// bit `b - 1`; bucket 0 holds those of that very time. Every bucket is appended to and read in
/// order, and a bucket is spread only over emptier, lower ones, so equal times pop in the order of
/// insertion without a stored sequence number. The price is monotony: nothing may be scheduled
/// before the last popped time.
///
/// Buckets are lists of pages from one pool, so memory follows the number of pending events.
/// Push is O(1); pop is amortised O(64) moves an event at worst, about log2 of the spread of
/// pending times in practice.
public struct EventQueue: ~Copyable {
  static var eventsPerPage: Int { 64 }
  static var pagesPerSlab: Int { 64 }
  static var bucketCount: Int { 65 }
  static var noPage: UInt32 { .max }

  struct Bucket: BitwiseCopyable {
    var head: UInt32 = .max
    var tail: UInt32 = .max
    /// First unread event of the head page.
    var read: Int32 = 0
    /// Events written to the tail page.
    var written: Int32 = 0
    var earliest: SimTime = .never
  }

  /// Number of pending events.
  public private(set) var count = 0
  /// Time of the last popped event; nothing may be pushed before it.
  public private(set) var now = SimTime.zero

  private let buckets: UnsafeMutablePointer<Bucket>
  /// Bit `b` set: bucket `b` (1...64) is not empty. Bucket 0 is asked directly.
  private var occupied: UInt64 = 0
  private var slabs: UnsafeMutablePointer<UnsafeMutablePointer<Event>>
  private var slabCount = 0
  private var slabCapacity = 16
  /// Successor of each page in its bucket, or in the free list.
  private var next: UnsafeMutablePointer<UInt32>
  private var freePage = EventQueue.noPage

  public init() {
    buckets = .allocate(capacity: Self.bucketCount)
    buckets.initialize(repeating: Bucket(), count: Self.bucketCount)
    slabs = .allocate(capacity: slabCapacity)
    next = .allocate(capacity: slabCapacity * Self.pagesPerSlab)
  }

  deinit {
    for i in 0..<slabCount { slabs[i].deallocate() }
    slabs.deallocate()
    next.deallocate()
    buckets.deallocate()
  }

  public var isEmpty: Bool { count == 0 }

  /// Adds `event`, to be popped after all pending events of its time.
  ///
  /// - Precondition: `event.time >= now`.
  public mutating func push(_ event: Event) {
    precondition(
      event.time >= now,
      "event at \(event.time.nanoseconds) ns scheduled before now, \(now.nanoseconds) ns")
    append(event)
    count += 1
  }

  /// Removes and returns the earliest event, the first inserted among equals; `nil` when empty.
  public mutating func pop() -> Event? {
    guard count > 0 else { return nil }
    if buckets[0].head == Self.noPage { spreadLowestBucket() }
    count -= 1
    return takeFirst()
  }

  /// Time of the earliest pending event, `.never` when empty.
  public var nextTime: SimTime {
    if buckets[0].head != Self.noPage { return now }
    guard occupied != 0 else { return .never }
    return buckets[occupied.trailingZeroBitCount + 1].earliest
  }

  /// An independent queue with the same pending events in the same order.
  public func copy() -> EventQueue {
    var other = EventQueue()
    other.now = now
    for b in 0..<Self.bucketCount {
      var page = buckets[b].head
      var start = Int(buckets[b].read)
      while page != Self.noPage {
        let end = page == buckets[b].tail ? Int(buckets[b].written) : Self.eventsPerPage
        let events = address(of: page)
        for i in start..<end { other.append(events[i]) }
        start = 0
        page = next[Int(page)]
      }
    }
    other.count = count
    return other
  }

  /// Resident bytes of the event pool.
  public var poolBytes: Int {
    slabCount * Self.pagesPerSlab * Self.eventsPerPage * MemoryLayout<Event>.stride
  }
}

// MARK: - Buckets and pages

extension EventQueue {
  @inline(__always)
  private func address(of page: UInt32) -> UnsafeMutablePointer<Event> {
    slabs[Int(page) / Self.pagesPerSlab]
      + (Int(page) % Self.pagesPerSlab) * Self.eventsPerPage
  }

  @inline(__always)
  private mutating func append(_ event: Event) {
    let difference = UInt64(bitPattern: event.time.nanoseconds ^ now.nanoseconds)
    let b = 64 - difference.leadingZeroBitCount
    if b > 0 { occupied |= 1 << UInt64(b - 1) }
    let bucket = buckets + b
    if bucket.pointee.tail == Self.noPage || bucket.pointee.written == Self.eventsPerPage {
      addPage(to: b)
    }
    let slot = Int(bucket.pointee.written)
    (address(of: bucket.pointee.tail) + slot).initialize(to: event)
    bucket.pointee.written += 1
    if event.time < bucket.pointee.earliest { bucket.pointee.earliest = event.time }
  }

  private mutating func takeFirst() -> Event {
    let bucket = buckets
    let page = bucket.pointee.head
    let event = address(of: page)[Int(bucket.pointee.read)]
    bucket.pointee.read += 1
    if page == bucket.pointee.tail {
      if bucket.pointee.read == bucket.pointee.written {
        release(page)
        bucket.pointee = Bucket()
      }
    } else if bucket.pointee.read == Self.eventsPerPage {
      bucket.pointee.head = next[Int(page)]
      bucket.pointee.read = 0
      release(page)
    }
    return event
  }

  /// Moves time to the earliest pending event and its bucket's events to lower buckets, in order.
  private mutating func spreadLowestBucket() {
    let b = occupied.trailingZeroBitCount + 1
    let bucket = buckets[b]
    buckets[b] = Bucket()
    occupied &= ~(1 << UInt64(b - 1))
    now = bucket.earliest
    var page = bucket.head
    var start = Int(bucket.read)
    while page != Self.noPage {
      let end = page == bucket.tail ? Int(bucket.written) : Self.eventsPerPage
      let events = address(of: page)
      for i in start..<end { append(events[i]) }
      start = 0
      let following = next[Int(page)]
      release(page)
      page = following
    }
  }

  @inline(never)
  private mutating func addPage(to b: Int) {
    let page = allocatePage()
    next[Int(page)] = Self.noPage
    if buckets[b].tail == Self.noPage {
      buckets[b].head = page
      buckets[b].read = 0
    } else {
      next[Int(buckets[b].tail)] = page
    }
    buckets[b].tail = page
    buckets[b].written = 0
  }

  @inline(__always)
  private mutating func release(_ page: UInt32) {
    next[Int(page)] = freePage
    freePage = page
  }

  private mutating func allocatePage() -> UInt32 {
    if freePage == Self.noPage { addSlab() }
    let page = freePage
    freePage = next[Int(page)]
    return page
  }

  private mutating func addSlab() {
    if slabCount == slabCapacity { growTables() }
    slabs[slabCount] = .allocate(capacity: Self.pagesPerSlab * Self.eventsPerPage)
    let first = UInt32(slabCount * Self.pagesPerSlab)
    slabCount += 1
    for i in (0..<UInt32(Self.pagesPerSlab)).reversed() { release(first + i) }
  }

  private mutating func growTables() {
    let capacity = slabCapacity * 2
    let moreSlabs = UnsafeMutablePointer<UnsafeMutablePointer<Event>>.allocate(capacity: capacity)
    moreSlabs.moveInitialize(from: slabs, count: slabCount)
    slabs.deallocate()
    slabs = moreSlabs
    let moreNext = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * Self.pagesPerSlab)
    moreNext.moveInitialize(from: next, count: slabCount * Self.pagesPerSlab)
    next.deallocate()
    next = moreNext
    slabCapacity = capacity
  }
}
