/// How large things may be, and what they may be called.
enum Limit {
  static let fileLines = 400
  static let functionLines = 70
  static let lineLength = 100
}

func filesAreShort(_ file: SourceFile) -> [Finding] {
  let count = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
  // The last line ends with a newline, after which there is nothing.
  let lines = file.text.hasSuffix("\n") ? count - 1 : count
  guard file.isSwift, lines > Limit.fileLines else { return [] }
  return [
    Finding(
      rule: "file length", path: file.path, line: lines,
      detail: "\(lines) lines, at most \(Limit.fileLines)")
  ]
}

func linesAreShort(_ file: SourceFile) -> [Finding] {
  guard file.isSwift else { return [] }
  return file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    .filter { $0.element.count > Limit.lineLength }
    .map {
      Finding(
        rule: "line length", path: file.path, line: $0.offset + 1,
        detail: "\($0.element.count) characters, at most \(Limit.lineLength)")
    }
}

private let declaration =
  #"(?<![.\w`])(?:func\s+(?:\w+|[^\s(\w]+)|init[?!]?(?=\s*[(<])|subscript(?=\s*[(<])|deinit\b"#
  + #"|var\s+\w+\s*:[^={}\n]*(?=\{))"#

/// Functions, initialisers, subscripts and computed properties fit on a screen.
func functionsAreShort(_ file: SourceFile) -> [Finding] {
  guard file.isSwift else { return [] }
  let lines = file.code.split(separator: "\n", omittingEmptySubsequences: false)
  return matches(of: declaration, in: file.code).compactMap { match in
    let first = lines[match.line - 1]
    let start = first.firstRange(of: match.text)?.lowerBound ?? first.startIndex
    let rest = [first[start...]] + lines[match.line...]
    guard let length = bodyLines(rest.joined(separator: "\n")), length > Limit.functionLines else {
      return nil
    }
    return Finding(
      rule: "function length", path: file.path, line: match.line,
      detail: "\(match.text): \(length) lines, at most \(Limit.functionLines)")
  }
}

/// The lines from the start of a declaration to the brace that closes its body; `nil` without one.
private func bodyLines(_ declaration: String) -> Int? {
  var lines = 1
  var parentheses = 0
  var braces = 0
  var word = ""
  for character in declaration {
    switch character {
    case "(", "[": parentheses += 1
    case ")", "]": parentheses -= 1
    case "{": braces += 1
    case "}":
      braces -= 1
      if braces <= 0 { return braces == 0 ? lines : nil }
    case "\n":
      // A requirement of a protocol: the next declaration starts before any brace.
      lines += 1
    default: break
    }
    if character.isLetter || character == "@" {
      word.append(character)
    } else {
      let isNext = ["func", "var", "let", "init", "subscript", "case", "static", "@"]
        .contains { word == $0 }
      if isNext, lines > 1, parentheses == 0, braces == 0 { return nil }
      word = ""
    }
  }
  return nil
}

/// A name says what is inside; these say nothing.
func filesAreNamed(_ file: SourceFile) -> [Finding] {
  let empty = #"(?:Helpers?|Utils?|Utilities|Manager|Base|Impl)\.swift$"#
  return matches(of: empty, in: file.name).map {
    Finding(
      rule: "file name", path: file.path, line: 1,
      detail: "\($0.text) says nothing; split by concern")
  }
}

func nothingIsLeftOver(_ file: SourceFile) -> [Finding] {
  matches(of: #"\b(?:TO[D]O|FIX[M]E)\b"#, in: file.text).map {
    Finding(rule: "left over", path: file.path, line: $0.line, detail: $0.text)
  }
}

func noMachineIsNamed(_ file: SourceFile) -> [Finding] {
  matches(of: #"(?<![\w.~$}-])/(?:home|root|Users|work|opt|mnt|tmp)/[\w.-]*"#, in: file.text).map {
    Finding(rule: "machine path", path: file.path, line: $0.line, detail: $0.text)
  }
}

/// `Sources/Protocols/PBFT` has its page `PBFT.md`. Looks at all paths at once.
func protocolsHavePages(_ paths: [String]) -> [Finding] {
  let folders = Set(
    paths.compactMap { path -> String? in
      let parts = path.split(separator: "/")
      guard parts.count > 3, parts[0] == "Sources", parts[1] == "Protocols" else { return nil }
      return String(parts[2])
    })
  return folders.sorted().compactMap { folder in
    let page = "Sources/Protocols/\(folder)/\(folder).md"
    guard !paths.contains(page) else { return nil }
    return Finding(rule: "protocol page", path: page, line: 1, detail: "missing")
  }
}
