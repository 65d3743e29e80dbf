/// What a user can get wrong in a scenario, said so that it can be put right: where, which key,
/// which value, what is allowed, and the valid name that was probably meant.

/// One mistake in a scenario.
public struct ScenarioError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the offending text stands.
  public var origin: Origin
  /// The dotted path of the key, such as `chains.main.consensus.pbft.batch`; empty for the file.
  public var path: String
  /// The offending value as written, if there is one.
  public var value: String?
  /// What is wrong, without a full stop.
  public var message: String
  /// The allowed range or names, if that helps.
  public var allowed: String?
  /// The valid name nearest to the one written.
  public var nearest: String?

  public init(
    _ message: String, at origin: Origin, path: String = "", value: String? = nil,
    allowed: String? = nil, nearest: String? = nil
  ) {
    self.origin = origin
    self.path = path
    self.value = value
    self.message = message
    self.allowed = allowed
    self.nearest = nearest
  }

  /// The file, or the override as given on the command line.
  public var file: String { origin.source }
  public var line: Int? { origin.line }
  public var column: Int? { origin.column }

  /// `pbft.yaml:12: replicas: 3: PBFT needs at least 4 (allowed: 4 to 1000)`.
  public var description: String {
    var text = origin.description + ": "
    if !path.isEmpty { text += clipped(path, to: 200) + ": " }
    if let value { text += clipped(value, to: 60) + ": " }
    text += message
    if let allowed { text += " (allowed: \(allowed))" }
    if let nearest { text += "; did you mean '\(nearest)'?" }
    return text
  }
}

/// All the mistakes found in one reading, in the order of their lines.
public struct ScenarioErrors: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many mistakes a description prints.
  public static let shown = 20

  /// Never empty, without repetitions; those of a file by line, those of overrides last.
  public let errors: [ScenarioError]

  public init(_ errors: [ScenarioError]) {
    precondition(!errors.isEmpty, "an error report without an error")
    var seen = Set<ScenarioError>()
    let distinct = errors.filter { seen.insert($0).inserted }
    let ordered = distinct.enumerated().sorted { a, b in
      (a.element.line ?? .max, a.offset) < (b.element.line ?? .max, b.offset)
    }
    self.errors = ordered.map(\.element)
  }

  init(_ error: ScenarioError) { self.init([error]) }

  /// One line a mistake.
  public var description: String {
    var lines = errors.prefix(Self.shown).map(\.description)
    if errors.count > Self.shown { lines.append("and \(errors.count - Self.shown) more errors") }
    return lines.joined(separator: "\n")
  }
}

/// `text` on one line, without control characters, cut after `limit` characters.
func clipped(_ text: String, to limit: Int) -> String {
  let line = text.prefix(limit + 1).unicodeScalars.map { scalar -> String in
    switch scalar {
    case "\n", "\r", "\t": " "
    case _ where scalar.properties.generalCategory == .control: "?"
    default: String(scalar)
    }
  }.joined()
  return line.count > limit ? line.prefix(limit) + "…" : line
}
