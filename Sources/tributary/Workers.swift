import Foundation
import Metrics
import Reporting
import Scenarios
import Synchronization

/// Runs the pending replications of a folder on several threads. Runs share nothing: each thread
/// builds its own from plain values, and what it says is kept as soon as it is there.
final class Workers: Sendable {
  private let scenarios: [Scenario]
  private let folder: ResultFolder
  /// The scenario's, for mistakes that only runs show.
  private let file: String
  private let jobs: Int
  private let state: Mutex<State>

  private struct State: Sendable {
    var progress: Reporting.Progress
    var failure: OutputError?
    var isStopped = false
  }

  init(_ loaded: LoadedScenario, _ folder: ResultFolder, jobs: Int) {
    scenarios = loaded.scenarios
    self.folder = folder
    file = loaded.file
    self.jobs = jobs
    let (done, total) = folder.progress
    state = Mutex(State(progress: Reporting.Progress(total: total, done: done)))
  }

  /// Returns when all are done; throws the first failure to keep a result, or what the runs have
  /// shown to be a mistake of the scenario.
  func run() throws {
    let group = DispatchGroup()
    for _ in 0..<jobs {
      group.enter()
      let thread = Thread {
        while let id = self.take() { self.perform(id) }
        group.leave()
      }
      thread.stackSize = 64 << 20
      thread.start()
    }
    group.wait()
    let failure = state.withLock { state -> OutputError? in
      state.progress.clear()
      return state.failure
    }
    if let failure { throw failure }
    if let goal = folder.missingGoal {
      throw ScenarioErrors([
        ScenarioError(
          "no metric has this name; replications.csv of a run lists them",
          at: Origin(file), path: "replications.until", value: goal.metric)
      ])
    }
  }

  private func take() -> RunID? {
    state.withLock { state in
      state.failure == nil && !state.isStopped ? folder.take() : nil
    }
  }

  private func perform(_ id: RunID) {
    let outcome = scenarios[id.point].makeOutcome(seed: id.seed)
    do throws(OutputError) {
      try folder.append(RunRecord(id, outcome))
      let (done, total) = folder.progress
      let isMistaken = folder.missingGoal != nil
      state.withLock { state in
        state.progress.set(done: done, total: total)
        state.isStopped = isMistaken
      }
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }
}
