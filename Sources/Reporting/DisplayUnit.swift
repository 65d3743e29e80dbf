/// A unit as a reader likes it: 0.0123 s is 12.3 ms, 3000000 B is 3 MB. Files keep plain units.
struct DisplayUnit: Equatable {
  /// Divide by this.
  let scale: Double
  let name: String

  /// A unit in which all of `values` read well.
  init(_ unit: String, for values: [Double]) {
    let sizes = values.map(\.magnitude).filter { $0 > 0 && $0.isFinite }
    // Money has no smaller unit that reads well, but transactions come in thousands.
    let symbol = unit == "USD/tx" ? Substring(unit) : unit.prefix { $0 != "/" }
    guard let smallest = sizes.min(), let largest = sizes.max(),
      let steps = Self.steps(String(symbol))
    else {
      scale = 1
      name = unit == "1" ? "" : unit
      return
    }
    let middle = (smallest * largest).squareRoot()
    let step = steps.last { middle >= $0.scale } ?? steps[0]
    scale = step.scale
    name = step.name + unit.dropFirst(symbol.count)
  }

  private static func steps(_ symbol: String) -> [(scale: Double, name: String)]? {
    switch symbol {
    case "s": [(1e-6, "µs"), (1e-3, "ms"), (1, "s")]
    case "B": [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")]
    case "J": [(1e-6, "µJ"), (1e-3, "mJ"), (1, "J"), (1e3, "kJ"), (1e6, "MJ"), (1e9, "GJ")]
    case "gCO2e": [(1e-6, "µg CO₂e"), (1e-3, "mg CO₂e"), (1, "g CO₂e"), (1e3, "kg CO₂e")]
    case "USD/tx": [(1e-6, "USD/million tx"), (1e-3, "USD/thousand tx"), (1, "USD/tx")]
    default: nil
    }
  }
}
