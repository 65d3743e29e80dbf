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
  private let pending: [RunID]
  private let jobs: Int
  private let state: Mutex<State>

  private struct State: Sendable {
    var next = 0
    var progress: Reporting.Progress
    var failure: OutputError?
  }

  init(_ loaded: LoadedScenario, _ folder: ResultFolder, jobs: Int) {
    scenarios = loaded.scenarios
    self.folder = folder
    pending = folder.pending
    self.jobs = min(jobs, max(pending.count, 1))
    state = Mutex(
      State(progress: Reporting.Progress(total: loaded.runs, done: loaded.runs - pending.count)))
  }

  /// Returns when all are done; throws the first failure to keep a result.
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
  }

  private func take() -> RunID? {
    state.withLock { state in
      guard state.failure == nil, state.next < pending.count else { return nil }
      defer { state.next += 1 }
      return pending[state.next]
    }
  }

  private func perform(_ id: RunID) {
    let outcome = scenarios[id.point].makeOutcome(seed: id.seed)
    do throws(OutputError) {
      try folder.append(RunRecord(id, outcome))
      state.withLock { $0.progress.advance() }
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
    }
  }
}
