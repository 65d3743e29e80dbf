import Foundation
import Statistics

/// A key of a scenario whose value is not known for sure, and how likely its values are.
public struct SensitivityInput: Sendable {
  /// In the unit that the scenario writes them in.
  enum Law: Sendable, Equatable {
    case uniform(from: Double, to: Double)
    case logUniform(from: Double, to: Double)
    case normal(mean: Double, sd: Double)
    case lognormal(median: Double, sigma: Double)
  }

  /// The dotted path.
  public let path: String
  /// As written; empty for a plain number.
  public let unit: String
  let law: Law
  let isWhole: Bool
  let origin: Origin

  /// The value below which the key is with probability `u`, in (0, 1).
  public func value(at u: Double) -> Double {
    let value =
      switch law {
      case .uniform(let from, let to): from + (to - from) * u
      case .logUniform(let from, let to): from * pow(to / from, u)
      case .normal(let mean, let sd): mean + sd * Quantile.normal(u)
      case .lognormal(let median, let sigma): median * exp(sigma * Quantile.normal(u))
      }
    return isWhole ? value.rounded() : value
  }

  /// That value as a scenario has it: of six digits, and of whole nanoseconds or bytes.
  func text(at u: Double) -> String {
    let value = value(at: u)
    for (family, base) in [(UnitFamily.duration, "ns"), (.bytes, "B")] {
      guard let unit = family.unit(named: unit) else { continue }
      let amount = (value * Double(unit.numerator) / Double(unit.denominator)).rounded()
      return WrittenAmount.decimal(amount, digits: 17) + " " + base
    }
    return WrittenAmount.decimal(value, digits: 6) + (unit.isEmpty ? "" : " \(unit)")
  }
}

extension SensitivityInput {
  /// The distribution as a scenario has it: its name, and its numbers by key.
  var written: (law: String, ends: [(key: String, text: String)]) {
    func plain(_ value: Double) -> String {
      let text = value.description
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    func amount(_ value: Double) -> String { plain(value) + (unit.isEmpty ? "" : " \(unit)") }
    switch law {
    case .uniform(let from, let to):
      return ("uniform", [("from", amount(from)), ("to", amount(to))])
    case .logUniform(let from, let to):
      return ("log-uniform", [("from", amount(from)), ("to", amount(to))])
    case .normal(let mean, let sd):
      return ("normal", [("mean", amount(mean)), ("sd", amount(sd))])
    case .lognormal(let median, let sigma):
      return ("lognormal", [("median", amount(median)), ("sigma", plain(sigma))])
    }
  }
}

extension SensitivityInput {
  /// Reads one key of `sensitivity.over`: `{ uniform: { from: 5 ms, to: 50 ms } }`.
  static func read(_ path: String, _ section: Section, origin: Origin) throws -> SensitivityInput {
    var unit = ""
    func pair(
      _ section: Section, _ first: (String, String), _ second: (String, String)
    ) -> (Double, Double) {
      let low = WrittenAmount(first.0, first.1, of: section)
      let high = WrittenAmount(second.0, second.1, of: section)
      section.require(low.unit == high.unit, second.0, "must have the same unit as '\(first.0)'")
      unit = low.unit
      return (low.number, high.number)
    }
    let isWhole = section.flag("whole", default: false, "round to whole numbers")
    let laws = ["uniform", "log-uniform", "normal", "lognormal"]
    let present = laws.filter { section.shape(of: $0) != .absent }
    guard present.count == 1 else {
      throw ScenarioError(
        "must be one distribution", at: origin, path: "sensitivity.over.\(path)",
        allowed: laws.joined(separator: ", "))
    }
    let law: Law = section.section(present[0], "the distribution of a key") { section in
      switch present[0] {
      case "normal":
        let (mean, sd) = pair(section, ("mean", "the mean"), ("sd", "the standard deviation"))
        section.require(sd > 0, "sd", "must be above zero")
        return .normal(mean: mean, sd: sd)
      case "lognormal":
        let median = WrittenAmount("median", "the median", of: section)
        unit = median.unit
        section.require(median.number > 0, "median", "must be above zero")
        return .lognormal(
          median: median.number,
          sigma: section.number("sigma", in: 1e-6...10, "deviation of the logarithm"))
      default:
        let (from, to) = pair(section, ("from", "least value"), ("to", "greatest value"))
        section.require(from < to, "to", "must be above 'from'")
        guard present[0] == "log-uniform" else { return .uniform(from: from, to: to) }
        section.require(from > 0, "from", "must be above zero")
        return .logUniform(from: from, to: to)
      }
    }
    return SensitivityInput(
      path: path, unit: unit, law: law, isWhole: isWhole, origin: origin)
  }

  /// `key=low..high`: uniform between the two.
  init(argument: String) throws(ScenarioErrors) {
    let origin = Origin("--over \(argument)")
    func failure(_ message: String) -> ScenarioErrors {
      ScenarioErrors([ScenarioError(message, at: origin)])
    }
    guard let sign = argument.firstIndex(of: "="),
      let dots = argument[sign...].firstRange(of: "..")
    else { throw failure("must have the form key=low..high, such as network.delay=5 ms..50 ms") }
    do throws(QuantityError) {
      let low = try WrittenAmount(
        argument[argument.index(after: sign)..<dots.lowerBound].trimmingCharacters(in: .whitespaces)
      )
      let high = try WrittenAmount(
        argument[dots.upperBound...].trimmingCharacters(in: .whitespaces))
      guard low.unit == high.unit else { throw QuantityError("has two units") }
      guard low.number < high.number else { throw QuantityError("has no room between its ends") }
      self.init(
        path: argument[..<sign].trimmingCharacters(in: .whitespaces), unit: low.unit,
        law: .uniform(from: low.number, to: high.number),
        // What is written without a point or a unit counts things.
        isWhole: low.unit.isEmpty && !(low.text + high.text).contains("."), origin: origin)
    } catch {
      throw failure(error.message)
    }
  }
}
