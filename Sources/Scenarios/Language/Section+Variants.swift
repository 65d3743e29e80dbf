/// Reading a choice between alternatives that have settings of their own.

/// One alternative of a variant, and how to read its settings.
public struct Alternative<Result>: Sendable {
  /// As written in a scenario.
  public let name: String
  public let sentence: String
  /// Reads the value of a key in the section that has it.
  let read: @Sendable (Section, String) throws -> Result
  /// Reads the section of settings, if the alternative has one.
  let body: (@Sendable (Section) throws -> Result)?

  /// An alternative with a section of settings: `pbft: { batch: 400 }`.
  ///
  /// Its name alone stands for an empty section.
  public init(
    _ name: String, _ sentence: String, section body: @escaping @Sendable (Section) throws -> Result
  ) {
    self.name = name
    self.sentence = sentence
    read = { section, key in try section.section(key, sentence, body) }
    self.body = body
  }

  /// An alternative with a single value: `poisson: 2000 /s`. `body` reads the given key.
  public init(
    _ name: String, _ sentence: String,
    value body: @escaping @Sendable (Section, String) throws -> Result
  ) {
    self.name = name
    self.sentence = sentence
    read = body
    self.body = nil
  }
}

extension Section {
  /// Exactly one of `alternatives`, as `{ pbft: { batch: 400 } }` or just `pbft`.
  public func variant<Result>(
    _ key: String, default standard: String? = nil, _ alternatives: [Alternative<Result>],
    _ sentence: String, source: String? = nil
  ) throws -> Result {
    let names = alternatives.map(\.name)
    precondition(!names.isEmpty, "a variant without alternatives: \(key)")
    precondition(standard.map(names.contains) ?? true, "default of \(key) is no alternative")
    let facts = KeyFacts(
      type: "variant", standard: standard, isRequired: standard == nil,
      allowed: names.joined(separator: ", "), sentence: sentence, source: source)
    log.describe(fullPath(key), facts)
    let entry = take(key)
    guard log.mode == .reading else {
      return try explore(key, alternatives, preferring: standard)
    }
    guard let entry else {
      if let standard { return try choose(standard, in: key, nil, alternatives) }
      reportMissing(key, facts)
      return try standIn(alternatives, standard)
    }
    switch entry.value.content {
    case .scalar(let scalar) where !scalar.isNull:
      let name = scalar.text
      return try choose(name, in: key, entry, alternatives)
    case .mapping(let entries) where entries.count == 1:
      return try choose(entries[0].key, in: key, entry, alternatives)
    case .mapping(let entries) where entries.count > 1:
      let given = entries.map { clipped($0.key, to: 40) }.joined(separator: ", ")
      report(
        "must name exactly one alternative, not \(entries.count) (\(given))", key: key,
        at: entry.keyOrigin, allowed: facts.allowed)
    case .scalar, .sequence, .mapping:
      report(
        "must name one alternative", key: key, at: entry.value.origin, value: entry.value,
        allowed: facts.allowed)
    }
    return try standIn(alternatives, standard)
  }

  /// Exactly one of `alternatives` among the keys of this very section, beside its other keys:
  /// `{ at: 20 s, crash: leader, for: 10 s }`. An alternative may read further keys here.
  public func exactlyOne<Result>(
    _ alternatives: [Alternative<Result>], _ sentence: String
  ) throws -> Result {
    let names = alternatives.map(\.name)
    precondition(!names.isEmpty, "no alternatives in \(path)")
    guard log.mode == .reading else {
      let first = log.descriptions.count
      let result = try explore(nil, alternatives, preferring: nil)
      log.noteGroup(names, of: path, from: first)
      return result
    }
    names.forEach(note)
    let present = alternatives.filter { entry($0.name) != nil }
    guard present.count == 1 else {
      for entry in entries where names.contains(entry.key) { _ = take(entry.key) }
      let given = present.isEmpty ? "none is given" : "\(present.count) are given"
      log.errors.append(
        ScenarioError(
          "needs exactly one of its alternatives, but \(given): \(sentence)", at: origin,
          path: path, allowed: names.joined(separator: ", ")))
      skipRest()
      return try standIn(alternatives, nil)
    }
    let chosen = present[0]
    alternative = chosen.name
    rivals = { [weak self] in
      self?.keys(of: alternatives, besides: chosen.name, areInline: true) ?? []
    }
    return try chosen.read(self, chosen.name)
  }
}

// MARK: - Reading and exploring

extension Section {
  /// Reads the alternative `name`, which `entry` names; without an entry it is the default.
  private func choose<Result>(
    _ name: String, in key: String, _ entry: Value.Entry?, _ alternatives: [Alternative<Result>]
  ) throws -> Result {
    let place = entry?.value.origin ?? origin
    guard let chosen = alternatives.first(where: { $0.name == name }) else {
      let names = alternatives.map(\.name)
      let nearest = nearestName(to: name, among: names)
      report(
        "unknown alternative '\(clipped(name, to: 60))'", key: key, at: place,
        allowed: names.joined(separator: ", "), nearest: nearest)
      return try standIn(alternatives, nil)
    }
    var entries: [Value.Entry] = []
    if case .mapping(let content)? = entry?.value.content { entries = content }
    let holder = Section(log, path: fullPath(key), origin: place, entries: entries)
    guard let body = chosen.body else { return try holder.run { try chosen.read($0, name) } }
    let inner = holder.take(name)
    guard let inner else {
      return try Section(log, path: holder.fullPath(name), origin: place).run(body)
    }
    guard let child = holder.child(inner) else {
      holder.report(
        "must be a section, not \(inner.value.kind)", key: name, at: inner.value.origin)
      return try sample(body)
    }
    child.alternative = name
    child.rivals = { [weak child] in
      child?.keys(of: alternatives, besides: name, areInline: false) ?? []
    }
    return try child.run(body)
  }

  /// Which keys each of the other alternatives would read, in a section of its own or in this one.
  private func keys<Result>(
    of alternatives: [Alternative<Result>], besides chosen: String, areInline: Bool
  ) -> [(alternative: String, keys: [String])] {
    alternatives.filter { $0.name != chosen }.map { other in
      let section = Section(ReadingLog(.sampling), path: path, origin: origin)
      if areInline {
        _ = try? other.read(section, other.name)
      } else if let body = other.body {
        _ = try? body(section)
      }
      return (other.name, section.known)
    }
  }

  /// Runs every alternative that is not being run already; yields the preferred one's result.
  private func explore<Result>(
    _ key: String?, _ alternatives: [Alternative<Result>], preferring standard: String?
  ) throws -> Result {
    let names = alternatives.map(\.name)
    let busy = log.trail.filter { $0.names == names }.map(\.chosen)
    let free = alternatives.filter { !busy.contains($0.name) }
    precondition(!free.isEmpty, "every alternative of \(path) contains itself: \(names)")
    let preferred = free.first { $0.name == standard } ?? free[0]
    var result: Result?
    // A variant within itself is described once, outside.
    let isWhole = log.mode == .describing && busy.isEmpty
    let mode = log.mode
    if !isWhole { log.mode = .sampling }
    defer { log.mode = mode }
    for alternative in isWhole ? alternatives : [preferred] {
      log.trail.append((names, alternative.name))
      defer { log.trail.removeLast() }
      let holder =
        key.map { Section(log, path: fullPath($0), origin: origin) } ?? self
      let value = try alternative.read(holder, alternative.name)
      if alternative.name == preferred.name { result = value }
    }
    guard let result else { preconditionFailure("no alternative was run in \(path)") }
    return result
  }

  /// What stands in for a variant that could not be read.
  private func standIn<Result>(
    _ alternatives: [Alternative<Result>], _ standard: String?
  ) throws -> Result {
    try sample { try $0.explore("", alternatives, preferring: standard) }
  }

  /// Leaves the keys that nothing has asked for without a further complaint.
  private func skipRest() {
    for entry in entries { _ = take(entry.key) }
  }
}
