/// From a document to the scenarios it stands for: its minimal size, overrides, and the product
/// of its sweep.

/// A swept key with the value it has at one point, in short.
public struct SweepLabel: Hashable, Sendable {
  /// The dotted path as written in the sweep.
  public let key: String
  /// `1000 /s`, or for an alternative with settings its name: `pbft`.
  public let text: String

  public init(key: String, text: String) {
    self.key = key
    self.text = text
  }
}

/// One scenario of a sweep, or the only one.
public struct SweepPoint: Sendable {
  /// In the order of the file; empty without a sweep.
  public let labels: [SweepLabel]
  /// The scenario without `tributary`, `minimal` and `sweep`; to be read by `Section.read`.
  public let root: Value

  /// What clients and sources submit, as text: equal for points whose protocols, networks or
  /// machines are compared on the same work.
  public var workload: String {
    var parts = ["workload", "stores"].map { root[$0]?.canonicalText ?? "" }
    if case .sequence(let chains)? = root["chains"]?.content {
      parts += chains.map { $0["workload"]?.canonicalText ?? "" }
    }
    return parts.joined(separator: "\n")
  }

  /// The same point with values replaced, as `--set` takes them.
  public func with(_ overrides: [String]) throws(ScenarioErrors) -> SweepPoint {
    var root = root
    for argument in overrides { root = try Override(argument: argument).applied(to: root) }
    return SweepPoint(labels: labels, root: root)
  }
}

extension ScenarioDocument {
  /// A sweep with more points is refused.
  public static let mostPoints = 10_000

  /// The keys that the document itself uses up, for `Section.describe` to be complete.
  public static let ownKeys: [KeyDescription] = [
    KeyDescription(
      path: "tributary", type: "choice", unit: nil, standard: nil, isRequired: true,
      allowed: version, sentence: "version of the scenario language", source: nil),
    KeyDescription(
      path: "minimal", type: "table by path", unit: nil, standard: nil, isRequired: false,
      allowed: nil, sentence: "values that replace others for a run of minimal size", source: nil),
    KeyDescription(
      path: "sweep", type: "table by path", unit: nil, standard: nil, isRequired: false,
      allowed: "at most \(mostPoints) points",
      sentence: "lists, or ranges { from, to, step } and { from, to, points, scale, whole }, of "
        + "values to combine; 'zip' walks several of them in step",
      source: nil),
    KeyDescription(
      path: "sensitivity", type: "section", unit: nil, standard: nil, isRequired: false,
      allowed: nil, sentence: "what 'tributary sensitivity' varies and looks at", source: nil),
    KeyDescription(
      path: "sensitivity.over", type: "table by path", unit: nil, standard: nil, isRequired: false,
      allowed: "uniform {from, to}, log-uniform {from, to}, normal {mean, sd}, "
        + "lognormal {median, sigma}, each with optional 'whole: true'",
      sentence: "keys whose values are not known for sure, and their distributions", source: nil),
    KeyDescription(
      path: "sensitivity.outputs", type: "list", unit: nil,
      standard: "[throughput, latency_mean, latency_p99]", isRequired: false,
      allowed: "1 to 20 elements", sentence: "metrics whose causes are looked for", source: nil),
    KeyDescription(
      path: "sensitivity.points", type: "count", unit: nil, standard: "16", isRequired: false,
      allowed: "2 to 4096", sentence: "points of each set of Sobol's, a power of 2", source: nil),
    KeyDescription(
      path: "sensitivity.repetitions", type: "count", unit: nil, standard: "8", isRequired: false,
      allowed: "2 to 1000", sentence: "times that all is done; intervals are over them",
      source: nil),
  ]

  /// Whether there is anything to sweep over.
  public var hasSweep: Bool { root["sweep"].map { !$0.isNull } ?? false }

  /// The scenarios that this document stands for, the first swept key changing slowest.
  ///
  /// The minimal size is applied first, then `overrides` (`a.b.c=value`), then the sweep. A swept
  /// key that is overridden leaves the sweep: the override says which one value is wanted.
  public func points(
    minimal isMinimal: Bool = false, overrides: [String] = []
  ) throws(ScenarioErrors) -> [SweepPoint] {
    let (tree, changes) = try changed(minimal: isMinimal, overrides: overrides)
    let sweep = tree["sweep"]
    let bare = tree.without(["tributary", "minimal", "sweep", "sensitivity"])
    guard let sweep else { return [SweepPoint(labels: [], root: bare)] }
    var axes = try SweepAxis.axes(of: sweep)
    try settle(&axes, with: changes, in: bare)
    try checkOrder(axes, in: bare)
    return try product(axes, over: bare)
  }

  /// The scenario as it is run, in a form that reads back: its minimal size and the overrides are
  /// applied, its sweep is kept.
  ///
  /// - Parameter plan: what a sensitivity analysis varies, in place of the file's section.
  public func effectiveText(
    minimal isMinimal: Bool = false, overrides: [String] = [],
    sensitivity plan: SensitivityPlan? = nil
  ) throws(ScenarioErrors) -> String {
    var (tree, changes) = try changed(minimal: isMinimal, overrides: overrides)
    if let plan { tree = try plan.recorded(in: tree) }
    guard let sweep = tree["sweep"], case .mapping(let entries) = sweep.content else {
      return tree.without(["minimal"]).yamlText
    }
    // What is overridden has left the sweep: it must not come back when the text is read again.
    let left = entries.map(\.key).filter { key in
      changes.contains { Override.resolved($0.path, in: tree) == Override.resolved(key, in: tree) }
    }
    let rest = sweep.without(left)
    let settled = try Override(path: "sweep", at: sweep.origin, rest).applied(to: tree)
    return settled.without(left.count == entries.count ? ["minimal", "sweep"] : ["minimal"])
      .yamlText
  }

  private func changed(
    minimal isMinimal: Bool, overrides: [String]
  ) throws(ScenarioErrors) -> (tree: Value, changes: [Override]) {
    var changes: [Override] = []
    if isMinimal { changes = try minimalChanges() }
    for argument in overrides { changes.append(try Override(argument: argument)) }
    var tree = root
    for change in changes { tree = try change.applied(to: tree) }
    return (tree, changes)
  }

  /// Reads every point with `body`; the mistakes of all points are thrown together.
  public static func read<Result>(
    _ points: [SweepPoint], _ body: (Section) throws -> Result
  ) throws(ScenarioErrors) -> [Result] {
    var results: [Result] = []
    var errors: [ScenarioError] = []
    for point in points {
      do {
        results.append(try Section.read(point.root, body))
      } catch {
        errors += error.errors
      }
      // Points mostly repeat each other's mistakes.
      if errors.count > 50 * ScenarioErrors.shown { break }
    }
    guard errors.isEmpty else { throw ScenarioErrors(errors) }
    return results
  }

  private func minimalChanges() throws(ScenarioErrors) -> [Override] {
    guard let minimal = root["minimal"] else {
      throw ScenarioErrors(
        ScenarioError("the scenario has no minimal size", at: Origin(file), path: "minimal"))
    }
    guard case .mapping(let entries) = minimal.content else {
      throw ScenarioErrors(
        ScenarioError("must be a section of paths and values", at: minimal.origin, path: "minimal"))
    }
    return entries.map { Override(path: $0.key, at: $0.keyOrigin, $0.value) }
  }
}

// MARK: - The product

extension ScenarioDocument {
  /// Takes overridden keys out of the sweep, and refuses overrides that the sweep would undo.
  private func settle(
    _ axes: inout [SweepAxis], with changes: [Override], in tree: Value
  ) throws(ScenarioErrors) {
    for change in changes where change.path != "sweep" && !change.path.hasPrefix("sweep.") {
      let path = Override.resolved(change.path, in: tree)
      for index in axes.indices {
        axes[index].members.removeAll { Override.resolved($0.path, in: tree) == path }
        for member in axes[index].members {
          let swept = Override.resolved(member.path, in: tree)
          guard path.count > swept.count, path.starts(with: swept) else { continue }
          throw ScenarioErrors(
            ScenarioError(
              "would be undone by the sweep over '\(member.path)'", at: change.origin,
              path: change.path))
        }
      }
    }
    axes.removeAll { $0.members.isEmpty }
  }

  /// Refuses a key swept twice, and one whose values a later key would overwrite.
  private func checkOrder(_ axes: [SweepAxis], in tree: Value) throws(ScenarioErrors) {
    var earlier: [(path: String, steps: [String])] = []
    for member in axes.flatMap(\.members) {
      let steps = Override.resolved(member.path, in: tree)
      if let other = earlier.first(where: { $0.steps.starts(with: steps) }) {
        let message =
          other.steps == steps
          ? "is swept twice" : "would overwrite '\(other.path)'; state it before that key"
        throw ScenarioErrors(
          ScenarioError(message, at: member.origin, path: "sweep.\(member.path)"))
      }
      earlier.append((member.path, steps))
    }
  }

  private func product(
    _ axes: [SweepAxis], over tree: Value
  ) throws(ScenarioErrors) -> [SweepPoint] {
    var count = 1
    for axis in axes {
      let (product, isOverflow) = count.multipliedReportingOverflow(by: axis.count)
      guard !isOverflow, product <= Self.mostPoints else {
        throw ScenarioErrors(
          ScenarioError(
            "the sweep has more than \(Self.mostPoints) points", at: axis.members[0].origin,
            path: "sweep"))
      }
      count = product
    }
    var points = [SweepPoint(labels: [], root: tree)]
    for axis in axes {
      var next: [SweepPoint] = []
      next.reserveCapacity(points.count * axis.count)
      for point in points {
        for step in 0..<axis.count { next.append(try axis.applied(to: point, step)) }
      }
      points = next
    }
    return points
  }
}

extension SweepAxis {
  fileprivate func applied(
    to point: SweepPoint, _ step: Int
  ) throws(ScenarioErrors) -> SweepPoint {
    var labels = point.labels
    var root = point.root
    for member in members {
      let value = member.values[step]
      root = try Override(path: member.path, at: member.origin, value).applied(to: root)
      labels.append(SweepLabel(key: member.path, text: member.labels[step]))
    }
    return SweepPoint(labels: labels, root: root)
  }
}

extension Value {
  fileprivate func without(_ keys: [String]) -> Value {
    guard case .mapping(let entries) = content else { return self }
    return Value(.mapping(entries.filter { !keys.contains($0.key) }), at: origin)
  }
}
