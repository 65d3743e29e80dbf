import Foundation
import Scenarios
import Testing

/// Shipped scenarios with something broken in them: never a crash, always a run or an explanation.
@Suite("Mutated scenarios")
struct ShippedMutationTests {
  /// Knuth's linear congruential generator: the mutations are the same every time.
  struct Dice {
    var state: UInt64
    mutating func roll(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(n))
    }
  }

  static let values = [
    "0", "-1", "1e30", "999999999999", "0.5", "1e-30", "", "null", "[]", "{}", "~", "nan", "1 s",
    "1 GB", "5 %", "-5 ms", "1e18 s", "100000 %", "pbft", "ideal", "0 /s", "9223372036854775807",
  ]

  /// Replaces, drops or repeats one piece of `text`.
  static func mutated(_ text: String, _ dice: inout Dice) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let i = dice.roll(lines.count)
    switch dice.roll(6) {
    case 0: lines.remove(at: i)
    case 1: lines.insert(lines[dice.roll(lines.count)], at: i)
    case 2: lines[i] = "  " + lines[i]
    case 3:
      var bytes = Array(lines[i].utf8)
      if !bytes.isEmpty { bytes[dice.roll(bytes.count)] = UInt8(32 + dice.roll(95)) }
      lines[i] = String(decoding: bytes, as: UTF8.self)
    default:
      // A value: what stands between a colon or a bracket and the next comma or bracket.
      let parts = lines[i].split(separator: ": ", omittingEmptySubsequences: false).map(String.init)
      guard parts.count > 1 else { break }
      let k = 1 + dice.roll(parts.count - 1)
      let rest = parts[k].drop { !",}]".contains($0) }
      var changed = parts
      changed[k] = values[dice.roll(values.count)] + rest
      lines[i] = changed.joined(separator: ": ")
    }
    return lines.joined(separator: "\n")
  }

  /// What reading `text` at both sizes says; nil if nothing is wrong.
  static func mistakes(in text: String, file: String, folder: String) -> ScenarioErrors? {
    do {
      let document = try ScenarioDocument(text: text, file: file)
      for isMinimal in [false, true] {
        let points = try document.points(minimal: isMinimal)
        _ = try ScenarioDocument.read(Array(points.prefix(3))) {
          try Scenario($0, folder: folder)
        }
      }
      return nil
    } catch {
      return error
    }
  }

  @Test("either run or are explained with a place", arguments: ShippedScenarioTests.files)
  func mutations(file: String) throws {
    let folder = ShippedScenarioTests.root.appendingPathComponent("Scenarios")
    let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    var dice = Dice(state: 7)
    var refused = 0
    for _ in 0..<400 {
      var broken = text
      for _ in 0...dice.roll(3) { broken = Self.mutated(broken, &dice) }
      guard let errors = Self.mistakes(in: broken, file: file, folder: folder.path) else {
        continue
      }
      refused += 1
      #expect(errors.errors.allSatisfy { "\($0)".hasPrefix(file) }, "\(errors)")
    }
    #expect(refused > 100)
  }
}
