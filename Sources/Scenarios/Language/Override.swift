/// Changing a scenario from outside: `--set a.b.c=value`, the `minimal` section, a sweep's values.

/// A value to be put at a dotted path.
///
/// A part of the path is a key, or for a list the `name` or the index of an element; `[0]` is read
/// as `.0`. Keys that contain dots are found by the longest match. Missing sections are made;
/// whether the key is valid is found out when the scenario is read.
struct Override: Sendable {
  let path: String
  let origin: Origin
  let value: Value

  init(path: String, at origin: Origin, _ value: Value) {
    self.path = path
    self.origin = origin
    self.value = value
  }

  /// Reads `a.b.c=value`; errors are located at `--set a.b.c=value`.
  init(argument: String) throws(ScenarioErrors) {
    let origin = Origin("--set \(argument)")
    func failure(_ message: String) -> ScenarioErrors {
      ScenarioErrors(ScenarioError(message, at: origin))
    }
    guard let sign = argument.firstIndex(of: "=") else {
      throw failure("must have the form key=value")
    }
    path = argument[..<sign].trimmed
    self.origin = origin
    let text = String(argument[argument.index(after: sign)...])
    guard let value = try parseTree(Array(text.utf8), as: { _, _ in origin }) else {
      throw failure("has no value after '='")
    }
    self.value = value
    let parts = Self.parts(of: path)
    guard !parts.isEmpty, !parts.contains("") else {
      throw failure("needs a key before '=', such as chains.main.consensus")
    }
    guard parts[0] != "tributary", parts[0] != "minimal" else {
      throw failure("'\(parts[0])' cannot be set from outside")
    }
  }

  /// The scenario with this value in its place.
  func applied(to root: Value) throws(ScenarioErrors) -> Value {
    let parts = Self.parts(of: path)
    guard !parts.isEmpty, !parts.contains("") else { throw failure("has an empty part", "") }
    // The keys of a sweep are paths themselves.
    if parts[0] == "sweep", parts.count > 2, parts[1] != "zip" {
      let key = path.split(separator: ".", maxSplits: 1).last.map(String.init) ?? ""
      return try placed(at: ["sweep", key], in: root, "")
    }
    return try placed(at: parts[...], in: root, "")
  }

  private func placed(
    at parts: ArraySlice<String>, in node: Value, _ prefix: String
  ) throws(ScenarioErrors) -> Value {
    guard let part = parts.first else { return value }
    var node = node
    switch node.content {
    case .mapping(var entries):
      if let (index, length) = Self.match(parts, among: entries.map(\.key)) {
        let rest = parts.dropFirst(length)
        let deeper = prefix + entries[index].key + "."
        entries[index].value = try placed(at: rest, in: entries[index].value, deeper)
        if rest.isEmpty { entries[index].keyOrigin = origin }
      } else {
        let empty = Value(.mapping([]), at: origin)
        let inner = try placed(at: parts.dropFirst(), in: empty, prefix + part + ".")
        entries.append(.init(part, at: origin, inner))
      }
      node.content = .mapping(entries)
    case .sequence(var elements):
      guard let (index, length) = Self.match(parts, in: elements) else {
        let names = elements.enumerated().map { $1.elementName ?? "\($0)" }
        throw failure(
          "the list has no element '\(clipped(part, to: 40))'", prefix,
          allowed: names.isEmpty ? "nothing" : names.joined(separator: ", "),
          nearest: nearestName(to: part, among: names))
      }
      let deeper = prefix + "\(elements[index].elementName ?? "\(index)")."
      elements[index] = try placed(at: parts.dropFirst(length), in: elements[index], deeper)
      node.content = .sequence(elements)
    case .scalar(let scalar) where scalar.isNull:
      return try placed(at: parts, in: Value(.mapping([]), at: node.origin), prefix)
    case .scalar(let scalar) where scalar.text == part:
      // `consensus: pbft` is short for `consensus: { pbft: {} }`.
      let bare = Value(.mapping([]), at: node.origin)
      node.content = .mapping([.init(part, at: node.origin, bare)])
      return try placed(at: parts, in: node, prefix)
    case .scalar(let scalar):
      throw failure("is a single value here ('\(clipped(scalar.text, to: 40))')", prefix)
    }
    return node
  }

  /// The path with list elements by index and keys as found, to compare two paths.
  static func resolved(_ path: String, in root: Value) -> [String] {
    var parts = parts(of: path)[...]
    var node: Value? = root
    var steps: [String] = []
    while let part = parts.first {
      var length = 1
      var step = part
      switch node?.content {
      case .mapping(let entries):
        let found = match(parts, among: entries.map(\.key))
        node = found.map { entries[$0.index].value }
        step = found.map { entries[$0.index].key } ?? part
        length = found?.length ?? 1
      case .sequence(let elements):
        let found = match(parts, in: elements)
        node = found.map { elements[$0.index] }
        step = found.map { "#\($0.index)" } ?? part
        length = found?.length ?? 1
      case .scalar, nil: node = nil
      }
      steps.append(step)
      parts = parts.dropFirst(length)
    }
    return steps
  }

  private static func parts(of path: String) -> [String] {
    path.replacing("[", with: ".").replacing("]", with: "")
      .split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  /// The key that the first parts spell, the longest first, and how many parts it takes.
  private static func match(
    _ parts: ArraySlice<String>, among keys: [String]
  ) -> (index: Int, length: Int)? {
    for length in stride(from: min(parts.count, 8), through: 1, by: -1) {
      let name = parts.prefix(length).joined(separator: ".")
      if let index = keys.firstIndex(of: name) { return (index, length) }
    }
    return nil
  }

  private static func match(
    _ parts: ArraySlice<String>, in elements: [Value]
  ) -> (index: Int, length: Int)? {
    if let found = match(parts, among: elements.map { $0.elementName ?? "" }) { return found }
    guard let part = parts.first, let index = Int(part), elements.indices.contains(index) else {
      return nil
    }
    return (index, 1)
  }

  private func failure(
    _ message: String, _ prefix: String, allowed: String? = nil, nearest: String? = nil
  ) -> ScenarioErrors {
    let place = prefix.isEmpty ? path : String(prefix.dropLast())
    return ScenarioErrors(
      ScenarioError(message, at: origin, path: place, allowed: allowed, nearest: nearest))
  }
}

extension Substring {
  /// Without blanks around it.
  fileprivate var trimmed: String {
    let start = drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}
