/// Breaks one thing in the text of a scenario, another one every time.
struct Mutator {
  /// Knuth's linear congruential generator: the mutations are the same every time.
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func roll(_ n: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(n))
  }

  private static let values = [
    "0", "-1", "1e30", "999999999999", "0.5", "1e-30", "", "null", "[]", "{}", "~", "nan", "1 s",
    "1 GB", "5 %", "-5 ms", "1e18 s", "100000 %", "pbft", "ideal", "0 /s", "9223372036854775807",
  ]

  private static let units = [
    "ns", "us", "ms", "s", "min", "h", "d", "B", "kB", "MB", "KiB", "MiB", "/s", "/min", "%", "ppm",
    "Mbit/s", "Gbit/s", "USD", "J/TH", "",
  ]

  /// Bytes flipped, keys dropped, numbers exploded, units swapped, nesting deepened, and what else
  /// a slip of the hand does.
  mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    guard !bytes.isEmpty else { return bytes }
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    let i = roll(lines.count)
    switch roll(10) {
    case 0: lines.remove(at: i)
    case 1: lines.insert(lines[roll(lines.count)], at: i)
    case 2: lines[i] = [32, 32] + lines[i]
    case 3: if !lines[i].isEmpty { lines[i][roll(lines[i].count)] = UInt8(32 + roll(95)) }
    case 4: if !lines[i].isEmpty { lines[i][roll(lines[i].count)] ^= UInt8(1 << roll(8)) }
    case 5: explodeNumber(of: &lines[i])
    case 6: swapUnit(of: &lines[i])
    case 7: deepen(&lines[i])
    default: replaceValue(of: &lines[i])
    }
    return Array(lines.joined(separator: [10]))
  }

  /// A value: what stands between a colon and the next comma or bracket.
  private mutating func replaceValue(of line: inout [UInt8]) {
    guard let value = valueRange(of: line) else { return }
    line.replaceSubrange(value, with: Array(Self.values[roll(Self.values.count)].utf8))
  }

  private mutating func explodeNumber(of line: inout [UInt8]) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let places = line.indices.filter { digits.contains(line[$0]) }
    guard !places.isEmpty else { return }
    let more = ["000", "e9", "e300", "99999999999999999999", ".5", "_0"]
    line.insert(
      contentsOf: Array(more[roll(more.count)].utf8), at: places[roll(places.count)] + 1)
  }

  private mutating func swapUnit(of line: inout [UInt8]) {
    let text = String(decoding: line, as: UTF8.self)
    let present = Self.units.filter { !$0.isEmpty && text.contains(" " + $0) }
    guard !present.isEmpty else { return }
    let (from, to) = (present[roll(present.count)], Self.units[roll(Self.units.count)])
    line = Array(text.replacing(" " + from, with: " " + to, maxReplacements: 1).utf8)
  }

  private mutating func deepen(_ line: inout [UInt8]) {
    guard let value = valueRange(of: line) else { return }
    let depth = [1, 2, 10, 63, 70, 5_000][roll(6)]
    let (open, close) = roll(2) == 0 ? ("[", "]") : ("{ x: ", " }")
    let old = String(decoding: line[value], as: UTF8.self)
    line.replaceSubrange(
      value,
      with: Array(
        (String(repeating: open, count: depth) + old + String(repeating: close, count: depth)).utf8)
    )
  }

  private mutating func valueRange(of line: [UInt8]) -> Range<Int>? {
    let colons = line.indices.dropLast().filter {
      line[$0] == UInt8(ascii: ":") && line[$0 + 1] == 32
    }
    guard !colons.isEmpty else { return nil }
    let start = colons[roll(colons.count)] + 2
    let end = line[start...].firstIndex { Array(",}]".utf8).contains($0) } ?? line.count
    return start..<end
  }
}
