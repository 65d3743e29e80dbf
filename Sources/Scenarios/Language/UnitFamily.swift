/// What can be measured, and in which units a scenario may write it.

/// A unit and its size in the base unit of its family, as an exact fraction.
public struct NamedUnit: Hashable, Sendable {
  public let name: String
  public let numerator: UInt64
  public let denominator: UInt64
  /// Spellings that are refused, but with a pointer to the right one.
  public let alsoWritten: [String]

  public init(
    _ name: String, _ numerator: UInt64 = 1, over denominator: UInt64 = 1,
    alsoWritten: [String] = []
  ) {
    precondition(numerator > 0 && denominator > 0, "the unit \(name) has no size")
    self.name = name
    self.numerator = numerator
    self.denominator = denominator
    self.alsoWritten = alsoWritten
  }
}

/// A quantity that has units of its own, such as a duration; values are kept in its base unit.
public struct UnitFamily: Hashable, Sendable {
  /// With its article, for errors: `a duration`.
  public let name: String
  /// The unit named `""`, if there is one, allows a bare number.
  public let units: [NamedUnit]
  /// What a value looks like, for errors: `250 ms`.
  public let example: String

  public init(_ name: String, units: [NamedUnit], example: String) {
    precondition(!units.isEmpty, "\(name) has no units")
    self.name = name
    self.units = units
    self.example = example
  }

  /// The name without its article: `duration`.
  public var noun: String {
    name.split(separator: " ", maxSplits: 1).last.map(String.init) ?? name
  }

  /// The units with a name, as a text for people: `ns, us, ms, s, min, h, d`.
  public var unitNames: String {
    units.map(\.name).filter { !$0.isEmpty }.joined(separator: ", ")
  }

  func unit(named name: String) -> NamedUnit? { units.first { $0.name == name } }
}

extension UnitFamily: CustomStringConvertible {
  public var description: String { name }

  /// The shortest text that reads back as `amount` base units.
  public func text(_ amount: Double) -> String {
    var best: String?
    for unit in units {
      let number = shortNumber(amount * Double(unit.denominator) / Double(unit.numerator))
      let text = unit.name.isEmpty ? number : "\(number) \(unit.name)"
      guard text.count < best?.count ?? .max, number.count <= 7 || best == nil else { continue }
      if let read = try? quantity(text), read.amount == amount { best = text }
    }
    if let best { return best }
    let base = units.first { $0.numerator == $0.denominator } ?? units[0]
    return "\(shortNumber(amount)) \(base.name)"
  }

  /// The shortest text that reads back as `amount` base units.
  public func text(_ amount: Int64) -> String {
    var best: String?
    for unit in units where amount != 0 || best == nil {
      let (product, isOverflow) = amount.multipliedReportingOverflow(by: Int64(unit.denominator))
      guard !isOverflow, product % Int64(unit.numerator) == 0 else { continue }
      let number = product / Int64(unit.numerator)
      let text = unit.name.isEmpty ? "\(number)" : "\(number) \(unit.name)"
      if text.count < best?.count ?? .max { best = text }
    }
    return best ?? "\(amount)"
  }
}

/// `number` without a superfluous `.0`.
func shortNumber(_ number: Double) -> String {
  if let whole = Int64(exactly: number), abs(whole) < 1_000_000_000_000 { return "\(whole)" }
  return "\(number)"
}
