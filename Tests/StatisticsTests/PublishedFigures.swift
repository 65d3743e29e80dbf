import Foundation

/// Tables of published figures, in a folder beside the package; tests that need them are skipped
/// where it is absent.
enum PublishedFigures {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "../shared/figures").standardizedFileURL

  static func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: "\(name).csv").path)
  }

  /// The rows after the header, comments left out.
  static func rows(_ name: String) throws -> [[Double]] {
    let text = try String(contentsOf: folder.appending(path: "\(name).csv"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    return lines.dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
  }
}

/// Whether two numbers agree to a relative tolerance.
func near(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b))
}
