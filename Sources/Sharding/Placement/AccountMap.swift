import Ledger

/// Which shard an account lives in: a table for those that were placed with thought, a hash for all
/// others.
public struct AccountMap: Sendable, Equatable {
  /// An account that changes shard: its state has to be sent.
  public struct Migration: Sendable, Equatable, BitwiseCopyable {
    public var account: AccountID
    public var from: ShardID
    public var to: ShardID
  }

  public let shards: Int
  /// Distinguishes one hash placement from another; a deployment has one.
  public let salt: UInt64
  private var table: [UInt32]

  /// Every account by hash.
  public init(shards: Int, salt: UInt64 = 0) {
    precondition(shards >= 1, "\(shards) shards")
    self.shards = shards
    self.salt = salt
    table = []
  }

  /// Accounts 0..<places.count as given, the others by hash.
  /// - Parameter places: by account: its shard, below `shards`.
  public init(shards: Int, salt: UInt64 = 0, places: [UInt32]) {
    self.init(shards: shards, salt: salt)
    precondition(places.allSatisfy { $0 < shards }, "a place beyond \(shards) shards")
    table = places
  }

  /// Where an account lives.
  @inlinable
  public func shard(of account: AccountID) -> ShardID {
    if let place = placed(account) { return ShardID(Int(place)) }
    return ShardID(Int(Self.hashed(account, salt).multipliedFullWidth(by: UInt64(shards)).high))
  }

  @usableFromInline
  func placed(_ account: AccountID) -> UInt32? {
    account.index < table.count ? table[Int(account.index)] : nil
  }

  /// 64 bits that depend on all bits of account and salt: the finaliser of SplitMix64 (Steele, Lea
  /// and Flood, OOPSLA '14) twice. Stands for an address's own digits, which are a hash of a key.
  @inlinable
  static func hashed(_ account: AccountID, _ salt: UInt64) -> UInt64 {
    mixed(mixed(account.index &+ 0x9E37_79B9_7F4A_7C15) ^ salt)
  }

  @inlinable
  static func mixed(_ x: UInt64) -> UInt64 {
    var z = x
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The shards of accounts 0..<accounts, in order.
  public func places(accounts: Int) -> [UInt32] {
    (0..<accounts).map { shard(of: AccountID($0)).index }
  }

  /// Which of accounts 0..<accounts change shard if `other` follows, by account. Each sends its
  /// state once: bytes are their number times the size of an account.
  public func migrations(to other: AccountMap, accounts: Int) -> [Migration] {
    (0..<accounts).compactMap { i in
      let account = AccountID(i)
      let (from, to) = (shard(of: account), other.shard(of: account))
      return from == to ? nil : Migration(account: account, from: from, to: to)
    }
  }
}
