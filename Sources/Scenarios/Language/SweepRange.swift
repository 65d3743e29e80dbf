import Foundation

/// The values of a range in a sweep, with the unit that its ends have:
/// `{ from: 1 ms, to: 9 ms, step: 2 ms }`, `{ from: 1, to: 1000, points: 4, scale: log }`.
///
/// `step` walks from the first value towards `to` and ends there or before it; `points` places as
/// many values, the ends among them. `whole: true` rounds to whole numbers and drops repetitions.
/// Otherwise values between the ends have at most 9 (linear) or 6 (logarithmic) significant digits.
struct SweepRange {
  let values: [Value]

  private enum Scale: String, CaseIterable { case linear, log }

  /// How the values between the ends are placed.
  private struct Grid {
    let from: WrittenAmount
    let to: WrittenAmount
    let scale: Scale
    let isWhole: Bool
    /// How many values there are before rounding.
    var count: Int
    /// The distance between neighbours, if that is what was given.
    var step: Double?
  }

  init(_ entries: [Value.Entry], of entry: Value.Entry) throws(ScenarioErrors) {
    let log = ReadingLog(.reading)
    let section = Section(
      log, path: "sweep.\(entry.key)", origin: entry.keyOrigin, entries: entries)
    let from = WrittenAmount("from", "the first value", of: section)
    let to = WrittenAmount("to", "the last value, or a bound of it", of: section)
    let points = section.optional("points") {
      $0.count($1, in: 2...ScenarioDocument.mostPoints, "how many values")
    }
    let step = section.optional("step") {
      WrittenAmount($1, "from one value to the next", of: $0)
    }
    var grid = Grid(
      from: from, to: to,
      scale: section.choice("scale", of: Scale.self, default: .linear, "how they are spaced"),
      isWhole: section.flag("whole", default: false, "round to whole numbers"),
      count: points ?? 2)
    section.finish()
    section.require(
      (points == nil) != (step == nil), "points",
      "needs either 'points', how many values, or 'step', how far apart")
    section.require(from.unit == to.unit, "to", "must have the same unit as 'from'")
    section.require(from.number != to.number, "to", "is the same as 'from'")
    section.require(
      grid.scale == .linear || min(from.number, to.number) > 0, "from",
      "must be above zero, as must 'to', on a logarithmic scale")
    if let step { Self.walk(step, &grid, section) }
    guard log.errors.isEmpty else { throw ScenarioErrors(log.errors) }
    values = Self.texts(grid).map { Value(.scalar(.init($0)), at: entry.value.origin) }
  }

  /// Makes `grid` one of equal steps.
  private static func walk(_ step: WrittenAmount, _ grid: inout Grid, _ section: Section) {
    let length = abs(grid.to.number - grid.from.number)
    section.require(grid.scale == .linear, "step", "is for a linear scale; give 'points'")
    section.require(step.unit == grid.from.unit, "step", "must have the same unit as 'from'")
    section.require(
      step.number > 0 && step.number <= length, "step",
      "must be above zero and at most the distance from 'from' to 'to'")
    // A step that ends at `to` but for rounding ends there.
    let steps = length / step.number + 1e-9
    section.require(
      steps < Double(ScenarioDocument.mostPoints), "step", "makes too many values",
      allowed: "at most \(ScenarioDocument.mostPoints)")
    guard steps >= 1, steps < Double(ScenarioDocument.mostPoints) else { return }
    grid.count = Int(steps) + 1
    grid.step = grid.to.number < grid.from.number ? -step.number : step.number
  }

  private static func texts(_ grid: Grid) -> [String] {
    let (from, to) = (grid.from, grid.to)
    var texts: [String] = []
    for index in 0..<grid.count {
      let part = Double(index) / Double(grid.count - 1)
      let number: Double
      if let step = grid.step {
        number = from.number + step * Double(index)
      } else if grid.scale == .linear {
        number = from.number + (to.number - from.number) * part
      } else {
        number = from.number * pow(to.number / from.number, part)
      }
      let rounded = grid.isWhole ? number.rounded() : number
      let digits = grid.scale == .linear || grid.isWhole ? 9 : 6
      var text =
        WrittenAmount.decimal(rounded, digits: digits) + (from.unit.isEmpty ? "" : " \(from.unit)")
      if !grid.isWhole {
        if index == 0 { text = from.text }
        let isLast = index == grid.count - 1
        if isLast, abs(number - to.number) <= 1e-9 * abs(to.number - from.number) {
          text = to.text
        }
      }
      if texts.last != text { texts.append(text) }
    }
    return texts
  }
}
