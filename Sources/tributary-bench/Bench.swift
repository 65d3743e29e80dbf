import Glibc

/// A named group of measurements.
struct Bench: Sendable {
  let name: String
  /// It takes minutes and gigabytes, and is not run unless it is asked for.
  var isLarge = false
  /// Measures, and hands each row over as soon as it is there.
  let run: @Sendable ((Row) -> Void) -> Void
}

/// One line of the table.
struct Row: CustomStringConvertible {
  let bench: String
  let what: String
  /// User CPU seconds of the fastest repetition.
  let seconds: Double
  /// What was counted in it: events, messages, samples.
  let count: Int
  let unit: String
  /// What it should not exceed, in nanoseconds each; nil if there is no aim.
  var target: Double?
  /// What is aimed at beside nanoseconds each.
  var aims: [Aim] = []

  static var head: String {
    padded("bench", 10) + padded("what", 34) + aligned("user s", 9) + aligned("count", 12)
      + "  " + padded("of", 10) + aligned("ns each", 9) + aligned("target", 8)
      + aligned("M/s", 9) + aligned("peak MiB", 10)
  }

  var description: String {
    let each = seconds * 1e9 / Double(count)
    return Self.padded(bench, 10) + Self.padded(what, 34) + Self.aligned(fixed(seconds, 3), 9)
      + Self.aligned("\(count)", 12) + "  " + Self.padded(unit, 10)
      + Self.aligned(fixed(each, 1), 9) + Self.aligned(target.map { fixed($0, 0) } ?? "", 8)
      + Self.aligned(fixed(1e3 / each, 2), 9) + Self.aligned(fixed(Usage.peakMebibytes, 1), 10)
      + aims.map { "  \($0)" }.joined(separator: ";")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 1))
  }

  private static func aligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 1)) + text
  }
}

/// A measured value beside the target for it.
struct Aim: CustomStringConvertible {
  let measured: Double
  let target: Double
  let unit: String
  var digits = 2
  /// More is better.
  var isFloor = false

  private var isMet: Bool { isFloor ? measured >= target : measured <= target }

  var description: String {
    "\(fixed(measured, digits)) \(unit), at \(isFloor ? "least" : "most") "
      + "\(fixed(target, digits)): \(isMet ? "met" : "missed")"
  }
}

/// `value`, not negative, in decimals.
func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let whole = Int((value * scale).rounded())
  if digits == 0 { return "\(whole)" }
  let fraction = "\(whole % Int(scale))"
  return "\(whole / Int(scale))."
    + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// What the kernel says this process has used.
enum Usage {
  private static var now: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  static var userSeconds: Double {
    let time = now.ru_utime
    return Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
  }

  /// Largest resident set since the start or `forgetPeak`.
  static var peakMebibytes: Double { Double(now.ru_maxrss) / 1024 }

  /// Resident set now; not a number where the kernel does not say.
  static var residentMebibytes: Double {
    guard let file = fopen("/proc/self/statm", "r") else { return .nan }
    defer { fclose(file) }
    var (size, resident) = (0, 0)
    let read = withUnsafeMutablePointer(to: &size) { size in
      withUnsafeMutablePointer(to: &resident) { resident in
        withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
      }
    }
    return read == 2 ? Double(resident * Int(sysconf(Int32(_SC_PAGESIZE)))) / 1_048_576 : .nan
  }

  /// Gives freed memory back and forgets the peak, so that the next is the next bench's own.
  static func forgetPeak() {
    // The C library's header of it is not in the module.
    if let symbol = dlsym(nil, "malloc_trim") {
      _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
    }
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  /// User CPU seconds of the fastest of `repetitions` calls.
  static func least(of repetitions: Int, _ body: () -> Void) -> Double {
    var best = Double.infinity
    for _ in 0..<repetitions {
      let start = userSeconds
      body()
      best = min(best, userSeconds - start)
    }
    return best
  }
}

func exit(status: Int32) -> Never { Glibc.exit(status) }

/// Uses a result, so that the compiler may not drop the work that led to it.
func keep(_ value: Double) {
  if value == -0x1.fedcbap-1000 { print("a sum that never occurs") }
}
