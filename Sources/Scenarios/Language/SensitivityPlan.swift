import Kernel
import Statistics

/// What a sensitivity analysis varies and looks at: the `sensitivity` section of a scenario, and
/// what the command line adds to it.
public struct SensitivityPlan: Sendable {
  public var inputs: [SensitivityInput] = []
  /// Metrics, by full name or by what follows the subsystem's.
  public var outputs = ["throughput", "latency_mean", "latency_p99"]
  /// Points of each set of Sobol's, a power of 2.
  public var points = 16
  /// Repetitions with another shift of the points and another seed; intervals are over them.
  public var repetitions = 8

  /// The defaults, without inputs.
  public init() {}

  /// More inputs have no columns in the sequence.
  public static var mostInputs: Int { SobolSequence.mostDimensions / 2 }

  /// The quantiles at which one input at a time is tried.
  public static let quartiles = (low: 0.25, middle: 0.5, high: 0.75)
}

extension SensitivityPlan {
  init(_ section: Section) throws {
    let entries = section.entry("over")
    if case .mapping(let keys)? = entries?.value.content {
      _ = section.take("over")
      inputs = try keys.map { key in
        guard case .mapping(let content) = key.value.content else {
          throw ScenarioError(
            "must be one distribution", at: key.value.origin, path: "sensitivity.over.\(key.key)",
            allowed: "{ uniform: { from, to } } and others")
        }
        let inner = Section(
          section.log, path: "sensitivity.over.\(key.key)", origin: key.keyOrigin,
          entries: content)
        return try inner.run {
          try SensitivityInput.read(key.key, $0, origin: key.keyOrigin)
        }
      }
    }
    outputs = section.values(
      "outputs", default: outputs, count: 1...20, "metrics whose causes are looked for"
    ) { $0.text($1, "a metric, such as throughput or main.latency_p99") }
    points = section.count(
      "points", default: points, in: 2...4096, "points of each set of Sobol's, a power of 2",
      source: "with 8 repetitions, indices are known to about a tenth")
    section.require(points & (points - 1) == 0, "points", "is not a power of 2")
    repetitions = section.count(
      "repetitions", default: repetitions, in: 2...1000,
      "times that all is done, with other seeds; intervals are over them",
      source: "eight give a Student-t interval with 7 degrees of freedom")
  }
}

extension SensitivityPlan {
  /// The scenario with this plan as its `sensitivity` section, so that what the command line added
  /// stands in what is saved.
  func recorded(in tree: Value) throws(ScenarioErrors) -> Value {
    let origin = Origin("--over")
    func scalar(_ text: String) -> Value { Value(.scalar(.init(text)), at: origin) }
    func section(_ entries: [(String, Value)]) -> Value {
      Value(.mapping(entries.map { .init($0.0, at: origin, $0.1) }), at: origin)
    }
    let over = inputs.map { input in
      let (law, ends) = input.written
      let entries = [(law, section(ends.map { ($0.key, scalar($0.text)) }))]
      return (
        input.path, section(entries + (input.isWhole ? [("whole", scalar("true"))] : []))
      )
    }
    let value = section([
      ("over", section(over)),
      ("outputs", Value(.sequence(outputs.map { scalar($0) }), at: origin)),
      ("points", scalar(String(points))), ("repetitions", scalar(String(repetitions))),
    ])
    return try Override(path: "sensitivity", at: origin, value).applied(to: tree)
  }
}

extension ScenarioDocument {
  /// What the `sensitivity` section says, or the defaults.
  ///
  /// - Parameter over: further inputs, `key=low..high`, which replace those of the same key.
  public func sensitivityPlan(over arguments: [String] = []) throws(ScenarioErrors)
    -> SensitivityPlan
  {
    var plan = SensitivityPlan()
    if let section = root["sensitivity"], !section.isNull {
      guard case .mapping = section.content else {
        throw ScenarioErrors([
          ScenarioError(
            "must be a section, not \(section.kind)", at: section.origin, path: "sensitivity")
        ])
      }
      plan = try Section.read(
        Value(.mapping([.init("sensitivity", at: section.origin, section)]), at: section.origin)
      ) {
        try $0.section("sensitivity", "what is varied") { try SensitivityPlan($0) }
      }
    }
    for argument in arguments {
      let input = try SensitivityInput(argument: argument)
      plan.inputs.removeAll { $0.path == input.path }
      plan.inputs.append(input)
    }
    return plan
  }

  /// The points of an analysis: with all inputs at their medians; with each at its lower and at its
  /// upper quartile; then, for each repetition, those of its `SobolDesign`.
  ///
  /// - Parameters:
  ///   - overrides: as `points` takes them.
  ///   - seed: of the shifts of the designs.
  public func sensitivityPoints(
    _ plan: SensitivityPlan, minimal: Bool, overrides: [String], seed: UInt64
  ) throws(ScenarioErrors) -> [SweepPoint] {
    let middle = plan.inputs.map { _ in SensitivityPlan.quartiles.middle }
    var cases: [(name: String, at: [Double])] = [("medians", middle)]
    for (index, input) in plan.inputs.enumerated() {
      for (name, u) in [
        ("lower", SensitivityPlan.quartiles.low), ("upper", SensitivityPlan.quartiles.high),
      ] {
        var at = middle
        at[index] = u
        cases.append(("\(name) quartile of \(input.path)", at))
      }
    }
    for repetition in 0..<plan.repetitions {
      var bits = RandomStream(
        seed: seed, purpose: "sensitivity.shift", entity: UInt64(repetition))
      let design = SobolDesign(
        points: plan.points,
        shift: (0..<2 * plan.inputs.count).map { _ in UInt32(truncatingIfNeeded: bits.next()) })
      for (index, at) in design.all.enumerated() {
        cases.append(("repetition \(repetition), point \(index)", at))
      }
    }
    let base = try points(minimal: minimal, overrides: overrides)
    guard base.count == 1 else {
      throw ScenarioErrors([
        ScenarioError(
          "is a sweep of \(base.count) points; sensitivity takes one, such as --set sweep={}",
          at: Origin(file), path: "sweep")
      ])
    }
    var found: [SweepPoint] = []
    for item in cases {
      var point = base[0]
      var labels = [SweepLabel(key: "sensitivity", text: item.name)]
      for (input, u) in zip(plan.inputs, item.at) {
        let text = input.text(at: u)
        let value = Value(.scalar(.init(text)), at: input.origin)
        let root = try Override(path: input.path, at: input.origin, value).applied(to: point.root)
        labels.append(SweepLabel(key: input.path, text: text))
        point = SweepPoint(labels: [], root: root)
      }
      found.append(SweepPoint(labels: labels, root: point.root))
    }
    return found
  }
}
