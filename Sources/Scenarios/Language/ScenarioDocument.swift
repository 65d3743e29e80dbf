import Foundation
import Yams

/// One scenario file: read, refused if it is anything but a plain versioned YAML mapping, and kept
/// as a tree of texts with their lines.
///
/// Deviations from YAML, so that a file means one thing: no anchors, aliases, tags, directives or
/// merge keys; one document; keys are distinct texts; at most 64 levels and 200,000 entries.
public struct ScenarioDocument: Sendable {
  /// The version of the language that this program reads.
  public static let version = "1"
  /// Larger files are refused unread.
  public static let largestFile = 8 << 20

  /// The name of the file in errors.
  public let file: String
  /// The whole tree, with `tributary`, `minimal` and `sweep`.
  public let root: Value

  /// Reads the file at `path`; errors name it `name`, or `path` if that is nil.
  public init(path: String, name: String? = nil) throws(ScenarioErrors) {
    let file = name ?? path
    try self.init(bytes: readFile(path, as: Origin(file)), file: file)
  }

  /// Reads `text` as if it were the content of `file`.
  public init(text: String, file: String) throws(ScenarioErrors) {
    try self.init(bytes: Array(text.utf8), file: file)
  }

  /// Reads `bytes` as if they were the content of `file`.
  public init(bytes: [UInt8], file: String) throws(ScenarioErrors) {
    guard
      let root = try parseTree(
        bytes, as: { line, column in Origin(file, line: line, column: column) })
    else { throw ScenarioErrors(ScenarioError("the file is empty", at: Origin(file))) }
    self.file = file
    self.root = root
    try checkVersion()
  }

  private func checkVersion() throws(ScenarioErrors) {
    guard case .mapping = root.content else {
      throw ScenarioErrors(
        ScenarioError(
          "a scenario is a list of keys and values that starts with 'tributary: \(Self.version)'",
          at: root.origin))
    }
    guard let version = root["tributary"] else {
      throw ScenarioErrors(
        ScenarioError(
          "the version of the language is missing; add 'tributary: \(Self.version)'",
          at: root.origin, path: "tributary"))
    }
    guard case .scalar(let scalar) = version.content, scalar.text == Self.version else {
      throw ScenarioErrors(
        ScenarioError(
          "this program reads version \(Self.version) of the language", at: version.origin,
          path: "tributary", value: version.excerpt, allowed: Self.version))
    }
  }
}

/// The content of the regular file at `path`, if it is not too large.
private func readFile(_ path: String, as origin: Origin) throws(ScenarioErrors) -> [UInt8] {
  func failure(_ message: String) -> ScenarioErrors {
    ScenarioErrors(ScenarioError(message, at: origin))
  }
  var status = stat()
  guard !path.utf8.contains(0), stat(path, &status) == 0 else { throw failure("no such file") }
  switch status.st_mode & S_IFMT {
  case S_IFREG: break
  case S_IFDIR: throw failure("is a directory, not a scenario file")
  default: throw failure("is not a regular file")
  }
  guard status.st_size <= ScenarioDocument.largestFile else {
    throw failure("larger than \(ScenarioDocument.largestFile >> 20) MiB")
  }
  guard let data = FileManager.default.contents(atPath: path) else {
    throw failure("cannot be read")
  }
  return [UInt8](data)
}

// MARK: - From YAML to a tree

/// The tree of one YAML document, or nil if there is nothing but space and comments.
///
/// `origin` says where a line and a column of `bytes` are, for the tree and for errors.
func parseTree(
  _ bytes: [UInt8], as origin: @escaping (_ line: Int?, _ column: Int?) -> Origin
) throws(ScenarioErrors) -> Value? {
  func failure(_ message: String, _ line: Int? = nil, _ column: Int? = nil) -> ScenarioErrors {
    ScenarioErrors(ScenarioError(message, at: origin(line, column)))
  }
  guard bytes.count <= ScenarioDocument.largestFile else {
    throw failure("larger than \(ScenarioDocument.largestFile >> 20) MiB")
  }
  let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  if let nul = content.firstIndex(of: 0) {
    throw failure("a NUL byte; this is not a text file", lineNumber(of: nul, in: content))
  }
  guard let text = String(validating: content, as: UTF8.self) else {
    throw failure("is not UTF-8 text", firstInvalidLine(content))
  }
  do {
    try TextGuard.check(content)
  } catch {
    throw failure(error.message, error.line, error.column)
  }
  do {
    let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
    guard let node = try parser.singleRoot() else { return nil }
    // Anchors are known to the nodes as long as the parser lives.
    return try withExtendedLifetime(parser) { try TreeBuilder(origin: origin).build(node, 1) }
  } catch let errors as ScenarioErrors {
    throw errors
  } catch let error as YamlError {
    let (message, mark) = explain(error)
    throw failure(message, mark?.line, mark?.column)
  } catch {
    throw failure("not valid YAML")
  }
}

/// Copies the parser's nodes into a `Value`, refusing what a scenario may not contain.
private struct TreeBuilder {
  let origin: (_ line: Int?, _ column: Int?) -> Origin

  func build(_ node: Node, _ depth: Int) throws(ScenarioErrors) -> Value {
    let place = self.place(of: node)
    guard depth <= TextGuard.deepest else {
      throw failure("nested deeper than \(TextGuard.deepest)", place)
    }
    switch node {
    case .scalar(let scalar):
      guard scalar.anchor == nil else { throw failure("an anchor (&)", place) }
      let isPlain = scalar.style == .plain || scalar.style == .any
      return Value(.scalar(.init(scalar.string, isPlain: isPlain)), at: place)
    case .sequence(let sequence):
      guard sequence.anchor == nil else { throw failure("an anchor (&)", place) }
      var elements: [Value] = []
      for element in sequence { elements.append(try build(element, depth + 1)) }
      return Value(.sequence(elements), at: place)
    case .mapping(let mapping):
      guard mapping.anchor == nil else { throw failure("an anchor (&)", place) }
      var entries: [Value.Entry] = []
      for (key, value) in mapping {
        let keyPlace = self.place(of: key)
        guard case .scalar(let name) = key, name.anchor == nil else {
          throw failure("a key must be a plain name, not a list or a section", keyPlace)
        }
        guard !name.string.isEmpty else { throw failure("a key without a name", keyPlace) }
        entries.append(.init(name.string, at: keyPlace, try build(value, depth + 1)))
      }
      return Value(.mapping(entries), at: place)
    case .alias: throw failure("an alias (*)", place)
    }
  }

  private func place(of node: Node) -> Origin { origin(node.mark?.line, node.mark?.column) }

  private func failure(_ message: String, _ place: Origin) -> ScenarioErrors {
    ScenarioErrors(ScenarioError(message, at: place))
  }
}

/// The parser's complaint in one line, and where it stands.
private func explain(_ error: YamlError) -> (message: String, mark: Mark?) {
  switch error {
  case .scanner(let context, let problem, let mark, _),
    .parser(let context, let problem, let mark, _),
    .composer(let context, let problem, let mark, _):
    if problem == "but found another document" {
      return ("a second document ('---'); a scenario is one document", mark)
    }
    let start = context.map { "\($0.text) of line \($0.mark.line)" } ?? ""
    return ("not valid YAML: \(problem)" + (start.isEmpty ? "" : " (\(start))"), mark)
  case .duplicatedKeysInMapping(let duplicates, let context):
    let names = duplicates.map { "'\(clipped($0, to: 60))'" }.joined(separator: ", ")
    return ("the key \(names) is given twice, here and further down", context.mark)
  case .reader(let problem, _, _, _): return ("not valid YAML: \(problem)", nil)
  case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
    return ("not valid YAML", nil)
  }
}

private func lineNumber(of index: Int, in bytes: [UInt8]) -> Int {
  1 + bytes[..<index].count { $0 == UInt8(ascii: "\n") }
}

private func firstInvalidLine(_ bytes: [UInt8]) -> Int? {
  let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
}
