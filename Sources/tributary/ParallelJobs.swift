import Foundation
import Reporting
import Synchronization

/// Does `count` things that share nothing on several threads; the results are in the order of the
/// things, however many threads there are.
final class ParallelJobs<Result: Sendable>: Sendable {
  private struct State: Sendable {
    var next = 0
    var results: [Result?]
    var progress: Reporting.Progress
  }

  private let body: @Sendable (Int) -> Result
  private let threads: Int
  private let state: Mutex<State>

  init(_ count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Result) {
    self.body = body
    self.threads = min(threads, max(count, 1))
    state = Mutex(
      State(
        results: Array(repeating: nil, count: count), progress: Reporting.Progress(total: count)))
  }

  func run() -> [Result] {
    let group = DispatchGroup()
    for _ in 0..<threads {
      group.enter()
      let thread = Thread {
        while let k = self.take() {
          let result = self.body(k)
          self.state.withLock { state in
            state.results[k] = result
            state.progress.advance()
          }
        }
        group.leave()
      }
      thread.stackSize = 64 << 20
      thread.start()
    }
    group.wait()
    return state.withLock { state in
      state.progress.clear()
      return state.results.compactMap { $0 }
    }
  }

  private func take() -> Int? {
    state.withLock { state in
      guard state.next < state.results.count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }
}
