/// Messages that came before their time: of a round, height or slot that this replica has not
/// reached. They are kept in the order of arrival, as many as there is room for.
///
/// Whoever keeps some asks for them with `next` after each step:
/// ```
/// while let next = early.next({ … }) { handle(next.message, from: next.sender, …) }
/// ```
/// What is handled may make the time of others come, also of those that arrived before it; `next`
/// goes over all of them again until none has its time.
public struct EarlyMessages<Message: BitwiseCopyable & Sendable>: Sendable {
  public struct Entry: Sendable, BitwiseCopyable {
    public var message: Message
    public var sender: ReplicaID
  }

  /// How a message stands to where the replica is now.
  public enum Time: Sendable { case past, present, future }

  /// Messages kept at the most; later ones are dropped.
  public let room: Int
  private var entries: [Entry] = []
  // How far `next` is: entries read, of which the first `kept` stay, and whether one was taken.
  private var read = 0
  private var kept = 0
  private var hasTaken = false

  /// - Parameter room: at least 1; it is reserved.
  public init(room: Int) {
    precondition(room >= 1, "room for \(room) messages")
    self.room = room
    entries.reserveCapacity(room)
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// Keeps `message` if there is room.
  public mutating func keep(_ message: Message, from sender: ReplicaID) {
    guard entries.count < room else { return }
    entries.append(Entry(message: message, sender: sender))
  }

  /// Takes out the next message whose time is present, and drops those whose time is past; `nil` if
  /// all that are left are of the future. To be called until it returns `nil`. O(messages kept) for
  /// each pass over them.
  public mutating func next(_ time: (Message) -> Time) -> Entry? {
    while !entries.isEmpty {
      while read < entries.count {
        let entry = entries[read]
        read += 1
        switch time(entry.message) {
        case .past: continue
        case .present:
          hasTaken = true
          return entry
        case .future:
          entries[kept] = entry
          kept += 1
        }
      }
      entries.removeLast(read - kept)
      (read, kept) = (0, 0)
      guard hasTaken else { return nil }
      hasTaken = false
    }
    return nil
  }
}
