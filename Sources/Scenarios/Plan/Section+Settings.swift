import Consensus
import Foundation
import Kernel

/// A bandwidth, or a word that stands for one.
enum BandwidthSetting {
  case bandwidth(Double)
  case choice(String)
}

extension Section {
  /// Bits per second such as `1 Gbit/s`, or one of a few words such as `ideal`.
  func bandwidthOr(
    _ key: String, _ words: [String], default standard: String, _ sentence: String,
    source: String? = nil
  ) -> BandwidthSetting {
    let allowed = (words + ["a positive bandwidth"]).joined(separator: ", ")
    let facts = KeyFacts(
      type: "bandwidth", unit: UnitFamily.bandwidth.unitNames, standard: standard,
      allowed: allowed, sentence: sentence, source: source)
    return scalar(key, facts, default: .choice(standard), standIn: .choice(standard)) {
      scalar throws(QuantityError) in
      if words.contains(scalar.text) { return .choice(scalar.text) }
      let amount = try UnitFamily.bandwidth.quantity(scalar.text).amount
      guard amount >= 1, amount <= 1e15 else {
        throw QuantityError("is out of range", allowed: "1 bit/s to 1e6 Gbit/s")
      }
      return .bandwidth(amount)
    }
  }

  /// The parameters that a protocol declares.
  func parameters(_ parameters: [Parameter]) -> ParameterValues {
    var values = ParameterValues()
    for parameter in parameters {
      let (name, sentence, source) = (parameter.name, parameter.sentence, parameter.source)
      switch parameter.kind {
      case .count(let value, let range):
        values[name] = .count(count(name, default: value, in: range, sentence, source: source))
      case .duration(let value, let range):
        values[name] = .duration(
          duration(name, default: value, in: range, sentence, source: source))
      case .bytes(let value, let range):
        values[name] = .bytes(bytes(name, default: value, in: range, sentence, source: source))
      case .fraction(let value, let range):
        values[name] = .fraction(
          fraction(name, default: value, in: range, sentence, source: source))
      case .flag(let value):
        values[name] = .flag(flag(name, default: value, sentence, source: source))
      case .choice(let value, let names):
        values[name] = .choice(choice(name, names, default: value, sentence, source: source))
      }
    }
    return values
  }
}

extension Section {
  /// Nodes by number, such as `0-3` or `0, 2, 5-7`, each below `count`.
  func nodeRanges(_ key: String, below count: Int, _ sentence: String) -> [ClosedRange<Int>] {
    let text = text(key, "\(sentence), as '0-3' or '0, 2, 5-7'")
    var ranges: [ClosedRange<Int>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
        .map { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard ends.count == 1 || ends.count == 2, let low = ends[0], let high = ends[ends.count - 1],
        low >= 0, low <= high, high < count
      else {
        fail(key, "'\(part)' names no nodes", allowed: "0 to \(count - 1)")
        return ranges
      }
      ranges.append(low...high)
    }
    return ranges
  }

  /// The same as a list, each node once, in ascending order.
  func nodes(_ key: String, below count: Int, _ sentence: String) -> [Int] {
    Set(nodeRanges(key, below: count, sentence).joined()).sorted()
  }
}
