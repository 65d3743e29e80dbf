/// Messages and bytes by type, as handed to the network, and bytes by sender.
public struct Traffic: Sendable {
  public let types: [String]
  private let roles: Int
  public private(set) var counts: [Int]
  public private(set) var bytes: [Int]
  public private(set) var duplicates: [Int]
  /// Bytes sent, `[type * roles + role]`.
  private var sentBytes: [Int]

  /// - Parameters:
  ///   - types: names of the message types.
  ///   - roles: how many senders there are.
  public init(types: [String], roles: Int) {
    self.types = types
    self.roles = roles
    counts = Array(repeating: 0, count: types.count)
    bytes = counts
    duplicates = counts
    sentBytes = Array(repeating: 0, count: types.count * roles)
  }

  /// Counts `copies` messages of `type`, each of `size` bytes, sent by `role`.
  public mutating func count(_ type: Int, from role: Int, bytes size: Int, copies: Int = 1) {
    counts[type] += copies
    bytes[type] += size * copies
    sentBytes[type * roles + role] += size * copies
  }

  /// Counts a delivery of what the receiver already had.
  public mutating func countDuplicate(_ type: Int) { duplicates[type] += 1 }

  /// Bytes sent by each role, of all types.
  public var bytesByRole: [Int] {
    (0..<roles).map { role in types.indices.reduce(0) { $0 + sentBytes[$1 * roles + role] } }
  }

  /// Rows for `messages.csv`.
  public func rows(subsystem: String) -> [Outcome.MessageCount] {
    types.indices.map { type in
      let sent = sentBytes[type * roles..<(type + 1) * roles]
      return Outcome.MessageCount(
        subsystem: subsystem, type: types[type], count: counts[type], bytes: bytes[type],
        duplicates: duplicates[type],
        nodeMeanBytes: roles > 0 ? Double(bytes[type]) / Double(roles) : 0,
        nodeMaxBytes: sent.max() ?? 0)
    }
  }
}
