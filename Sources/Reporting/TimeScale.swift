/// Time down a page: as far as things happen, to scale; where nothing does, cut.
struct TimeScale {
  /// Moments at which something happens, nanoseconds, ascending, and where they stand.
  private let times: [Int64]
  private let places: [Double]
  /// Middles of the cuts, and how long each leaves out, nanoseconds.
  let cuts: [(y: Double, length: Int64)]
  private let unit: DisplayUnit

  /// Height of a typical delay; a longer pause than `longest` is cut to `short`.
  private static let typicalHeight = 62.0
  private static let longest = 190.0
  private static let short = 52.0

  /// - Parameters:
  ///   - moments: nanoseconds, in any order.
  ///   - typical: the delay that has the standard height; above 0.
  init(_ moments: [Int64], typical: Int64, top: Double) {
    precondition(typical > 0, "a typical delay of \(typical) ns")
    let sorted = moments.sorted()
    var times: [Int64] = []
    for time in sorted where time != times.last { times.append(time) }
    var places: [Double] = []
    var cuts: [(y: Double, length: Int64)] = []
    var y = top
    for (k, time) in times.enumerated() {
      if k > 0 {
        let gap = time - times[k - 1]
        let height = Double(gap) / Double(typical) * Self.typicalHeight
        if height > Self.longest {
          cuts.append((y + Self.short / 2, gap))
          y += Self.short
        } else {
          y += height
        }
      }
      places.append(y)
    }
    self.times = times
    self.places = places
    self.cuts = cuts
    unit = DisplayUnit("s", for: [Double(typical) / 1e9])
  }

  var bottom: Double { places.last ?? 0 }

  /// - Precondition: `time` is one of the moments.
  func y(_ time: Int64) -> Double {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    precondition(low < times.count && times[low] == time, "\(time) ns is no moment of this scale")
    return places[low]
  }

  var ticks: [(time: Int64, y: Double)] { zip(times, places).map { ($0, $1) } }

  /// A moment in the unit of the typical delay.
  func label(_ time: Int64) -> String { text(time, decimals: 2) }

  func span(_ length: Int64) -> String { text(length, decimals: 1) }

  private func text(_ nanoseconds: Int64, decimals: Int) -> String {
    let factor = decimals == 1 ? 10.0 : 100.0
    let value = (Double(nanoseconds) / 1e9 / unit.scale * factor).rounded() / factor
    return "\(NumberText.exact(value)) \(unit.name)"
  }
}
