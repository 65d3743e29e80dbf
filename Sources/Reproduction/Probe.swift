import Kernel
import Metrics
import Protocols
import Scenarios
import Simulation

/// What a figure may ask of a run that the run's own results do not say.
public enum Probe: String, CaseIterable, Sendable {
  /// Time from a block until it is final, by the place of its slot in its epoch.
  case finalityBySlot = "finality-by-slot"
  /// The epoch at whose end something is final for the first time; the run ends there.
  case firstFinality = "first-finality"
  /// What validators earn in an epoch.
  case issuance
  /// Mean latency of the clients of each host, which stand in the regions in turn.
  case latencyByHost = "latency-by-host"

  /// Runs `scenario` with `seed` and looks.
  func run(
    _ scenario: Scenario, seed: UInt64
  ) -> (values: [(name: String, value: Double)], digest: UInt64) {
    let run = scenario.makeSimulation(seed: seed)
    run.start()
    let values: [(name: String, value: Double)] =
      switch self {
      case .finalityBySlot: Self.finality(run, until: scenario.end)
      case .firstFinality: Self.firstFinality(run, until: scenario.end)
      case .issuance: Self.issuance(run, until: scenario.end)
      case .latencyByHost: Self.latencies(run, until: scenario.end)
      }
    var digest = RunDigest()
    for part in run.digests { digest.fold(part.digest) }
    return (values, digest.value)
  }

  private static let slot: Int64 = 12_000_000_000
  private static let slotsPerEpoch = 32

  /// Means over all blocks but those of the first two epochs, which no votes of their own weigh;
  /// and the least and the largest.
  private static func finality(
    _ run: Simulation, until end: SimTime
  ) -> [(name: String, value: Double)] {
    run.run(until: end)
    var sums = [Double](repeating: 0, count: slotsPerEpoch)
    var counts = sums
    for entry in run.world.decisionLogs[1].entries {
      let made = Int(((entry.time - .zero) - entry.age).nanoseconds / slot)
      guard made >= 2 * slotsPerEpoch else { continue }
      sums[made % slotsPerEpoch] += entry.age.seconds
      counts[made % slotsPerEpoch] += 1
    }
    var values = (0..<slotsPerEpoch).filter { counts[$0] > 0 }.map {
      (name: "\($0)", value: sums[$0] / counts[$0])
    }
    // Each slot as often as the others.
    if values.count == slotsPerEpoch {
      values.append(("mean", values.reduce(0) { $0 + $1.value } / Double(slotsPerEpoch)))
    }
    return values
  }

  private static func firstFinality(
    _ run: Simulation, until end: SimTime
  ) -> [(name: String, value: Double)] {
    let epoch = slot * Int64(slotsPerEpoch)
    var until = SimTime.zero
    while run.world.decisions[1] == 0, until < end {
      until = min(until + SimDuration(nanoseconds: 16 * epoch), end)
      run.run(until: until)
    }
    guard let first = run.world.decisionLogs[1].entries.first else { return [] }
    // The end of epoch e is the beginning of e + 1.
    let passed = (first.time.nanoseconds + epoch - 1) / epoch
    return [("first_epoch", Double(passed - 1))]
  }

  /// From the balances at the ends of two epochs of one chain: the base reward that explains what a
  /// validator earned who did not propose, 54 of 64 parts of it; and what all earned together.
  private static func issuance(
    _ run: Simulation, until end: SimTime
  ) -> [(name: String, value: Double)] {
    guard let chain = run.subsystems[1] as? Blockchain<Gasper> else { return [] }
    let before = SimTime.zero + (end - .zero) - SimDuration(nanoseconds: slot * 32)
    run.run(until: before)
    guard let first = chain.content.state(of: chain.summary().head) else { return [] }
    run.run(until: end)
    guard let last = chain.content.state(of: chain.summary().head),
      first.balances.count == last.balances.count
    else { return [] }
    let gains = zip(first.balances, last.balances).map { Int64($1) - Int64($0) }
    // Proposers earn more, and nobody less.
    guard let plain = gains.min() else { return [] }
    let increments = Double(first.effective[0]) / 1e9
    let all = gains.reduce(0, +)
    return [
      ("base_reward_per_increment", Double(plain) * 64 / 54 / increments),
      ("issuance_per_validator", Double(all) / Double(gains.count)),
    ]
  }

  /// In seconds, from submission until the client knows; the first tenth of the run is left out.
  private static func latencies(
    _ run: Simulation, until end: SimTime
  ) -> [(name: String, value: Double)] {
    run.run(until: end)
    let warm = SimTime(nanoseconds: end.nanoseconds / 10)
    var values: [(name: String, value: Double)] = []
    for (host, log) in run.world.logs.enumerated() {
      var sum = 0.0
      var count = 0
      for number in 0..<log.count where log.submitted[number] >= warm {
        let final = log.time(.final, of: number)
        guard final != .never else { continue }
        sum += (final - log.submitted[number]).seconds
        count += 1
      }
      if count > 0 { values.append(("host.\(host)", sum / Double(count))) }
    }
    return values
  }
}
