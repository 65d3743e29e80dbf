import Kernel
import Ledger

/// Numbers addresses in the order of their first appearance.
///
/// An address has up to 160 bits. The table is open and probed linearly, by a hash of our own: the
/// numbers depend on the order of asking alone.
public struct AddressBook: Sendable, Equatable {
  /// 160 bits, as a number.
  public struct Address: Sendable, Hashable, BitwiseCopyable {
    public var high: UInt32
    public var low: UInt128

    public init(high: UInt32 = 0, low: UInt128) { (self.high, self.low) = (high, low) }

    /// With 0x and forty digits.
    public var description: String {
      func padded(_ digits: String, _ count: Int) -> String {
        String(repeating: "0", count: count - digits.count) + digits
      }
      return "0x" + padded(String(high, radix: 16), 8) + padded(String(low, radix: 16), 32)
    }
  }

  /// By account.
  public private(set) var addresses: [Address] = []
  /// Account plus 1, or 0 where nobody is; as many as a power of two.
  private var slots = [UInt32](repeating: 0, count: 64)

  public init() {}

  /// Accounts so far.
  public var count: Int { addresses.count }

  /// The account of an address, a new one if it was not seen before; expected O(1).
  public mutating func account(_ address: Address) -> AccountID {
    var slot = Self.hash(address) & (slots.count - 1)
    while slots[slot] != 0 {
      let account = Int(slots[slot]) - 1
      if addresses[account] == address { return AccountID(account) }
      slot = (slot + 1) & (slots.count - 1)
    }
    addresses.append(address)
    slots[slot] = UInt32(addresses.count)
    if 2 * addresses.count > slots.count { grow() }
    return AccountID(addresses.count - 1)
  }

  private mutating func grow() {
    var larger = [UInt32](repeating: 0, count: 2 * slots.count)
    for (i, address) in addresses.enumerated() {
      var slot = Self.hash(address) & (larger.count - 1)
      while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
      larger[slot] = UInt32(i + 1)
    }
    slots = larger
  }

  private static func hash(_ address: Address) -> Int {
    var digest = RunDigest()
    digest.fold(UInt64(truncatingIfNeeded: address.low), UInt64(address.low >> 64))
    digest.fold(UInt64(address.high))
    return Int(truncatingIfNeeded: digest.value >> 1)
  }
}
