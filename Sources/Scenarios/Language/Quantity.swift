/// A number with its unit, read from text: `250 ms`, `1 Gbit/s`, `5 %`, `100_000`.

/// Why a text is not the quantity that was asked for.
public struct QuantityError: Error, Hashable, Sendable {
  public let message: String
  public let allowed: String?
  public let nearest: String?

  public init(_ message: String, allowed: String? = nil, nearest: String? = nil) {
    self.message = message
    self.allowed = allowed
    self.nearest = nearest
  }
}

/// A number with a unit of a known family.
public struct Quantity: Hashable, Sendable {
  public let family: UnitFamily
  public let unit: NamedUnit
  let number: ExactDecimal

  /// In base units; finite.
  public var amount: Double { number.double(times: unit.numerator, over: unit.denominator) }

  /// In base units if that is a whole number that fits.
  public var wholeAmount: Int64? {
    number.whole(times: unit.numerator, over: unit.denominator)
  }

  /// In base units; throws if that is no whole number or too large.
  public func requireWhole() throws(QuantityError) -> Int64 {
    if let wholeAmount { return wholeAmount }
    let base = family.units.first { $0.numerator == $0.denominator }?.name ?? ""
    if abs(amount) >= 9.2e18 {
      throw QuantityError("is too large; at most \(Int64.max)" + (base.isEmpty ? "" : " \(base)"))
    }
    if base.isEmpty { throw QuantityError("must be a whole number") }
    throw QuantityError("must be a whole number of \(base)")
  }
}

extension UnitFamily {
  /// The quantity that `text` spells: a number, at most one blank or two, and a unit.
  public func quantity(_ text: String) throws(QuantityError) -> Quantity {
    let bytes = Array(text.utf8)
    if isNotFinite(text) { throw QuantityError("must be a finite number") }
    let number: ExactDecimal
    let length: Int
    do {
      (number, length) = try ExactDecimal.parse(prefixOf: bytes)
    } catch {
      guard error.message == "is not a number" else { throw error }
      throw QuantityError("is not \(name); write it like '\(example)'")
    }
    let rest = String(decoding: bytes[length...], as: UTF8.self)
    let unitName = String(rest.drop { $0 == " " })
    let unit = try self.unit(spelled: unitName, isSpaced: rest.count != unitName.count)
    let quantity = Quantity(family: self, unit: unit, number: number)
    guard quantity.amount.isFinite else { throw QuantityError("is too large") }
    guard quantity.amount != 0 || number.mantissa == 0 else { throw QuantityError("is too small") }
    return quantity
  }

  private func unit(spelled name: String, isSpaced: Bool) throws(QuantityError) -> NamedUnit {
    if let unit = unit(named: name), !name.isEmpty || !isSpaced { return unit }
    if name.isEmpty {
      throw QuantityError("needs a unit, as in '\(example)'", allowed: unitNames)
    }
    if let other = Self.all.first(where: { $0.unit(named: name) != nil }) {
      throw QuantityError(
        "\(name) is a unit of \(other.noun), but this is \(self.name)", allowed: allowedUnits)
    }
    guard !unitNames.isEmpty else {
      throw QuantityError("is followed by '\(clipped(name, to: 20))'; this is \(self.name)")
    }
    let meant = units.first { $0.alsoWritten.contains(name) }
    let nearest = meant?.name ?? nearestName(to: name, among: units.map(\.name))
    throw QuantityError(
      "unknown unit '\(clipped(name, to: 20))' of \(noun)", allowed: allowedUnits, nearest: nearest)
  }

  private var allowedUnits: String {
    let names = unitNames
    return names.isEmpty ? "no unit" : names
  }

  private func isNotFinite(_ text: String) -> Bool {
    let word = text.lowercased().drop { $0 == "+" || $0 == "-" || $0 == "." }
    let stem = word.prefix { $0.isLetter }
    return stem == "inf" || stem == "infinity" || stem == "nan"
  }
}
