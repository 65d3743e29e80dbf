import Foundation

/// A file of the project as the rules see it.
struct SourceFile {
  /// From the root of the project: `Sources/Kernel/SimTime.swift`.
  let path: String
  let text: String
  /// The text of a Swift file with comments and the contents of strings blanked, line for line.
  let code: String

  init(path: String, text: String) {
    self.path = path
    self.text = text
    code = path.hasSuffix(".swift") ? strippedCode(text) : text
  }

  var isSwift: Bool { path.hasSuffix(".swift") }
  var components: [Substring] { path.split(separator: "/") }
  var name: String { String(components.last ?? "") }

  /// The module that a file under `Sources` belongs to.
  var module: String? {
    components.count > 2 && components[0] == "Sources" ? String(components[1]) : nil
  }
}

/// Where a rule is broken, in the form that editors jump to.
struct Finding: Equatable, CustomStringConvertible {
  let rule: String
  let path: String
  let line: Int
  let detail: String

  var description: String { "\(path):\(line): \(rule): \(detail)" }
}

/// Looks at one file. Rules keep no state, so that each can be shown a planted file.
typealias Rule = @Sendable (SourceFile) -> [Finding]

/// One match of a pattern: its text or that of its first group, and its line.
struct Match {
  let text: String
  let line: Int
}

func matches(of pattern: String, in text: String) -> [Match] {
  let expression: NSRegularExpression
  do {
    expression = try NSRegularExpression(pattern: pattern, options: [.anchorsMatchLines])
  } catch {
    preconditionFailure("pattern \(pattern): \(error)")
  }
  let range = NSRange(text.startIndex..., in: text)
  var line = 1
  var counted = text.startIndex
  return expression.matches(in: text, range: range).compactMap { match in
    let group = match.numberOfRanges > 1 ? match.range(at: 1) : match.range
    guard let found = Range(group, in: text) else { return nil }
    line += text[counted..<found.lowerBound].count { $0.isNewline }
    counted = found.lowerBound
    return Match(text: String(text[found]), line: line)
  }
}

/// The files of the project, in order of their paths.
enum Project {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let folders = ["Sources", "Tests", "Scripts", "Scenarios", ".ci"]
  static let pages = [
    "Package.swift", "README.md", ".gitignore", "Results/README.md", "Results/CHANGES.md",
  ]

  /// Every text file that is kept in the repository, except published figures.
  static func files() -> [SourceFile] {
    let inFolders = folders.flatMap { folder in
      (FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?
        .compactMap { $0 as? String } ?? [])
        .map { "\(folder)/\($0)" }
    }
    return (inFolders + pages).sorted().compactMap { path in
      guard let text = read(path) else { return nil }
      return SourceFile(path: path, text: text)
    }
  }

  /// `nil` for what is not there, not a file or not text.
  static func read(_ path: String) -> String? {
    try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }
}
