import Consensus
import Kernel
import Ledger
import Protocols
import Scenarios
import Statistics

/// What a figure may be about that is no run of a network: draws of a committee by the very code
/// that draws it in a run, beside the closed form, or the closed form alone.
public enum Experiment: String, CaseIterable, Sendable {
  /// Validators shuffled into committees as Gasper does.
  case shuffledCommittees = "shuffled-committees"
  /// Votes of good and bad accounts by Algorand's sortition.
  case sortition
  /// Nodes dealt out to shards; see `Experiment+Shards`.
  case shardCommittees = "shard-committees"
  case smallestCommittee = "smallest-committee"
  case timeToFailure = "time-to-failure"
  case crossShard = "cross-shard"
  /// The base fee of EIP-1559 under blocks that are all alike.
  case baseFee = "base-fee"

  /// The settings it takes, with their ranges.
  static let ranges: [(name: String, range: ClosedRange<Double>)] = [
    ("replications", 1...1000), ("validators", 64...1_048_576), ("size", 1...100_000),
    ("need", 1...100_000), ("share", 0...1), ("shuffles", 0...100_000), ("draws", 0...10_000_000),
    ("threshold", 0...1), ("accounts", 1...10_000), ("nodes", 4...4_194_304),
    ("shards", 1...10_000), ("error", 1e-12...0.5), ("blocks", 0...150),
    ("limit", 2...1_000_000_000), ("fullness", 0...1),
  ]

  /// What one replication shows: the shares of draws that failed, and how many there were.
  func run(_ settings: ExperimentSettings, seed: UInt64) -> [(name: String, value: Double)] {
    switch self {
    case .shuffledCommittees: Self.shuffle(settings, seed)
    case .sortition: Self.sort(settings, seed)
    case .shardCommittees: Self.deal(settings, seed)
    case .smallestCommittee: Self.smallestCommittee(settings)
    case .timeToFailure: Self.timeToFailure(settings)
    case .crossShard: Self.crossShard(settings)
    case .baseFee: Self.baseFee(settings)
    }
  }

  // MARK: - Committees of Gasper

  /// The adversary has the first `share` of the validators; a committee of `size` fails if `need`
  /// of them are its own. All committees of a shuffle count: they are drawn without replacement,
  /// which the closed form is not; with many times more validators than members it matters little.
  private static func shuffle(
    _ settings: ExperimentSettings, _ seed: UInt64
  ) -> [(name: String, value: Double)] {
    let (n, size) = (settings.count("validators"), settings.count("size"))
    let need = settings.count("need")
    let bad = UInt32((Double(n) * settings["share"]).rounded())
    var random = RandomStream(seed: seed, purpose: "committees of a figure")
    var trials = 0
    var failures = 0
    for _ in 0..<settings.count("shuffles") {
      let hash = Hash256(random.next(), random.next(), random.next(), random.next())
      let order = Shuffle.permutation(n, seed: hash, rounds: 90)
      for first in stride(from: 0, through: n - size, by: size) {
        let own = order[first..<first + size].reduce(0) { $0 + ($1 < bad ? 1 : 0) }
        trials += 1
        if own >= need { failures += 1 }
      }
    }
    return shares([("failed", failures)], of: trials) + [
      ("formula", Tail.binomial(atLeast: need, of: size, settings["share"]))
    ]
  }

  // MARK: - Committees of Algorand

  /// Gilad et al., SOSP 2017, §7.5: a step of `size` expected votes and a threshold T of them
  /// stalls if the good votes are not above it, and may fork if half of the good and all the bad
  /// are.
  private static func sort(
    _ settings: ExperimentSettings, _ seed: UInt64
  ) -> [(name: String, value: Double)] {
    let (size, accounts) = (settings.count("size"), settings.count("accounts"))
    let good = Int((Double(accounts) * settings["share"]).rounded())
    let threshold = settings["threshold"] * Double(size)
    var stalls = 0
    var forks = 0
    let draws = settings.count("draws")
    for r in 0..<draws {
      var votes = (good: 0, bad: 0)
      for account in 0..<accounts {
        let weight = Sortition.weight(
          seed: Digest(seed), r: Slot(UInt32(r) + 1), p: 0, s: .soft, account: account,
          stake: 2_000_000, total: 2_000_000 * accounts, size: size)
        if account < good { votes.good += weight } else { votes.bad += weight }
      }
      if Double(votes.good) <= threshold { stalls += 1 }
      if Double(votes.good) / 2 + Double(votes.bad) > threshold { forks += 1 }
    }
    let formula = violation(honest: settings["share"], size: size, threshold: threshold)
    return shares([("stalled", stalls), ("forked", forks)], of: draws) + [
      ("formula.stalled", formula.stalled), ("formula.forked", formula.forked),
      ("formula", formula.stalled + formula.forked),
    ]
  }

  /// The two terms with Poisson numbers of good and bad votes, the limit of many small accounts.
  private static func violation(
    honest: Double, size: Int, threshold: Double
  ) -> (stalled: Double, forked: Double) {
    let good = honest * Double(size)
    let bad = Double(size) - good
    let stalled = (0...Int(threshold)).reversed().reduce(0.0) {
      $0 + Mass.poisson($1, mean: good)
    }
    var forked = 0.0
    for b in 0...size {
      let least = Int((2 * (threshold - Double(b))).rounded(.down)) + 1
      forked += Mass.poisson(b, mean: bad) * Tail.poisson(atLeast: least, mean: good)
    }
    return (stalled, forked)
  }

  static func shares(
    _ counts: [(name: String, count: Int)], of trials: Int
  ) -> [(name: String, value: Double)] {
    guard trials > 0 else { return [] }
    return counts.map { ($0.name, Double($0.count) / Double(trials)) }
      + [("trials", Double(trials))]
  }
}

/// Settings of an experiment, by name.
struct ExperimentSettings: Sendable {
  private let values: [(name: String, value: Double)]

  /// - Parameter set: `name=value` each; a later one holds.
  init(_ set: [String], of file: String) throws(ScenarioErrors) {
    var values: [(name: String, value: Double)] = []
    for entry in set {
      let parts = entry.split(separator: "=", maxSplits: 1).map {
        PublishedTable.trimmed($0)
      }
      guard parts.count == 2,
        let range = Experiment.ranges.first(where: { $0.name == parts[0] })?.range
      else {
        let names = Experiment.ranges.map(\.name).joined(separator: ", ")
        throw PublishedTable.failure("'\(entry)' is no setting (allowed: \(names))", file)
      }
      guard let value = Double(parts[1]), range.contains(value) else {
        throw PublishedTable.failure(
          "\(parts[0]): '\(parts[1])' is not within \(range.lowerBound) to \(range.upperBound)",
          file)
      }
      values.removeAll { $0.name == parts[0] }
      values.append((parts[0], value))
    }
    self.values = values
  }

  /// 0 if it is not set.
  subscript(name: String) -> Double { values.first { $0.name == name }?.value ?? 0 }

  func count(_ name: String) -> Int { Int(self[name].rounded()) }
}
