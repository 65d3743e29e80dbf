/// FNV-1a with 64 bits: tells a damaged file from a whole one, and folds digests into one.
///
/// It protects against accidents, not against forgery.
public struct Checksum {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  mutating func add(_ word: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      add(CollectionOfOne(UInt8(truncatingIfNeeded: word >> shift)))
    }
  }

  /// The checksum of `text`, as 16 hexadecimal digits.
  public static func hex(of text: String) -> String {
    var checksum = Checksum()
    checksum.add(text.utf8)
    return checksum.hex
  }

  /// 16 lower-case hexadecimal digits.
  var hex: String { Self.hex(value) }

  static func hex(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
