/// The event queue: a monotone radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, JACM '90) over
/// digits of `digitBits` bits.
///
/// An event whose time first differs from `now` in digit `l`, where it has the value `d`, is in
/// bucket `(l, d)`; those of this very time are in level 0. The buckets of level 0 hold one time
/// each; any other is spread over lower levels, all empty then, before it is popped from. Buckets
/// are appended to and read in order, so equal times pop in the order of insertion without a stored
/// sequence number. The price is monotony: nothing may be scheduled before the last popped time.
///
/// Buckets are lists of pages from one pool, so memory follows the number of pending events. Push
/// is O(1); pop moves an event once a digit at worst, in practice about log2 of the number pending
/// over `digitBits` times, since a bucket with a single event is popped as it is.
public struct EventQueue: ~Copyable {
  static var digitBits: Int { 5 }
  static var digits: Int { 1 << digitBits }
  static var levels: Int { (63 + digitBits - 1) / digitBits }
  static var eventsPerPage: Int { 32 }
  static var pagesPerSlab: Int { 128 }
  static var noPage: UInt32 { .max }

  struct Bucket: BitwiseCopyable {
    var head: UInt32 = .max
    var tail: UInt32 = .max
    /// First unread event of the head page.
    var read: Int32 = 0
    /// Events written to the tail page.
    var written: Int32 = 0
    var earliest: SimTime = .never

    var isEmpty: Bool { head == .max }
    var isSingle: Bool { head == tail && written &- read == 1 }
  }

  /// Number of pending events.
  public private(set) var count = 0
  /// Time of the last popped event; nothing may be pushed before it.
  public private(set) var now = SimTime.zero

  private let buckets: UnsafeMutablePointer<Bucket>
  /// Bit `d` of entry `l` set: bucket `(l, d)` is not empty.
  private let occupied: UnsafeMutablePointer<UInt64>
  /// Bit `l` set: level `l` is not empty.
  private var occupiedLevels: UInt64 = 0
  private var slabs: UnsafeMutablePointer<UnsafeMutablePointer<Event>>
  private var slabCount = 0
  private var slabCapacity = 16
  /// Successor of each page in its bucket, or in the free list.
  private var next: UnsafeMutablePointer<UInt32>
  private var freePage = EventQueue.noPage

  public init() {
    buckets = .allocate(capacity: Self.levels * Self.digits)
    buckets.initialize(repeating: Bucket(), count: Self.levels * Self.digits)
    occupied = .allocate(capacity: Self.levels)
    occupied.initialize(repeating: 0, count: Self.levels)
    slabs = .allocate(capacity: slabCapacity)
    next = .allocate(capacity: slabCapacity * Self.pagesPerSlab)
  }

  deinit {
    for i in 0..<slabCount { slabs[i].deallocate() }
    slabs.deallocate()
    next.deallocate()
    buckets.deallocate()
    occupied.deallocate()
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
    count &+= 1
  }

  /// Removes and returns the earliest event, the first inserted among equals; `nil` when empty.
  public mutating func pop() -> Event? {
    guard count > 0 else { return nil }
    count &-= 1
    let level = occupiedLevels.trailingZeroBitCount
    let digit = occupied[level].trailingZeroBitCount
    let bucket = buckets + (level &* Self.digits &+ digit)
    now = bucket.pointee.earliest
    if level == 0 || bucket.pointee.isSingle { return takeFirst(level, digit) }
    spread(level, digit)
    return takeFirst(0, occupied[0].trailingZeroBitCount)
  }

  /// Time of the earliest pending event, `.never` when empty.
  public var nextTime: SimTime {
    guard occupiedLevels != 0 else { return .never }
    let level = occupiedLevels.trailingZeroBitCount
    return buckets[level &* Self.digits &+ occupied[level].trailingZeroBitCount].earliest
  }

  /// An independent queue with the same pending events in the same order.
  public func copy() -> EventQueue {
    var other = EventQueue()
    other.now = now
    for b in 0..<Self.levels * Self.digits {
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
    let level = (63 &- (difference | 1).leadingZeroBitCount) / Self.digitBits
    let shifted = UInt64(bitPattern: event.time.nanoseconds) &>> UInt64(level &* Self.digitBits)
    let digit = Int(truncatingIfNeeded: shifted) & (Self.digits &- 1)
    let bucket = buckets + (level &* Self.digits &+ digit)
    if bucket.pointee.isEmpty || bucket.pointee.written == Self.eventsPerPage {
      addPage(to: bucket)
      occupied[level] |= 1 &<< UInt64(digit)
      occupiedLevels |= 1 &<< UInt64(level)
    }
    let slot = Int(bucket.pointee.written)
    (address(of: bucket.pointee.tail) + slot).initialize(to: event)
    bucket.pointee.written &+= 1
    bucket.pointee.earliest = min(bucket.pointee.earliest, event.time)
  }

  @inline(__always)
  private mutating func takeFirst(_ level: Int, _ digit: Int) -> Event {
    let bucket = buckets + (level &* Self.digits &+ digit)
    let page = bucket.pointee.head
    let event = address(of: page)[Int(bucket.pointee.read)]
    bucket.pointee.read &+= 1
    if page == bucket.pointee.tail {
      if bucket.pointee.read == bucket.pointee.written {
        release(page)
        empty(level, digit)
      }
    } else if bucket.pointee.read == Self.eventsPerPage {
      bucket.pointee.head = next[Int(page)]
      bucket.pointee.read = 0
      release(page)
    }
    return event
  }

  @inline(__always)
  private mutating func empty(_ level: Int, _ digit: Int) {
    buckets[level &* Self.digits &+ digit] = Bucket()
    occupied[level] &= ~(1 &<< UInt64(digit))
    if occupied[level] == 0 { occupiedLevels &= ~(1 &<< UInt64(level)) }
  }

  /// Moves the events of a bucket to lower levels, in order. `now` is the earliest of them.
  private mutating func spread(_ level: Int, _ digit: Int) {
    let bucket = buckets[level &* Self.digits &+ digit]
    empty(level, digit)
    var page = bucket.head
    while page != Self.noPage {
      let end = page == bucket.tail ? Int(bucket.written) : Self.eventsPerPage
      let events = address(of: page)
      for i in 0..<end { append(events[i]) }
      let following = next[Int(page)]
      release(page)
      page = following
    }
  }

  private mutating func addPage(to bucket: UnsafeMutablePointer<Bucket>) {
    if freePage == Self.noPage { addSlab() }
    let page = freePage
    freePage = next[Int(page)]
    next[Int(page)] = Self.noPage
    if bucket.pointee.isEmpty {
      bucket.pointee.head = page
      bucket.pointee.read = 0
    } else {
      next[Int(bucket.pointee.tail)] = page
    }
    bucket.pointee.tail = page
    bucket.pointee.written = 0
  }

  @inline(__always)
  private mutating func release(_ page: UInt32) {
    next[Int(page)] = freePage
    freePage = page
  }

  @inline(never)
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
