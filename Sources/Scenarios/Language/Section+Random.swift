/// Reading a quantity that may be drawn at random.

/// A distribution as written in a scenario, in the base unit of its family.
///
/// Samples below `least` or above `most` are the sampler's business: it clamps or redraws.
public struct RandomQuantity: Hashable, Sendable {
  public enum Shape: Hashable, Sendable {
    case constant(Double)
    case uniform(from: Double, to: Double)
    case normal(mean: Double, sd: Double)
    /// `sigma` is the standard deviation of the logarithm.
    case lognormal(median: Double, sigma: Double)
    case exponential(mean: Double)
    /// `scale` is the least value, `shape` the tail index.
    case pareto(scale: Double, shape: Double)
    case gamma(mean: Double, shape: Double)
  }

  public var shape: Shape
  public var least: Double?
  public var most: Double?

  public init(_ shape: Shape, least: Double? = nil, most: Double? = nil) {
    self.shape = shape
    self.least = least
    self.most = most
  }

  public static func constant(_ amount: Double) -> RandomQuantity {
    RandomQuantity(.constant(amount))
  }

  /// As it would be written in a scenario: `{ normal: { mean: 250 ms, sd: 50 ms } }`.
  public func text(of family: UnitFamily) -> String {
    var parts: [(String, String)]
    let name: String
    switch shape {
    case .constant(let amount): return family.text(amount)
    case .uniform(let from, let to):
      (name, parts) = ("uniform", [("from", family.text(from)), ("to", family.text(to))])
    case .normal(let mean, let sd):
      (name, parts) = ("normal", [("mean", family.text(mean)), ("sd", family.text(sd))])
    case .lognormal(let median, let sigma):
      let sigma = shortNumber(sigma)
      (name, parts) = ("lognormal", [("median", family.text(median)), ("sigma", sigma)])
    case .exponential(let mean):
      (name, parts) = ("exponential", [("mean", family.text(mean))])
    case .pareto(let scale, let shape):
      let shape = shortNumber(shape)
      (name, parts) = ("pareto", [("scale", family.text(scale)), ("shape", shape)])
    case .gamma(let mean, let shape):
      let shape = shortNumber(shape)
      (name, parts) = ("gamma", [("mean", family.text(mean)), ("shape", shape)])
    }
    if let least { parts.append(("min", family.text(least))) }
    if let most { parts.append(("max", family.text(most))) }
    let settings = parts.map { "\($0): \($1)" }.joined(separator: ", ")
    return "{ \(name): { \(settings) } }"
  }
}

extension Section {
  /// A constant such as `5 ms`, or a distribution such as
  /// `{ normal: { mean: 250 ms, sd: 50 ms, min: 1 ms } }`, of any family.
  ///
  /// `allowed` bounds a constant, the location (mean, median, scale) and the stated limits.
  public func random(
    _ key: String, of family: UnitFamily, default standard: RandomQuantity? = nil,
    in allowed: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude, _ sentence: String,
    source: String? = nil
  ) -> RandomQuantity {
    let facts = KeyFacts(
      type: "\(family.noun) or distribution",
      unit: family.unitNames.isEmpty ? nil : family.unitNames,
      standard: standard.map { $0.text(of: family) }, isRequired: standard == nil,
      allowed: "a constant (\(family.example)) or one of \(lawForms)", sentence: sentence,
      source: source)
    note(key)
    log.describe(fullPath(key), facts)
    let standIn = standard ?? .constant(allowed.lowerBound)
    guard log.mode == .reading else { return standIn }
    guard case .mapping(let entries)? = entry(key)?.value.content else {
      if entry(key) == nil, let standard { return standard }
      return .constant(quantity(key, of: family, in: allowed, sentence))
    }
    guard let entry = take(key), let holder = child(entry) else { return standIn }
    guard entries.count == 1, let law = laws[entries[0].key] else {
      let names = laws.keys.sorted()
      let name = entries.count == 1 ? entries[0].key : nil
      report(
        "must be one distribution", key: key, at: entries.first?.keyOrigin ?? entry.keyOrigin,
        value: entry.value, allowed: lawForms,
        nearest: name.flatMap { nearestName(to: $0, among: names) })
      return standIn
    }
    return holder.run { holder in
      holder.section(entries[0].key, sentence) { $0.law(law, of: family, in: allowed) }
    }
  }

  private func law(
    _ law: Law, of family: UnitFamily, in allowed: ClosedRange<Double>
  ) -> RandomQuantity {
    func amount(_ key: String, _ sentence: String) -> Double {
      quantity(key, of: family, in: allowed, sentence)
    }
    func positive(_ key: String, _ sentence: String) -> Double {
      number(key, in: 1e-9...1e9, sentence)
    }
    let shape: RandomQuantity.Shape =
      switch law {
      case .constant: .constant(amount("value", "the value"))
      case .uniform: .uniform(from: amount("from", "least value"), to: amount("to", "most"))
      case .normal:
        .normal(
          mean: amount("mean", "the mean"),
          sd: quantity("sd", of: family, "the standard deviation"))
      case .lognormal:
        .lognormal(
          median: amount("median", "the median"),
          sigma: positive("sigma", "standard deviation of the logarithm"))
      case .exponential: .exponential(mean: amount("mean", "the mean"))
      case .pareto:
        .pareto(
          scale: amount("scale", "the least value"), shape: positive("shape", "the tail index"))
      case .gamma:
        .gamma(mean: amount("mean", "the mean"), shape: positive("shape", "the shape"))
      }
    let least = optional("min") { $0.quantity($1, of: family, in: allowed, "the least value") }
    let most = optional("max") { $0.quantity($1, of: family, in: allowed, "the greatest value") }
    if case .uniform(let from, let to) = shape {
      require(from <= to, "to", "is less than 'from'")
    }
    if let least, let most { require(least <= most, "max", "is less than 'min'") }
    return RandomQuantity(shape, least: least, most: most)
  }
}

extension Section {
  /// The distributions that a quantity may be drawn from.
  static var lawNames: [String] { laws.keys.sorted() }
}

private enum Law {
  case constant, uniform, normal, lognormal, exponential, pareto, gamma
}

private let laws: [String: Law] = [
  "constant": .constant, "uniform": .uniform, "normal": .normal, "lognormal": .lognormal,
  "exponential": .exponential, "pareto": .pareto, "gamma": .gamma,
]

private let lawForms =
  "uniform {from, to}, normal {mean, sd}, lognormal {median, sigma}, exponential {mean}, "
  + "pareto {scale, shape}, gamma {mean, shape}, each with optional min and max"
