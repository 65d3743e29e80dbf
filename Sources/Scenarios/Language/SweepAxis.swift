/// What a sweep changes together: one key, or several that are zipped.
struct SweepAxis {
  struct Member {
    let path: String
    let origin: Origin
    let values: [Value]
    /// One for each value, distinct for distinct values. Zipped members may repeat theirs.
    let labels: [String]
  }

  /// All with the same number of values.
  var members: [Member]

  var count: Int { members.first?.values.count ?? 1 }

  /// The axes of a `sweep` section, in the order of the file.
  static func axes(of sweep: Value) throws(ScenarioErrors) -> [SweepAxis] {
    if sweep.isNull { return [] }
    guard case .mapping(let entries) = sweep.content else {
      throw failure("must be a section of paths and lists", at: sweep, path: "sweep")
    }
    var axes: [SweepAxis] = []
    for entry in entries {
      guard entry.key == "zip" else {
        let axis = SweepAxis(members: [try member(entry)])
        try axis.checkDistinct(at: entry.value, path: "sweep.\(entry.key)")
        axes.append(axis)
        continue
      }
      switch entry.value.content {
      case .sequence(let groups):
        for group in groups { axes.append(try zipped(group)) }
      case .mapping, .scalar:
        axes.append(try zipped(entry.value))
      }
    }
    return axes
  }

  private static func zipped(_ group: Value) throws(ScenarioErrors) -> SweepAxis {
    guard case .mapping(let entries) = group.content, !entries.isEmpty else {
      throw failure("must be a section of paths and lists", at: group, path: "sweep.zip")
    }
    var axis = SweepAxis(members: [])
    for entry in entries {
      let member = try member(entry)
      if let first = axis.members.first, first.values.count != member.values.count {
        throw failure(
          "has \(member.values.count) values, but '\(first.path)' has \(first.values.count)",
          at: entry.value, path: "sweep.zip.\(entry.key)")
      }
      axis.members.append(member)
    }
    try axis.checkDistinct(at: group, path: "sweep.zip")
    return axis
  }

  /// Steps must differ; the members of a zip may repeat values as long as they differ together.
  private func checkDistinct(at value: Value, path: String) throws(ScenarioErrors) {
    var seen = Set<[String]>()
    for step in 0..<count where !seen.insert(members.map { $0.labels[step] }).inserted {
      let place = members.count == 1 ? members[0].values[step] : value
      throw Self.failure("appears twice", at: place, path: path)
    }
  }

  private static func member(_ entry: Value.Entry) throws(ScenarioErrors) -> Member {
    let values: [Value]
    switch entry.value.content {
    case .sequence(let elements): values = elements
    case .mapping(let range): values = try SweepRange(range, of: entry).values
    case .scalar:
      throw failure(
        "must be a list of values or a range { from, to, step or points }", at: entry.value,
        path: "sweep.\(entry.key)")
    }
    guard !values.isEmpty else {
      throw failure("has no values", at: entry.value, path: "sweep.\(entry.key)")
    }
    guard values.count <= ScenarioDocument.mostPoints else {
      throw failure(
        "has more than \(ScenarioDocument.mostPoints) values", at: entry.value,
        path: "sweep.\(entry.key)")
    }
    var labels = values.map(\.label)
    let texts = values.map { $0.canonicalText.replacing("\"", with: "") }
    let meanings = zip(labels, texts).reduce(into: [String: Set<String>]()) {
      $0[$1.0, default: []].insert($1.1)
    }
    for (index, value) in values.enumerated() {
      // Alternatives that differ in their settings are told apart by them.
      if case .mapping = value.content, meanings[labels[index], default: []].count > 1 {
        labels[index] = texts[index]
      }
    }
    return Member(path: entry.key, origin: entry.keyOrigin, values: values, labels: labels)
  }

  private static func failure(
    _ message: String, at value: Value, path: String
  ) -> ScenarioErrors {
    var excerpt: String?
    if case .scalar(let scalar) = value.content, !scalar.isNull { excerpt = scalar.text }
    return ScenarioErrors(ScenarioError(message, at: value.origin, path: path, value: excerpt))
  }
}

extension Value {
  /// What stands for this value in a table: a scalar as it is, an alternative by its name.
  fileprivate var label: String {
    switch content {
    case .scalar(let scalar): scalar.isNull ? "null" : clipped(scalar.text, to: 80)
    case .mapping(let entries) where entries.count == 1: alternativeLabel(entries[0])
    case .sequence, .mapping: canonicalText.replacing("\"", with: "")
    }
  }

  /// `pbft` for `pbft: {…}`, `poisson 2000 /s` for `poisson: 2000 /s`.
  private func alternativeLabel(_ entry: Entry) -> String {
    guard case .scalar(let scalar) = entry.value.content, !scalar.isNull else { return entry.key }
    return "\(entry.key) \(clipped(scalar.text, to: 60))"
  }
}
