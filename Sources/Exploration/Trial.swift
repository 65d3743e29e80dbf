import Kernel
import Scenarios
import Simulation

/// One member of a swarm: a small scenario with faults and adversaries drawn from its seed.
public struct Trial: Sendable {
  /// Something that disturbs a trial, as a line of its scenario.
  public struct Disturbance: Sendable, Equatable {
    public enum Place: Sendable { case faults, adversaries, stabilisation }

    public var place: Place
    /// A section in flow style: `{ at: 120 ms, crash: 2, for: 300 ms }`.
    public var text: String

    public init(_ place: Place, _ text: String) {
      self.place = place
      self.text = text
    }
  }

  public let seed: UInt64
  public var nodes: Int
  /// Of the network, in flow style.
  public var delay: String
  public var disturbances: [Disturbance]
  /// Transactions per second.
  public var rate: Double
  /// When the last transaction may be submitted, and when the run ends at the latest.
  public var submission: SimDuration
  public var end: SimDuration
  /// From when every fault is over.
  public var calm: SimDuration
  public var bound: SimDuration

  /// What a trial found: the monitor that fired first, when, and what it said.
  public struct Finding: Sendable, Equatable {
    public var monitor: String
    public var time: Double
    public var detail: String
  }
}

/// Writes trials as scenario files: what the base scenario says, with the trial's own in place.
struct TrialWriter: Sendable {
  private let base: Value
  private let name: String

  /// - Parameter base: the root of a scenario, without sweep and minimal size.
  init(base: Value, name: String) {
    self.base = base
    self.name = name
  }

  /// The scenario that `tributary run` replays.
  func text(of trial: Trial) -> String {
    var text = "tributary: 1\nname: \(clippedName)-\(trial.seed)\nseed: \(trial.seed)\n"
    text += "replications: 1\nmeasure: transient\nuntil: \(Self.text(trial.end))\n"
    text += "network:\n  nodes: \(trial.nodes)\n  delay: \(trial.delay)\n"
    for disturbance in trial.disturbances where disturbance.place == .stabilisation {
      text += "  stabilisation: \(disturbance.text)\n"
    }
    text += kept("network", without: Self.drawnOfNetwork, indent: 2)
    text += section("machines") + chains() + section("shards")
    text += "workload:\n  arrivals: { poisson: \(trial.rate) /s }\n"
    text += "  until: \(Self.text(trial.submission))\n"
    text += kept("workload", without: ["arrivals", "until"], indent: 2)
    text += list("faults", trial) + list("adversaries", trial)
    // One that ends where all was served has no time for more.
    if trial.calm + trial.bound <= trial.end {
      text += "checks: { liveness: { after: \(Self.text(trial.calm)), "
      text += "within: \(Self.text(trial.bound)) } }\n"
    }
    return text
  }

  private static let drawnOfNetwork = [
    "nodes", "regions", "delay", "loss", "duplication", "jitter", "stabilisation",
  ]

  /// A name is at most 60 characters; the seed takes up to 21.
  private var clippedName: String { String(name.prefix(38)) }

  private func list(_ key: String, _ trial: Trial) -> String {
    let place: Trial.Disturbance.Place = key == "faults" ? .faults : .adversaries
    let lines = trial.disturbances.filter { $0.place == place }.map { "  - \($0.text)\n" }
    return lines.isEmpty ? "" : "\(key):\n" + lines.joined()
  }

  private func section(_ key: String) -> String {
    guard let value = base[key] else { return "" }
    return "\(key):\n" + indented(value.yamlText, 2)
  }

  /// What the base says under `key`, but for some of it.
  private func kept(_ key: String, without left: [String], indent: Int) -> String {
    guard let value = base[key], case .mapping(let entries) = value.content else { return "" }
    let rest = entries.filter { !left.contains($0.key) }
    guard !rest.isEmpty else { return "" }
    return indented(Value(.mapping(rest), at: value.origin).yamlText, indent)
  }

  /// All nodes run every chain.
  private func chains() -> String {
    guard base["chains"] != nil else { return "" }
    guard let value = base["chains"], case .sequence(let elements) = value.content else {
      return section("chains")
    }
    let whole = elements.map { element -> Value in
      guard case .mapping(let entries) = element.content else { return element }
      return Value(.mapping(entries.filter { $0.key != "nodes" }), at: element.origin)
    }
    return "chains:\n" + indented(Value(.sequence(whole), at: value.origin).yamlText, 2)
  }

  private func indented(_ text: String, _ spaces: Int) -> String {
    let space = String(repeating: " ", count: spaces)
    return text.split(separator: "\n").map { space + $0 + "\n" }.joined()
  }

  /// Whole microseconds, so that the text is exact.
  static func text(_ duration: SimDuration) -> String {
    let microseconds = duration.nanoseconds / 1000
    return microseconds % 1000 == 0 ? "\(microseconds / 1000) ms" : "\(microseconds) us"
  }
}
