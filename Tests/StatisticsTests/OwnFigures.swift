import Foundation

/// Small published tables that stand beside the tests; each file says where it is from.
enum OwnFigures {
  /// The rows after the header, comments left out, as text.
  static func text(_ name: String) throws -> [[String]] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Figures/\(name).csv")
    let lines = try String(contentsOf: file, encoding: .utf8)
      .split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    return lines.dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// As numbers.
  static func rows(_ name: String) throws -> [[Double]] {
    try text(name).map { $0.map { Double($0) ?? .nan } }
  }
}
