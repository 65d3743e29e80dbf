import Scenarios
import Testing

@Suite("Mutated scenarios")
struct MutationTests {
  @Test("two thousand mutations never crash, and every error names a place")
  func mutations() {
    var random = TinyRandom(state: 42)
    var good = 0
    var refused = 0
    for _ in 0..<2000 {
      var bytes = Array(SampleScenario.text.utf8)
      for _ in 0...random.below(3) { mutate(&bytes, &random) }
      do {
        let points = try ScenarioDocument(bytes: bytes, file: "m.yaml").points()
        _ = try ScenarioDocument.read(points) { try SampleScenario($0) }
        good += 1
      } catch {
        refused += 1
        let isPlaced = error.errors.allSatisfy { $0.file == "m.yaml" && !$0.message.isEmpty }
        #expect(isPlaced)
        // Only what no line can be held to blame for goes without one.
        let whole = ["not valid YAML", "is empty"]
        for error in error.errors where error.line == nil {
          #expect(whole.contains { error.message.contains($0) }, "\(error)")
        }
        #expect(error.description.split(separator: "\n").count <= 21)
      }
    }
    #expect(good > 50)
    #expect(refused > 500)
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout TinyRandom) {
    guard !bytes.isEmpty else { return }
    let kind = random.below(8)
    let at = random.below(bytes.count)
    switch kind {
    case 0: bytes[at] ^= UInt8(1 << random.below(8))
    case 1: removeLine(at, from: &bytes)
    case 2: replaceNumber(from: at, with: Array(numbers[random.below(numbers.count)].utf8), &bytes)
    case 3: replaceUnit(with: units[random.below(units.count)], random.below(units.count), &bytes)
    case 4:
      let depth = 1 + random.below(90)
      bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "["), count: depth), at: at)
    case 5: bytes.insert(punctuation[random.below(punctuation.count)], at: at)
    case 6: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.below(20)))
    default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: at)
    }
  }

  private let punctuation = Array("&*!?|>'\"%@`#:-,{}[]\t\n".utf8)
  private let numbers = ["-1", "1e400", "99999999999999999999", "nan", "0", "1e-300", ".5", "1e18"]
  private let units = [" ms", " s", " /s", " B", " Gbit/s", " %", " h", " parsec"]

  private func removeLine(_ at: Int, from bytes: inout [UInt8]) {
    let newline = UInt8(ascii: "\n")
    let start = bytes[..<at].lastIndex(of: newline) ?? 0
    let end = bytes[at...].firstIndex(of: newline) ?? bytes.count
    if start < end { bytes.removeSubrange(start..<end) }
  }

  private func replaceNumber(from at: Int, with number: [UInt8], _ bytes: inout [UInt8]) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let start = bytes[at...].firstIndex(where: digits.contains) else { return }
    let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: number)
  }

  private func replaceUnit(with unit: String, _ index: Int, _ bytes: inout [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    bytes = Array(text.replacing(units[index], with: unit, maxReplacements: 1).utf8)
  }
}
