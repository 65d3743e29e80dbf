/// What may not be written, and where.
struct Construct: Sendable {
  let rule: String
  /// Over code without comments and string contents.
  let pattern: String
  let reason: String
  /// Whether the rule holds in a module of `Sources`.
  let holds: @Sendable (SourceFile) -> Bool

  init(_ rule: String, _ pattern: String, _ reason: String, in modules: [String]) {
    self.init(rule, pattern, reason) { modules.contains($0.module ?? "") }
  }

  init(
    _ rule: String, _ pattern: String, _ reason: String,
    where holds: @escaping @Sendable (SourceFile) -> Bool
  ) {
    self.rule = rule
    self.pattern = pattern
    self.reason = reason
    self.holds = holds
  }

  func findings(in file: SourceFile) -> [Finding] {
    guard file.isSwift, holds(file) else { return [] }
    return matches(of: pattern, in: file.code).map {
      Finding(rule: rule, path: file.path, line: $0.line, detail: "\($0.text): \(reason)")
    }
  }
}

/// A file that may do what a rule forbids.
struct Exemption {
  let rule: String
  let path: String
  let reason: String
}

/// Keep it short; each with the reason why it is safe. One that is not needed is a finding too.
let exemptions: [Exemption] = [
  Exemption(
    rule: "hashed order", path: "Sources/Kernel/Random/RandomStream+Selection.swift",
    reason: "asked for membership only; the order of the sample is the order of the draws"),
  Exemption(
    rule: "hashed order", path: "Sources/Simulation/ShardedLedger.swift",
    reason: "a member's ballots are looked up by transfer and never walked"),
  Exemption(
    rule: "address", path: "Sources/tributary-bench/Jobs.swift",
    reason: "hands a thread its work; no result sees it"),
]

enum Constructs {
  /// Modules whose code runs at every event.
  static let hot = [
    "Kernel", "Ledger", "Machines", "Networking", "Consensus", "Protocols", "Sharding",
  ]
  /// Modules whose results must not depend on anything but scenario and seed.
  static let ordered = hot + ["Workloads", "Simulation"]
  static let sampling = [
    "Kernel", "Networking", "Workloads", "Simulation", "Protocols", "Sharding",
  ]

  static let table = [
    Construct(
      "clock",
      #"\b(?:ContinuousClock|SuspendingClock|DispatchTime|DispatchWallTime|ProcessInfo)\b"#
        + #"|\b(?:clock_gettime|gettimeofday|CFAbsoluteTimeGetCurrent|getrusage)\b"#
        + #"|\bDate\s*(?:\(|\.now\b)|(?<![.\w])(?:time|clock)\s*\(\s*(?:nil|&|\))"#,
      "the only time is simulated time",
      where: { file in
        guard let module = file.module else { return false }
        return !["tributary", "tributary-bench"].contains(module)
          && !file.path.hasPrefix("Sources/Reporting/Progress")
      }),
    Construct(
      "address", #"\bObjectIdentifier\b|\.toOpaque\b|\bhashValue\b|\bHasher\s*\("#,
      "addresses and hashes differ from run to run", where: { $0.module != nil }),
    Construct(
      "hashed order",
      #"\bSet\s*[<(]|\bDictionary\b|\[\s*[A-Z][\w.]*(?:<[^\]\n]*>)?\s*:|\[\s*:\s*\]"#,
      "iteration order differs from run to run", in: ordered),
    Construct(
      "randomness",
      #"\b(?:U?Int\d*|Double|Float\d*|Bool)\.random\s*\(|\.randomElement\s*\("#
        + #"|\.shuffled\s*\(|\.shuffle\s*\(\s*(?:\)|using\b)|\bSystemRandomNumberGenerator\b"#,
      "draw from a named stream", in: ordered),
    Construct(
      "libm",
      #"(?<![.\w])(?<!\bfunc )(?:log|log2|log10|log1p|exp|exp2|expm1|pow|sin|cos|tan|asin|acos"#
        + #"|atan|atan2|sinh|cosh|tanh|sqrt|cbrt|hypot|lgamma|tgamma|erf|erfc)\s*\((?!\s*\w+:)"#,
      "the last bit differs between CPUs", in: sampling),
    Construct(
      "crash", #"\btry!|\bas!"#, "throw a typed error, or state the invariant",
      where: { $0.module != nil }),
    Construct(
      "existential", #"\bany [A-Z][\w.]*"#,
      "boxes a value and dispatches at every event; use generics",
      in: hot),
    Construct(
      "stored closure",
      #"\b(?:let|var)\s+\w+\s*:\s*\(*\s*(?:@\w+\s+)*\([^()]*\)\s*(?:throws\s*)?->"#,
      "allocates and cannot be copied with a run", in: hot),
    Construct(
      "package access",
      #"\bpackage(?:\(set\))?\s+(?:static|final|mutating|struct|class|enum|protocol|actor|func|var"#
        + #"|let|init|extension|typealias|subscript|import)\b"#,
      "twelve times slower across modules than public", where: { $0.module != nil }),
    Construct(
      "testable import", #"@testable\b"#, "tests are built for release and use public declarations",
      where: { $0.path.hasPrefix("Tests/") }),
  ]

  static func findings(in file: SourceFile) -> [Finding] {
    table.flatMap { $0.findings(in: file) }
  }
}
