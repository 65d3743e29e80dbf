/// A cursor over one mapping of a scenario: the one way to read a setting, and the one place where
/// its default, range, sentence and source are stated.
///
/// Reading never stops at a mistake. It is recorded with its line, and a value within range stands
/// in for it, so that one pass finds all mistakes; `Section.read` throws them at the end. The same
/// code run by `Section.describe` reads no file and lists every key instead.
public final class Section {
  let log: ReadingLog
  /// The dotted path of this section; empty for the whole scenario.
  public let path: String
  let origin: Origin
  let entries: [Value.Entry]
  private let index: [String: Int]
  private(set) var known: [String] = []
  private var consumed = Set<String>()
  /// Who else has a key of this name: set for the alternatives of a variant.
  var rivals: (() -> [(alternative: String, keys: [String])])?
  /// The alternative that this section belongs to.
  var alternative: String?

  init(_ log: ReadingLog, path: String, origin: Origin, entries: [Value.Entry] = []) {
    self.log = log
    self.path = path
    self.origin = origin
    self.entries = entries
    index = Dictionary(
      entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads a scenario with `body`, and throws every mistake found on the way.
  public static func read<Result>(
    _ root: Value, _ body: (Section) throws -> Result
  ) throws(ScenarioErrors) -> Result {
    let log = ReadingLog(.reading)
    guard case .mapping(let entries) = root.content else {
      throw ScenarioErrors(ScenarioError("must be a section of keys and values", at: root.origin))
    }
    let section = Section(log, path: "", origin: root.origin, entries: entries)
    var result: Result?
    do {
      result = try body(section)
      section.finish()
    } catch let error as ScenarioError {
      log.errors.append(error)
    } catch let errors as ScenarioErrors {
      log.errors += errors.errors
    } catch {
      log.errors.append(ScenarioError("\(error)", at: root.origin))
    }
    guard log.errors.isEmpty, let result else { throw ScenarioErrors(log.errors) }
    return result
  }

  /// Every key that `body` can read, in the order of reading, alternatives included.
  public static func describe(
    _ body: (Section) throws -> some Any
  ) rethrows -> [KeyDescription] {
    let log = ReadingLog(.describing)
    _ = try body(Section(log, path: "", origin: Origin("describe")))
    return log.descriptions
  }

  /// What is written for `key`, before anything is read.
  public func shape(of key: String) -> Shape {
    switch entry(key)?.value.content {
    case nil: .absent
    case .scalar: .scalar
    case .sequence: .sequence
    case .mapping: .mapping
    }
  }

  /// Whether keys are listed, and nothing is read.
  public var isDescribing: Bool { log.mode == .describing }

  public enum Shape: Sendable { case absent, scalar, sequence, mapping }

  /// Records a mistake about `key` that only the caller can see, such as an impossible combination.
  public func fail(
    _ key: String, _ message: String, allowed: String? = nil, nearest: String? = nil
  ) {
    let entry = entry(key)
    report(
      message, key: key, at: entry?.keyOrigin ?? origin, value: entry?.value,
      allowed: allowed, nearest: nearest)
  }

  /// Records a mistake about `key` unless `condition` holds.
  ///
  /// Checks nothing while describing, nor if a value of this section stands in for a mistake.
  public func require(
    _ condition: @autoclosure () -> Bool, _ key: String, _ message: @autoclosure () -> String,
    allowed: String? = nil
  ) {
    guard log.mode == .reading, !log.hasErrors(below: path), !condition() else { return }
    fail(key, message(), allowed: allowed)
  }

  /// Reports each key that no reading method has asked for.
  ///
  /// Sections opened by the methods below are finished by them.
  public func finish() {
    guard log.mode == .reading else { return }
    for entry in entries where !consumed.contains(entry.key) {
      consumed.insert(entry.key)
      if let alternative,
        let rival = rivals?().first(where: { $0.keys.contains(entry.key) })
      {
        report(
          "is a setting of \(rival.alternative), not of \(alternative)", key: entry.key,
          at: entry.keyOrigin)
        continue
      }
      let nearest = nearestName(to: entry.key, among: known)
      let names = known.isEmpty ? "no keys" : known.joined(separator: ", ")
      report(
        "unknown key", key: entry.key, at: entry.keyOrigin,
        allowed: nearest == nil ? names : nil, nearest: nearest)
    }
  }
}

// MARK: - For the reading methods

extension Section {
  func fullPath(_ key: String) -> String {
    path.isEmpty || key == "[]" ? path + key : "\(path).\(key)"
  }

  /// Notes that `key` is a valid name, without reading it.
  func note(_ key: String) {
    if !known.contains(key) { known.append(key) }
  }

  func entry(_ key: String) -> Value.Entry? { index[key].map { entries[$0] } }

  /// The entry of `key`, which is valid from now on.
  func take(_ key: String) -> Value.Entry? {
    note(key)
    consumed.insert(key)
    return entry(key)
  }

  func report(
    _ message: String, key: String, at origin: Origin, value: Value? = nil,
    allowed: String? = nil, nearest: String? = nil
  ) {
    guard log.mode == .reading else { return }
    log.errors.append(
      ScenarioError(
        message, at: origin, path: fullPath(key), value: value?.excerpt, allowed: allowed,
        nearest: nearest))
  }

  func reportMissing(_ key: String, _ facts: KeyFacts) {
    report("is missing: \(facts.sentence)", key: key, at: origin, allowed: facts.allowed)
  }

  /// The value that `body` makes of defaults, recording nothing.
  func sample<Result>(_ body: (Section) throws -> Result) rethrows -> Result {
    try body(Section(ReadingLog(.sampling), path: path, origin: origin))
  }

  /// Reads a scalar: the common part of all the methods that do.
  ///
  /// `standIn` is what a required key yields while describing or after a mistake.
  func scalar<T>(
    _ key: String, _ facts: KeyFacts, default standard: T?, standIn: T,
    parse: (Value.Scalar) throws(QuantityError) -> T
  ) -> T {
    note(key)
    var facts = facts
    facts.isRequired = standard == nil
    log.describe(fullPath(key), facts)
    guard log.mode == .reading else { return standard ?? standIn }
    guard let entry = take(key) else {
      if standard == nil { reportMissing(key, facts) }
      return standard ?? standIn
    }
    let value = entry.value
    guard case .scalar(let scalar) = value.content, !scalar.isNull else {
      report(
        "must be one \(facts.type), not \(value.kind)", key: key, at: value.origin,
        allowed: facts.allowed)
      return standard ?? standIn
    }
    do {
      return try parse(scalar)
    } catch {
      report(
        error.message, key: key, at: value.origin, value: value,
        allowed: error.allowed, nearest: error.nearest)
      return standard ?? standIn
    }
  }
}
