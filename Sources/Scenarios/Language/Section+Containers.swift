/// Reading what contains further values: sections, lists, mappings with free keys, options.
///
/// While describing, each body runs once for an element that stands for all.
extension Section {
  /// A nested section. If it is left out, its defaults hold and its required keys are missing.
  public func section<Result>(
    _ key: String, _ sentence: String, _ body: (Section) throws -> Result
  ) rethrows -> Result {
    log.describe(fullPath(key), KeyFacts(type: "section", sentence: sentence))
    guard let entry = take(key), log.mode == .reading else { return try nested(key, nil, body) }
    if let child = child(entry) { return try child.run(body) }
    report("must be a section, not \(entry.value.kind)", key: key, at: entry.value.origin)
    return try sample(body)
  }

  /// A nested section that may be left out, which yields nil.
  public func optionalSection<Result>(
    _ key: String, _ sentence: String, _ body: (Section) throws -> Result
  ) rethrows -> Result? {
    log.describe(fullPath(key), KeyFacts(type: "section", sentence: sentence))
    if log.mode == .describing { _ = try nested(key, nil, body) }
    guard let entry = take(key), log.mode == .reading else { return nil }
    if let child = child(entry) { return try child.run(body) }
    report("must be a section, not \(entry.value.kind)", key: key, at: entry.value.origin)
    return nil
  }

  /// A value without a default that may be left out; `body` reads `key` as if it were required.
  ///
  ///     let limit = section.optional("limit") { $0.count($1, in: 1...100, "most of them") }
  public func optional<Result>(
    _ key: String, _ body: (Section, String) throws -> Result
  ) rethrows -> Result? {
    note(key)
    if log.mode == .describing {
      let first = log.descriptions.count
      _ = try body(self, key)
      log.makeOptional(from: first, path: fullPath(key))
      return nil
    }
    guard log.mode == .reading, entry(key) != nil else { return nil }
    return try body(self, key)
  }

  /// A list of sections. Elements with a `name` are known by it, and their names are distinct.
  ///
  /// Without a default, at least one element is required if `count` begins above zero.
  public func list<Result>(
    _ key: String, count allowed: ClosedRange<Int> = 0 ... .max, _ sentence: String,
    each body: (Section) throws -> Result
  ) rethrows -> [Result] {
    let elements = elements(key, allowed, nil, "list of sections", sentence, nil)
    guard log.mode == .reading else {
      return isOmitted(allowed) ? [] : [try nested(key + "[]", nil, body)]
    }
    guard let elements else {
      return try (0..<min(allowed.lowerBound, 1)).map { _ in try sample(body) }
    }
    var results: [Result] = []
    var names = Set<String>()
    for (index, element) in elements.enumerated() {
      let name = element.elementName
      if let name, !names.insert(name).inserted {
        report(
          "two elements have the name '\(clipped(name, to: 60))'", key: key, at: element.origin)
      }
      let place = "\(key).\(name ?? "\(index)")"
      guard case .mapping(let entries) = element.content else {
        report("must be a section, not \(element.kind)", key: place, at: element.origin)
        continue
      }
      let child = Section(log, path: fullPath(place), origin: element.origin, entries: entries)
      results.append(try child.run(body))
    }
    return results
  }

  /// A list of single values; `body` reads the element that it is given the key of.
  ///
  ///     let sizes = section.values("sizes", "what to try") { $0.bytes($1, "a size") }
  public func values<Result>(
    _ key: String, default standard: [Result]? = nil, count allowed: ClosedRange<Int> = 0 ... .max,
    _ sentence: String, source: String? = nil, each body: (Section, String) throws -> Result
  ) rethrows -> [Result] {
    let text = standard.map { "[" + $0.map { "\($0)" }.joined(separator: ", ") + "]" }
    let elements = elements(key, allowed, text, "list", sentence, source)
    guard log.mode == .reading else {
      if isOmitted(allowed) { return standard ?? [] }
      let element = Section(log, path: fullPath(key), origin: origin)
      let one = try body(element, "[]")
      return standard ?? [one]
    }
    guard let elements else {
      if let standard { return standard }
      return try (0..<min(allowed.lowerBound, 1)).map { _ in try sample { try body($0, key) } }
    }
    let entries = elements.enumerated().map { Value.Entry("\($0)", at: $1.origin, $1) }
    let list = Section(log, path: fullPath(key), origin: origin, entries: entries)
    return try list.run { list in try entries.map { try body(list, $0.key) } }
  }

  /// A mapping whose keys are names of `what`, such as regions; `body` reads the given key.
  ///
  /// `names` are the valid ones; nil allows any. The order is the file's. Left out means empty.
  public func table<Result>(
    _ key: String, of what: String, names: [String]? = nil,
    count allowed: ClosedRange<Int> = 0 ... .max, _ sentence: String,
    each body: (Section, String) throws -> Result
  ) rethrows -> [(name: String, value: Result)] {
    let facts = KeyFacts(
      type: "table by \(what)", isRequired: allowed.lowerBound > 0,
      allowed: names?.joined(separator: ", "), sentence: sentence)
    log.describe(fullPath(key), facts)
    let entry = take(key)
    guard log.mode == .reading else {
      if isOmitted(allowed) { return [] }
      let table = Section(log, path: fullPath(key), origin: origin)
      return [(names?.first ?? what, try body(table, "<\(what)>"))]
    }
    guard let entry else {
      if allowed.lowerBound > 0 { reportMissing(key, facts) }
      return []
    }
    guard let table = child(entry) else {
      report(
        "must be a section with a key for each \(what), not \(entry.value.kind)", key: key,
        at: entry.value.origin)
      return []
    }
    checkCount(table.entries.count, allowed, what, key, entry)
    for entry in table.entries {
      if let names, !names.contains(entry.key) {
        table.note(entry.key)
        let nearest = nearestName(to: entry.key, among: names)
        table.report(
          "unknown \(what)", key: entry.key, at: entry.keyOrigin,
          allowed: nearest == nil ? facts.allowed : nil, nearest: nearest)
      }
    }
    return try table.run { table in
      try table.entries.map { (name: $0.key, value: try body(table, $0.key)) }
    }
  }

  /// A key that is either a single value or a section, as in `until: 60 s` and
  /// `until: { decisions: 2000 }`. If it is left out, `value` reads it.
  public func either<Result>(
    _ key: String, value: (Section, String) throws -> Result,
    section body: (Section) throws -> Result
  ) rethrows -> Result {
    if log.mode == .describing { _ = try nested(key, nil, body) }
    guard log.mode == .reading, let entry = entry(key), case .mapping = entry.value.content,
      let child = child(entry)
    else { return try value(self, key) }
    _ = take(key)
    return try child.run(body)
  }
}

// MARK: - Parts

extension Section {
  /// Runs `body` over the section of `key` that has `entries`, or none.
  func nested<Result>(
    _ key: String, _ entries: [Value.Entry]?, _ body: (Section) throws -> Result
  ) rethrows -> Result {
    try Section(log, path: fullPath(key), origin: origin, entries: entries ?? []).run(body)
  }

  func run<Result>(_ body: (Section) throws -> Result) rethrows -> Result {
    let result = try body(self)
    finish()
    return result
  }

  /// The section that `entry` holds; an empty value is an empty section.
  func child(_ entry: Value.Entry) -> Section? {
    let entries: [Value.Entry]
    switch entry.value.content {
    case .mapping(let content): entries = content
    case .scalar(let scalar) where scalar.isNull: entries = []
    case .scalar, .sequence: return nil
    }
    return Section(log, path: fullPath(entry.key), origin: entry.keyOrigin, entries: entries)
  }

  private func elements(
    _ key: String, _ allowed: ClosedRange<Int>, _ standard: String?, _ type: String,
    _ sentence: String, _ source: String?
  ) -> [Value]? {
    let isRequired = standard == nil && allowed.lowerBound > 0
    let facts = KeyFacts(
      type: type, standard: isRequired ? nil : standard ?? "[]", isRequired: isRequired,
      allowed: countText(allowed, "elements"), sentence: sentence, source: source)
    log.describe(fullPath(key), facts)
    guard log.mode == .reading else {
      note(key)
      return nil
    }
    guard let entry = take(key) else {
      if isRequired { reportMissing(key, facts) }
      return nil
    }
    guard case .sequence(let elements) = entry.value.content else {
      report("must be a list, not \(entry.value.kind)", key: key, at: entry.value.origin)
      return nil
    }
    checkCount(elements.count, allowed, "elements", key, entry)
    return elements
  }

  /// Whether defaults are wanted and the default is to have no elements.
  private func isOmitted(_ allowed: ClosedRange<Int>) -> Bool {
    log.mode == .sampling && allowed.lowerBound == 0
  }

  private func checkCount(
    _ count: Int, _ allowed: ClosedRange<Int>, _ what: String, _ key: String, _ entry: Value.Entry
  ) {
    guard !allowed.contains(count) else { return }
    report(
      "has \(count) \(what == "elements" && count == 1 ? "element" : what)", key: key,
      at: entry.value.origin, allowed: countText(allowed, what))
  }

  private func countText(_ allowed: ClosedRange<Int>, _ what: String) -> String? {
    switch (allowed.lowerBound, allowed.upperBound) {
    case (0, .max): nil
    case (let least, .max): "at least \(least) \(what)"
    case (let least, let most): "\(least) to \(most) \(what)"
    }
  }
}

extension Value {
  /// The `name` of a list element.
  var elementName: String? {
    guard case .scalar(let scalar)? = self["name"]?.content, !scalar.text.isEmpty else {
      return nil
    }
    return scalar.text
  }
}
