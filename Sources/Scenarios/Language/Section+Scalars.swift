import Kernel

/// Reading single values.
///
/// Every method takes the key, its default (none: the key is required), the allowed range, a
/// sentence that says what the setting does, and the source of the default.
extension Section {
  /// A whole number, such as `400`, `100_000` or `1e5`.
  public func count(
    _ key: String, default standard: Int? = nil, in allowed: ClosedRange<Int> = 0 ... .max,
    _ sentence: String, source: String? = nil
  ) -> Int {
    let standard = standard.map(Int64.init)
    let range = Int64(allowed.lowerBound)...Int64(allowed.upperBound)
    return Int(whole(key, of: .count, standard, in: range, "count", sentence, source))
  }

  /// A time with its unit, exact to the nanosecond.
  public func duration(
    _ key: String, default standard: SimDuration? = nil,
    in allowed: ClosedRange<SimDuration> = .zero...SimDuration(nanoseconds: .max),
    _ sentence: String, source: String? = nil
  ) -> SimDuration {
    let range = allowed.lowerBound.nanoseconds...allowed.upperBound.nanoseconds
    let nanoseconds = whole(
      key, of: .duration, standard?.nanoseconds, in: range, "duration", sentence, source)
    return SimDuration(nanoseconds: nanoseconds)
  }

  /// A size in whole bytes.
  public func bytes(
    _ key: String, default standard: Int? = nil, in allowed: ClosedRange<Int> = 0 ... .max,
    _ sentence: String, source: String? = nil
  ) -> Int {
    let standard = standard.map(Int64.init)
    let range = Int64(allowed.lowerBound)...Int64(allowed.upperBound)
    return Int(whole(key, of: .bytes, standard, in: range, "size", sentence, source))
  }

  /// Events per second.
  public func rate(
    _ key: String, default standard: Double? = nil,
    in allowed: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude,
    _ sentence: String, source: String? = nil
  ) -> Double {
    quantity(key, of: .rate, default: standard, in: allowed, sentence, source: source)
  }

  /// Bits per second.
  public func bandwidth(
    _ key: String, default standard: Double? = nil,
    in allowed: ClosedRange<Double> = 1 ... .greatestFiniteMagnitude,
    _ sentence: String, source: String? = nil
  ) -> Double {
    quantity(key, of: .bandwidth, default: standard, in: allowed, sentence, source: source)
  }

  /// A part of a whole, written `0.05` or `5 %`.
  public func fraction(
    _ key: String, default standard: Double? = nil, in allowed: ClosedRange<Double> = 0...1,
    _ sentence: String, source: String? = nil
  ) -> Double {
    quantity(key, of: .fraction, default: standard, in: allowed, sentence, source: source)
  }

  /// A number without a unit.
  public func number(
    _ key: String, default standard: Double? = nil, in allowed: ClosedRange<Double>,
    _ sentence: String, source: String? = nil
  ) -> Double {
    quantity(key, of: .number, default: standard, in: allowed, sentence, source: source)
  }

  /// A quantity of any family, in its base unit.
  public func quantity(
    _ key: String, of family: UnitFamily, default standard: Double? = nil,
    in allowed: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude,
    _ sentence: String, source: String? = nil
  ) -> Double {
    precondition(standard.map(allowed.contains) ?? true, "default of \(key) is out of range")
    let text = rangeText(allowed, of: family)
    let facts = KeyFacts(
      type: family.noun, unit: family.unitNames.isEmpty ? nil : family.unitNames,
      standard: standard.map { family.text($0) }, allowed: text, sentence: sentence, source: source)
    return scalar(key, facts, default: standard, standIn: allowed.lowerBound) {
      scalar throws(QuantityError) in
      let amount = try family.quantity(scalar.text).amount
      guard allowed.contains(amount) else { throw outOfRange(amount < 0, allowed.lowerBound, text) }
      return amount
    }
  }

  private func whole(
    _ key: String, of family: UnitFamily, _ standard: Int64?, in allowed: ClosedRange<Int64>,
    _ type: String, _ sentence: String, _ source: String?
  ) -> Int64 {
    precondition(standard.map(allowed.contains) ?? true, "default of \(key) is out of range")
    let text = rangeText(allowed, of: family)
    let facts = KeyFacts(
      type: type, unit: family.unitNames.isEmpty ? nil : family.unitNames,
      standard: standard.map { family.text($0) }, allowed: text, sentence: sentence, source: source)
    return scalar(key, facts, default: standard, standIn: allowed.lowerBound) {
      scalar throws(QuantityError) in
      let amount = try family.quantity(scalar.text).requireWhole()
      guard allowed.contains(amount) else {
        throw outOfRange(amount < 0, Double(allowed.lowerBound), text)
      }
      return amount
    }
  }

  /// `true` or `false`, also written `yes` or `no`.
  public func flag(
    _ key: String, default standard: Bool? = nil, _ sentence: String, source: String? = nil
  ) -> Bool {
    let facts = KeyFacts(
      type: "flag", standard: standard.map { "\($0)" }, allowed: "true or false",
      sentence: sentence, source: source)
    return scalar(key, facts, default: standard, standIn: false) {
      scalar throws(QuantityError) in
      switch scalar.text {
      case "true", "yes": return true
      case "false", "no": return false
      default: throw QuantityError("is neither true nor false", allowed: "true or false")
      }
    }
  }

  /// A text of at most `longest` characters, not empty.
  public func text(
    _ key: String, default standard: String? = nil, atMost longest: Int = 200,
    _ sentence: String, source: String? = nil
  ) -> String {
    let facts = KeyFacts(type: "text", standard: standard, sentence: sentence, source: source)
    return scalar(key, facts, default: standard, standIn: "") { scalar throws(QuantityError) in
      guard !scalar.text.isEmpty else { throw QuantityError("is empty") }
      guard scalar.text.count <= longest else {
        throw QuantityError("is too long", allowed: "at most \(longest) characters")
      }
      return scalar.text
    }
  }

  /// One of a few names.
  public func choice(
    _ key: String, _ names: [String], default standard: String? = nil, _ sentence: String,
    source: String? = nil
  ) -> String {
    precondition(!names.isEmpty, "a choice of nothing for \(key)")
    precondition(standard.map(names.contains) ?? true, "default of \(key) is not one of its names")
    let list = names.joined(separator: ", ")
    let facts = KeyFacts(
      type: "choice", standard: standard, allowed: list, sentence: sentence, source: source)
    return scalar(key, facts, default: standard, standIn: names[0]) {
      scalar throws(QuantityError) in
      guard names.contains(scalar.text) else {
        let nearest = nearestName(to: scalar.text, among: names)
        throw QuantityError("is not one of the choices", allowed: list, nearest: nearest)
      }
      return scalar.text
    }
  }

  /// One case of an enumeration, by its raw value.
  public func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ key: String, of type: Choice.Type = Choice.self, default standard: Choice? = nil,
    _ sentence: String, source: String? = nil
  ) -> Choice {
    let cases = Array(Choice.allCases)
    let name = choice(
      key, cases.map(\.rawValue), default: standard?.rawValue, sentence, source: source)
    guard let choice = Choice(rawValue: name) else {
      preconditionFailure("\(name) is no case of \(Choice.self)")
    }
    return choice
  }
}

// MARK: - Ranges in words

private func outOfRange(
  _ isNegative: Bool, _ lower: Double, _ allowed: String
) -> QuantityError {
  QuantityError(isNegative && lower >= 0 ? "is negative" : "is out of range", allowed: allowed)
}

private func rangeText(_ range: ClosedRange<Double>, of family: UnitFamily) -> String {
  let largest = Double.greatestFiniteMagnitude
  return switch (range.lowerBound <= -largest, range.upperBound >= largest) {
  case (true, true): "any"
  case (true, false): "at most \(family.text(range.upperBound))"
  case (false, true): "at least \(family.text(range.lowerBound))"
  case (false, false): "\(family.text(range.lowerBound)) to \(family.text(range.upperBound))"
  }
}

private func rangeText(_ range: ClosedRange<Int64>, of family: UnitFamily) -> String {
  switch (range.lowerBound == .min, range.upperBound == .max) {
  case (true, true): "any"
  case (true, false): "at most \(family.text(range.upperBound))"
  case (false, true): "at least \(family.text(range.lowerBound))"
  case (false, false): "\(family.text(range.lowerBound)) to \(family.text(range.upperBound))"
  }
}
