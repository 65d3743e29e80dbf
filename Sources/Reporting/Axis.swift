/// One axis of a plot: where a value stands, and which values are marked.
struct Axis {
  let isLogarithmic: Bool
  /// Ends of the axis in data units; in decades if logarithmic.
  let low: Double
  let high: Double
  /// Ends of the axis on the drawing.
  let start: Double
  let end: Double
  let ticks: [Double]

  /// Ratio of largest to smallest value from which an axis is logarithmic.
  static let ratio = 50.0

  /// - Parameters:
  ///   - values: what must be seen; only positive values count for a logarithmic axis.
  ///   - fromZero: whether a linear axis begins at zero, as bars need.
  ///   - isTight: a linear axis ends with the values, not with a tick.
  init(
    _ values: [Double], from start: Double, to end: Double, fromZero: Bool, maxTicks: Int = 5,
    logarithmic: Bool? = nil, isTight: Bool = false
  ) {
    self.start = start
    self.end = end
    let finite = values.filter(\.isFinite)
    let positive = finite.filter { $0 > 0 }
    let wantsLog = logarithmic ?? Self.spans(finite)
    if wantsLog, let least = positive.min(), let most = positive.max() {
      isLogarithmic = true
      let lowest = Self.log10(least)
      let highest = Self.log10(most)
      let pad = max((highest - lowest) * 0.06, 0.05)
      low = lowest - pad
      high = highest + pad
      ticks = Self.decades(low, high, maxTicks)
    } else {
      isLogarithmic = false
      var least = finite.min() ?? 0
      var most = finite.max() ?? 1
      if fromZero {
        least = min(least, 0)
        most = max(most, 0)
      }
      if least == most { most = least + (least == 0 ? 1 : least.magnitude * 0.1) }
      let step = Self.step((most - least) / Double(maxTicks - 1))
      let origin = (least / step).rounded(isTight ? .up : .down)
      let last = (most / step).rounded(isTight ? .down : .up)
      low = isTight ? least : origin * step
      high = isTight ? most : last * step
      ticks = (0...max(Int(last - origin), 0)).map {
        NumberText.rounded((origin + Double($0)) * step, significant: 9)
      }
    }
  }

  /// What an axis should show of means and the ends of their intervals: nothing below zero where no
  /// mean is, and no end so far out that the means lie flat. Intervals are cut there.
  static func worthShowing(_ means: [Double], _ ends: [Double]) -> [Double] {
    let finite = means.filter(\.isFinite)
    guard let least = finite.min(), let most = finite.max(), least >= 0, most > 0 else {
      return means + ends
    }
    return means + ends.map { min(max($0, 0), longest * most) }
  }

  /// An interval is shown up to so many times the largest mean.
  private static let longest = 2.5

  /// Whether values are so far apart that a linear axis would hide the small ones.
  static func spans(_ values: [Double]) -> Bool {
    guard values.allSatisfy({ $0 > 0 }), let least = values.min(), let most = values.max() else {
      return false
    }
    return most / least > ratio
  }

  /// The place of a value, held inside the axis.
  func place(_ value: Double) -> Double {
    let position: Double
    if isLogarithmic {
      position = value > 0 ? Self.log10(value) : low
    } else {
      position = value
    }
    let share = min(max((position - low) / (high - low), 0), 1)
    return start + share * (end - start)
  }

  /// Short text for a tick.
  static func label(_ value: Double) -> String {
    let size = value.magnitude
    if size >= 1e15 || (size > 0 && size < 1e-3) {
      let digits = DecimalDigits(value)
      return digits.scientific(digits.digits.count)
    }
    for (scale, letter) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] where size >= scale {
      let divisor = letter == "k" ? 1e3 : scale
      return NumberText.compact(value / divisor, 4, space: Markup.space) + letter
    }
    return NumberText.compact(value, 6, space: Markup.space)
  }

  /// 1, 2 or 5 times a power of ten, at least `rough`.
  private static func step(_ rough: Double) -> Double {
    let digits = DecimalDigits(rough)
    let unit = Double("1e\(digits.exponent - 1)") ?? rough
    return [1, 2, 5].lazy.map { $0 * unit }.first { $0 >= rough * 0.999_999 } ?? 10 * unit
  }

  private static func decades(_ low: Double, _ high: Double, _ maxTicks: Int) -> [Double] {
    let powers = Array(Int(low.rounded(.up))...max(Int(low.rounded(.up)), Int(high.rounded(.down))))
    let steps: [Double] = high - low < 1.2 ? [1, 2, 5] : high - low < 2.5 ? [1, 3] : [1]
    let first = Int(low.rounded(.down))
    let last = Int(high.rounded(.up))
    var ticks: [Double] = []
    for power in first...last {
      for step in steps {
        guard let value = Double("\(Int(step))e\(power)") else { continue }
        let position = log10(value)
        if position >= low, position <= high { ticks.append(value) }
      }
    }
    guard steps.count == 1, powers.count > maxTicks else { return ticks }
    let stride = (powers.count + maxTicks - 1) / maxTicks
    return ticks.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
  }

  /// The decimal logarithm by a series: the C library's differs in its last bit between
  /// processors, and a drawing must not.
  static func log10(_ value: Double) -> Double {
    precondition(value > 0 && value.isFinite, "logarithm of \(value)")
    var mantissa = value.significand
    var power = Double(value.exponent)
    if mantissa > 1.414_213_562_373_095_1 {
      mantissa /= 2
      power += 1
    }
    let z = (mantissa - 1) / (mantissa + 1)
    var term = z
    var sum = 0.0
    for odd in stride(from: 1.0, through: 41, by: 2) {
      sum += term / odd
      term *= z * z
    }
    return (2 * sum + power * 0.693_147_180_559_945_3) * 0.434_294_481_903_251_8
  }
}
