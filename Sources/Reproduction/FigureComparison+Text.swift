import Kernel

/// A number with at most six significant digits, in decimal where that is short; the same on all
/// machines.
func shortNumber(_ value: Double, digits: Int = 6) -> String {
  guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
  var exponent = 0
  var size = value.magnitude
  while size >= 10 {
    size /= 10
    exponent += 1
  }
  while size < 1 {
    size *= 10
    exponent -= 1
  }
  var scale = 1.0
  for _ in 1..<digits { scale *= 10 }
  var whole = Int((size * scale).rounded())
  if whole >= Int(scale) * 10 {
    whole /= 10
    exponent += 1
  }
  var text = "\(whole)"
  let sign = value < 0 ? "-" : ""
  if exponent >= -4, exponent < 15 {
    if exponent >= digits - 1 {
      return sign + text + String(repeating: "0", count: exponent - digits + 1)
    }
    if exponent < 0 { text = String(repeating: "0", count: -exponent) + text }
    let point = text.index(text.startIndex, offsetBy: max(exponent, 0) + 1)
    return sign + stripped("\(text[..<point]).\(text[point...])")
  }
  let mantissa = stripped("\(text.prefix(1)).\(text.dropFirst())")
  return "\(sign)\(mantissa)e\(exponent)"
}

private func stripped(_ text: String) -> String {
  var text = text
  while text.hasSuffix("0") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return text
}

extension FigureComparison {
  /// The digest of all runs, in hexadecimal.
  public var digestText: String {
    let digits = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// One sentence about the figure as a whole.
  public var verdict: String {
    let (within, of) = score
    if !violations.isEmpty { return "a monitor fired: \(violations[0])" }
    guard isJudged else { return "not judged: a measured figure is, at its full size only" }
    if of == 0 {
      return rows.contains { $0.published != nil && !$0.isContext }
        ? "nothing is held out: all published values were fitted on"
        : "prediction: nothing in the pack to compare with"
    }
    return isInTolerance
      ? "in tolerance: all \(of) values" : "out of tolerance: \(within) of \(of) values within"
  }

  /// The table as a file: notes, one line of column names, a line each value.
  public var csv: String {
    var text = "# \(id): \(title)\n# size: \(size.rawValue); \(verdict)\n# digest: \(digestText)\n"
    for quantity in quantities {
      let errors = errors(of: quantity)
      guard let own = errors.simulated else { continue }
      text += "# \(quantity): \(describe("error", own))"
      if let law = errors.bottleneck { text += "; \(describe("bottleneck law", law))" }
      if let flat = errors.flat { text += "; \(describe("flat line", flat))" }
      text += "\n"
    }
    let columns =
      (rows.first?.labels.map(\.column) ?? []) + [
        "quantity", "unit", "published", "published_sd", "simulated", "ci95_low", "ci95_high",
        "replications", "trials", "error", "bottleneck_law", "bottleneck_error", "flat_line",
        "flat_error", "role", "tolerance", "verdict",
      ]
    text += line(columns)
    for row in rows { text += line(cells(of: row)) }
    return text
  }

  private func describe(_ name: String, _ errors: ErrorSummary) -> String {
    "\(name) median \(percent(errors.median)), rms \(percent(errors.rms)), "
      + "largest \(percent(errors.largest)) over \(errors.count)"
  }

  private func cells(of row: ComparedValue) -> [String] {
    func number(_ value: Double?) -> String { value.map { shortNumber($0) } ?? "" }
    let role =
      row.isContext
      ? "context"
      : row.published == nil
        ? "prediction"
        : row.isCalibrated ? "calibrated" : kind == .exact ? "gate" : "held out"
    return row.labels.map(\.text) + [
      row.quantity, row.unit, number(row.published), number(row.deviation), number(row.simulated),
      number(row.low), number(row.high), "\(row.replications)", row.trials.map { "\($0)" } ?? "",
      number(row.error), number(row.bottleneck), number(row.bottleneckError), number(row.flat),
      number(row.flatError), role, row.tolerance, row.verdict.rawValue,
    ]
  }

  private func line(_ fields: [String]) -> String {
    fields.map { $0.contains(",") ? "\"\($0)\"" : $0 }.joined(separator: ",") + "\n"
  }

  /// The table for a terminal, and what it says.
  public var text: String {
    var lines = [
      (rows.first?.labels.map(\.column) ?? []) + [
        "quantity", "published", "simulated", "95 % interval", "error", "",
      ]
    ]
    for row in rows {
      var interval = ""
      if let low = row.low, let high = row.high {
        interval = "\(shortNumber(low, digits: 4)) ... \(shortNumber(high, digits: 4))"
      }
      let mark =
        row.verdict == .predicted
        ? "predicted"
        : row.isContext
          ? "context"
          : row.isCalibrated ? "calibrated" : row.verdict == .within ? "in" : "OUT"
      lines.append(
        row.labels.map(\.text) + [
          row.quantity, row.published.map { shortNumber($0) } ?? "",
          row.simulated.map { shortNumber($0) } ?? "none", interval,
          row.error.map { percent($0, signed: true) } ?? "", mark,
        ])
    }
    var text = "\(id) (\(size.rawValue)): \(title)\n" + aligned(lines)
    for quantity in quantities {
      let errors = errors(of: quantity)
      guard let own = errors.simulated else { continue }
      text += "\(quantity): \(describe("error", own))\n"
      if let law = errors.bottleneck { text += "  \(describe("bottleneck law", law))\n" }
      if let flat = errors.flat { text += "  \(describe("flat line", flat))\n" }
    }
    return text + "\(verdict); digest \(digestText)\n"
  }

  private func aligned(_ lines: [[String]]) -> String {
    let columns = lines.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return lines.map { cells in
      var line = ""
      for (column, cell) in cells.enumerated() {
        line += cell
        guard column + 1 < cells.count else { break }
        line += String(repeating: " ", count: widths[column] - cell.count + 2)
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}

/// `value` in percent, with three significant digits.
func percent(_ value: Double, signed: Bool = false) -> String {
  let text = shortNumber(value * 100, digits: 3)
  return (signed && value > 0 ? "+" : "") + text + " %"
}
