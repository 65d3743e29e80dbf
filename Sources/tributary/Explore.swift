import ArgumentParser
import Exploration
import Foundation
import Reporting
import Scenarios
import Synchronization

struct Explore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw many small runs with faults and adversaries, and watch the monitors.",
    discussion: """
      From each seed sizes, delays, faults and adversaries are drawn within the assumptions of the \
      scenario's protocol; no monitor may fire. What one finds is shrunk to the fewest faults that \
      still show it, and written as a scenario that replays it.
      """)

  @OptionGroup var scenario: ScenarioOptions

  @Option(help: "Seeds to try.")
  var seeds = 100

  @Option(help: "The first of them.")
  var firstSeed: UInt64 = 1

  @OptionGroup var jobs: JobOptions

  @Flag(help: "Draw past the assumptions, where a monitor must fire.")
  var beyond = false

  @Flag(help: "Write the scenario of every seed, not only of those in which a monitor fired.")
  var keep = false

  @Option(help: "Folder for what is found; Results/explore by default.")
  var out = "Results/explore"

  func validate() throws {
    guard (1...10_000_000).contains(seeds) else {
      throw ValidationError("--seeds must be 1 to 10000000, not \(seeds).")
    }
  }

  func run() throws {
    Interruption.listen()
    var isGood = true
    for file in scenario.files {
      let loaded = try scenario.load(file)
      do {
        isGood = try explore(loaded) && isGood
      } catch let errors as ScenarioErrors {
        complain("\(errors)")
        throw ExitCode.badInput
      } catch let error as OutputError {
        complain("tributary: \(error)")
        throw ExitCode.cannotWrite
      }
    }
    if !isGood { throw ExitCode.badAnswer }
  }

  /// Explores one scenario; whether it is as it should be.
  private func explore(_ loaded: LoadedScenario) throws -> Bool {
    guard loaded.points.count == 1 else {
      throw ValidationError("\(loaded.file) is a sweep; explore takes one point.")
    }
    let swarm = try Swarm(loaded.points[0], isBeyond: beyond)
    if keep {
      for seed in firstSeed..<firstSeed + UInt64(seeds) {
        try write(swarm.trial(seed: seed), swarm)
      }
    }
    let workers = SwarmWorkers(
      swarm, first: firstSeed, count: seeds,
      jobs: jobs.threads)
    let results = try workers.run()
    for result in results.found { try report(result, of: swarm) }
    let name = beyond ? "\(swarm.name), beyond its assumptions" : swarm.name
    print(
      "\(name): \(seeds) seeds, \(results.decisions) decisions, \(results.events) events: "
        + (results.found.isEmpty
          ? "no monitor fired" : "a monitor fired in \(results.found.count)"))
    if results.reversals > 0 {
      print("\(results.reversals) decided blocks were left again")
    }
    print("digest \(String(results.digest, radix: 16))")
    return beyond != results.found.isEmpty
  }

  /// Shrinks what a seed found, writes the scenario that replays it, and says so.
  private func report(_ found: (trial: Trial, finding: Trial.Finding), of swarm: Swarm) throws {
    let (trial, finding) = try swarm.shrink(found.trial, found.finding)
    let path = try write(trial, swarm)
    let count = found.trial.disturbances.count
    print(
      "seed \(trial.seed): \(finding.monitor) after \(finding.time) s: \(finding.detail)\n"
        + "  \(trial.nodes) nodes; \(count) disturbance\(count == 1 ? "" : "s"), "
        + "\(trial.disturbances.count) of them needed; replay: tributary run \(path)")
  }
}

extension Explore {
  /// Writes the scenario that replays `trial`; returns its path.
  @discardableResult
  private func write(_ trial: Trial, _ swarm: Swarm) throws -> String {
    let path = "\(out)/\(swarm.name)/seed-\(trial.seed).yaml"
    try SavedFile.write(swarm.text(of: trial), to: path, makesFolders: true)
    return path
  }
}

/// Tries the seeds of a swarm on several threads; results do not depend on how many.
private final class SwarmWorkers: Sendable {
  struct Results: Sendable {
    var found: [(trial: Trial, finding: Trial.Finding)] = []
    var decisions = 0
    var reversals = 0
    var events = 0
    var digest: UInt64 = 0
  }

  private struct State: Sendable {
    var next = 0
    var verdicts: [Verdict?]
    var progress: Reporting.Progress
    var failure: ScenarioErrors?
  }

  private let swarm: Swarm
  private let first: UInt64
  private let jobs: Int
  private let state: Mutex<State>

  init(_ swarm: Swarm, first: UInt64, count: Int, jobs: Int) {
    self.swarm = swarm
    self.first = first
    self.jobs = min(jobs, count)
    state = Mutex(
      State(
        verdicts: Array(repeating: nil, count: count),
        progress: Reporting.Progress(total: count)))
  }

  func run() throws -> Results {
    let group = DispatchGroup()
    for _ in 0..<jobs {
      group.enter()
      let thread = Thread {
        while let k = self.take() { self.perform(k) }
        group.leave()
      }
      thread.stackSize = 64 << 20
      thread.start()
    }
    group.wait()
    let (verdicts, failure) = state.withLock { state in
      state.progress.clear()
      return (state.verdicts, state.failure)
    }
    if let failure { throw failure }
    var results = Results()
    for (k, verdict) in verdicts.enumerated() {
      guard let verdict else { continue }
      results.decisions += verdict.decisions
      results.reversals += verdict.reversals
      results.events += verdict.events
      results.digest = (results.digest &* 0x100_0000_01b3) ^ verdict.digest
      if let finding = verdict.findings.first {
        results.found.append((swarm.trial(seed: first &+ UInt64(k)), finding))
      }
    }
    return results
  }

  private func take() -> Int? {
    state.withLock { state in
      guard state.failure == nil, state.next < state.verdicts.count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }

  private func perform(_ k: Int) {
    do throws(ScenarioErrors) {
      let verdict = try swarm.run(swarm.trial(seed: first &+ UInt64(k)))
      state.withLock { state in
        state.verdicts[k] = verdict
        state.progress.advance()
      }
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }
}
