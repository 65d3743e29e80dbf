import Statistics

/// Systems side by side on what they have in common: by how much each differs from the first, or
/// from another that is named.
///
/// Replications on equal seeds are paired, which takes out what both owe to the same arrivals and
/// delays; others are compared as independent samples (Welch). Ratios have Fieller's intervals.
/// p-values are adjusted after Holm for all the tests of the comparison together.
public struct Comparison: Sendable {
  /// One metric of one system against the first, at one place.
  public struct Row: Sendable, Equatable {
    public var place: [SweepPoint.Label]
    public var baseline: String
    public var system: String
    public var metric: String
    public var unit: String
    /// Means over the replications that are compared.
    public var baselineMean: Double
    public var systemMean: Double
    /// Of the baseline and of the system.
    public var replications: [Int]
    public var isPaired: Bool
    /// System less baseline.
    public var difference: MeanDifference
    /// System over baseline.
    public var ratio: MeanRatio
    /// Hedges' g; `nil` where nothing varies.
    public var effect: Double?
    /// After Holm, over all rows.
    public var adjusted: Double

    /// Whether a difference this large would come by chance in less than 5 % of comparisons.
    public var isSignificant: Bool { adjusted < 0.05 }
  }

  /// Which metrics are compared.
  public enum Choice: Sendable, Equatable {
    /// Those that tables show first.
    case key
    case all
    /// By full name, or by what follows the subsystem's.
    case named([String])
  }

  /// A result folder that is compared, by what it says of itself.
  public struct Source: Sendable, Equatable {
    /// The folder's own name.
    public var folder: String
    public var name: String
    public var scenarioDigest: String
    public var version: String
    public var seed: String
    /// As it was given; no page says it.
    var path: String
  }

  public let sources: [Source]
  /// The swept parameter whose values are the systems.
  public let key: String?
  public let rows: [Row]
  /// What was overlooked because it was asked for.
  public let notes: [String]

  /// - Parameters:
  ///   - folders: result folders, at least one.
  ///   - key: a swept parameter whose values are the systems. With one folder and one swept
  ///     parameter it is that one; with several folders and no key each folder is a system.
  ///   - base: the system that the others are compared with; the first by default.
  ///   - isAnyway: also if versions or workloads differ.
  public init(
    _ folders: [String], by key: String? = nil, base: String? = nil, choice: Choice = .key,
    isAnyway: Bool = false
  ) throws(ComparisonError) {
    var key = key
    if key == nil, folders.count == 1 {
      let swept = try Self.swept(folders[0])
      guard swept.count == 1 else { throw .nothingToCompare(swept: swept) }
      key = swept[0]
    }
    self.key = key
    sources = try Self.sources(folders)
    let titles = Self.titles(folders)
    var cases: [ComparedCase] = []
    for (folder, title) in zip(folders, titles) {
      cases += try ComparedCase.cases(
        of: folder, by: key, title: folders.count > 1 ? title : nil)
    }
    let pairs = try Self.pairs(cases, base: base)
    notes = try Self.check(pairs, isAnyway: isAnyway)
    var rows: [Row] = []
    for (a, b) in pairs { rows += Self.rows(a, b, choice) }
    guard !rows.isEmpty else {
      if case .named(let names) = choice { throw .noCommonMetric(names) }
      throw .noCommonMetric([])
    }
    let adjusted = Holm.adjusted(rows.map(\.difference.pValue))
    for index in rows.indices { rows[index].adjusted = adjusted[index] }
    self.rows = rows
  }

  private static func swept(_ folder: String) throws(ComparisonError) -> [String] {
    do throws(OutputError) {
      return try StoredResult(folder).manifest.swept
    } catch {
      throw .unreadable("\(error)")
    }
  }

  private static func sources(_ folders: [String]) throws(ComparisonError) -> [Source] {
    do throws(OutputError) {
      return try folders.map { folder throws(OutputError) in
        let stored = try StoredResult(folder)
        return Source(
          folder: stored.name, name: stored.manifest.name,
          scenarioDigest: stored.manifest.scenarioDigest, version: stored.manifest.version,
          seed: stored.manifest.seed, path: folder)
      }
    } catch {
      throw .unreadable("\(error)")
    }
  }

  /// Names of the folders, or their paths where names are equal.
  private static func titles(_ folders: [String]) -> [String] {
    let names = folders.map { FileSystem.split($0).name }
    return Set(names).count == names.count ? names : folders
  }

  /// Every case of another system beside that of the base at the same place.
  private static func pairs(
    _ cases: [ComparedCase], base: String?
  ) throws(ComparisonError) -> [(ComparedCase, ComparedCase)] {
    var systems: [String] = []
    for item in cases where !systems.contains(item.system) { systems.append(item.system) }
    guard systems.count > 1 else { throw .nothingToCompare(swept: []) }
    if let base {
      guard let place = systems.firstIndex(of: base) else {
        throw .unknownBase(base, systems: systems)
      }
      systems.insert(systems.remove(at: place), at: 0)
    }
    let isSingle = cases.count == systems.count
    var pairs: [(ComparedCase, ComparedCase)] = []
    for a in cases where a.system == systems[0] {
      for system in systems.dropFirst() {
        let other = cases.first { $0.system == system && (isSingle || $0.place == a.place) }
        if let other { pairs.append((a, other)) }
      }
    }
    guard !pairs.isEmpty else { throw .noCommonPoint }
    return pairs
  }

  /// Refuses what cannot be compared, or says that it was.
  private static func check(
    _ pairs: [(ComparedCase, ComparedCase)], isAnyway: Bool
  ) throws(ComparisonError) -> [String] {
    var problems: [ComparisonError] = []
    let versions = Set(pairs.flatMap { [$0.0.version, $0.1.version] }).sorted()
    if versions.count > 1 { problems.append(.differentVersions(versions)) }
    for (a, b) in pairs {
      let problem: ComparisonError
      switch (a.workload, b.workload) {
      case (nil, _): problem = .unknownWorkload(folder: a.folder)
      case (_, nil): problem = .unknownWorkload(folder: b.folder)
      case (let first, let second):
        if first == second { continue }
        problem = .differentWorkloads(a.system, b.system)
      }
      if !problems.contains(problem) { problems.append(problem) }
    }
    if let problem = problems.first, !isAnyway { throw problem }
    return problems.map { "compared anyway: \($0)" }
  }
}

// MARK: - The figures

extension Comparison {
  private static func rows(_ a: ComparedCase, _ b: ComparedCase, _ choice: Choice) -> [Row] {
    chosen(a.metrics, choice).compactMap { first in
      guard let second = b.metrics.first(where: { $0.name == first.name }),
        second.unit == first.unit
      else { return nil }
      return row(a, b, first, second)
    }
  }

  private static func chosen(
    _ metrics: [ComparedCase.Metric], _ choice: Choice
  ) -> [ComparedCase.Metric] {
    func short(_ name: String) -> String {
      name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
    }
    switch choice {
    case .all: return metrics
    case .named(let names):
      return metrics.filter { names.contains($0.name) || names.contains(short($0.name)) }
    case .key:
      return KeyMetric.compared.flatMap { key in
        metrics.filter { key.names.contains(short($0.name)) }
      }
    }
  }

  private static func row(
    _ a: ComparedCase, _ b: ComparedCase, _ first: ComparedCase.Metric,
    _ second: ComparedCase.Metric
  ) -> Row? {
    let known = Dictionary(
      second.values.map { ($0.seed, $0.value) }, uniquingKeysWith: { first, _ in first })
    let common = first.values.compactMap { entry in
      known[entry.seed].map { (entry.value, $0) }
    }
    let fewest = min(first.values.count, second.values.count)
    guard fewest > 0 else { return nil }
    // Where a rule ended the systems after different numbers of replications, those that both
    // have are paired.
    let isPaired = common.count == fewest
    let x = isPaired ? common.map(\.0) : first.values.map(\.value)
    let y = isPaired ? common.map(\.1) : second.values.map(\.value)
    return Row(
      place: a.place, baseline: a.system, system: b.system, metric: first.name,
      unit: first.unit, baselineMean: x.reduce(0, +) / Double(x.count),
      systemMean: y.reduce(0, +) / Double(y.count), replications: [x.count, y.count],
      isPaired: isPaired, difference: isPaired ? .paired(x, y) : .independent(x, y),
      ratio: isPaired ? .paired(x, y) : .independent(x, y),
      effect: EffectSize.hedges(x, y), adjusted: 1)
  }
}
