import Glibc

/// One line on a terminal that says how far a sweep is, and until when it may take.
///
/// This is the only file that reads a clock. Nothing of it reaches a result: the line goes to
/// standard error, and to nothing at all if that is not a terminal.
public struct Progress: Sendable {
  private var total: Int
  private var done: Int
  private let initial: Int
  private let start: Double
  private let isShown: Bool

  /// - Parameters:
  ///   - total: runs in all.
  ///   - done: runs that an interrupted sweep had already finished.
  public init(total: Int, done: Int = 0) {
    self.total = total
    self.done = done
    initial = done
    start = Self.now
    isShown = isatty(STDERR_FILENO) == 1
    show()
  }

  /// One more run is finished.
  public mutating func advance() {
    done += 1
    show()
  }

  /// As many runs are finished, of as many as are known to be needed.
  public mutating func set(done: Int, total: Int) {
    self.done = done
    self.total = total
    show()
  }

  /// Takes the line away, for what is printed next.
  public func clear() {
    if isShown { Self.print("\r\u{1B}[K") }
  }

  /// Columns of the terminal that standard output goes to; 80 if it is none.
  public static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The line's text after `elapsed` seconds.
  public static func line(total: Int, done: Int, initial: Int, elapsed: Double) -> String {
    let share = total == 0 ? 100 : done * 100 / total
    var text = "\(done)/\(total) runs, \(share) %"
    if done > initial, done < total {
      let left = elapsed / Double(done - initial) * Double(total - done)
      text += ", about \(duration(left)) left"
    }
    return text
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole / 60 % 60) min"
  }

  private func show() {
    guard isShown else { return }
    let text = Self.line(
      total: total, done: done, initial: initial, elapsed: Self.now - start)
    Self.print("\r\u{1B}[K" + text)
  }

  private static func print(_ text: String) {
    // A terminal that takes no more is no reason to stop a run.
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
