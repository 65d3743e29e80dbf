/// What `tributary describe` prints about one key, collected by running the reading code itself.
public struct KeyDescription: Hashable, Sendable, Codable {
  /// The dotted path; `[]` stands for the elements of a list, `<region>` for any such name.
  public let path: String
  /// `duration`, `count`, `choice`, `section`, `list`, `variant` and so on.
  public let type: String
  /// The units it may be written in, if it has any.
  public let unit: String?
  /// The default as it would be written; nil if the key is required or may be left out.
  public let standard: String?
  public let isRequired: Bool
  /// The allowed range or names.
  public let allowed: String?
  public let sentence: String
  /// Where the default comes from.
  public let source: String?
}

/// What a reading method says about its key, apart from how to parse it.
struct KeyFacts {
  var type: String
  var unit: String?
  var standard: String?
  var isRequired = false
  var allowed: String?
  var sentence: String
  var source: String?
}

/// What a tree of sections shares while it is read: the mistakes, or the descriptions.
final class ReadingLog {
  enum Mode {
    /// Reads a file and collects its mistakes.
    case reading
    /// Reads nothing, tries every alternative and collects descriptions.
    case describing
    /// Reads nothing and records nothing: makes the value that stands in for a mistake.
    case sampling
  }

  var mode: Mode
  var errors: [ScenarioError] = []
  var descriptions: [KeyDescription] = []
  /// Alternatives among the keys of one section, found while describing.
  var groups: [KeyGroup] = []
  private var described = Set<String>()
  /// The alternatives being tried, outermost first: those of each variant, and which of them.
  var trail: [(names: [String], chosen: String)] = []

  init(_ mode: Mode) { self.mode = mode }

  func describe(_ path: String, _ facts: KeyFacts) {
    guard mode == .describing, described.insert(path).inserted else { return }
    descriptions.append(
      KeyDescription(
        path: path, type: facts.type, unit: facts.unit, standard: facts.standard,
        isRequired: facts.isRequired, allowed: facts.allowed, sentence: facts.sentence,
        source: facts.source))
  }

  func hasErrors(below path: String) -> Bool {
    errors.contains { path.isEmpty || $0.path == path || $0.path.hasPrefix(path + ".") }
  }
}

extension ReadingLog {
  /// Notes that the section at `path` has exactly one of `names`; what was described since `first`
  /// belongs to them.
  func noteGroup(_ names: [String], of path: String, from first: Int) {
    guard mode == .describing, !groups.contains(where: { $0.path == path }) else { return }
    let prefix = path.isEmpty ? "" : path + "."
    let keys = descriptions.dropFirst(first).map(\.path)
      .filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    groups.append(KeyGroup(path: path, names: names, keys: keys + names))
  }

  /// Marks what was described since `first` at `path` as a key that may be left out.
  func makeOptional(from first: Int, path: String) {
    for index in descriptions.indices.dropFirst(first) where descriptions[index].path == path {
      descriptions[index] = descriptions[index].optional
    }
  }
}

extension KeyDescription {
  fileprivate var optional: KeyDescription {
    KeyDescription(
      path: path, type: type, unit: unit, standard: standard, isRequired: false,
      allowed: allowed, sentence: sentence, source: source)
  }
}
