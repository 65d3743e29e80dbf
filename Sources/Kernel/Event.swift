/// What the queue holds: one trivial value of 48 bytes.
///
/// The owning subsystem alone decodes `payload`; large bodies stay in its arenas and travel as a
/// handle. No class, closure or existential is ever in the queue.
@frozen
public struct Event: Sendable, BitwiseCopyable {
  public var time: SimTime
  /// Index of the subsystem that owns the event.
  public var subsystem: UInt16
  /// What the subsystem calls this kind of event.
  public var kind: UInt16
  /// The role it is for: a replica, a client host, a store.
  public var target: UInt32
  public var payload: Payload

  @inlinable
  public init(
    at time: SimTime, subsystem: UInt16, kind: UInt16, target: UInt32,
    payload: Payload = Payload()
  ) {
    self.time = time
    self.subsystem = subsystem
    self.kind = kind
    self.target = target
    self.payload = payload
  }

  /// 32 bytes that only the owning subsystem reads.
  @frozen
  public struct Payload: Sendable, BitwiseCopyable, Equatable {
    public var a: UInt64
    public var b: UInt64
    public var c: UInt64
    public var d: UInt64

    @inlinable
    public init(_ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0) {
      self.a = a
      self.b = b
      self.c = c
      self.d = d
    }
  }
}

extension Event.Payload {
  /// Stores a trivial `value` behind the first word.
  ///
  /// - Precondition: at most 24 bytes, alignment at most 8; checked when a run is built.
  @inline(__always)
  public mutating func store<T: BitwiseCopyable>(_ value: T) {
    withUnsafeMutableBytes(of: &self) { $0.storeBytes(of: value, toByteOffset: 8, as: T.self) }
  }

  /// What `store` has stored.
  @inline(__always)
  public func load<T: BitwiseCopyable>(as type: T.Type) -> T {
    withUnsafeBytes(of: self) { $0.load(fromByteOffset: 8, as: T.self) }
  }

  /// Whether a `T` fits behind the first word.
  public static func holds<T: BitwiseCopyable>(_ type: T.Type) -> Bool {
    MemoryLayout<T>.size <= 24 && MemoryLayout<T>.alignment <= 8
  }
}
