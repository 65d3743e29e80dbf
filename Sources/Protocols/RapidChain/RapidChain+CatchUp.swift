import Consensus
import Kernel
import Ledger
import Machines

/// Members that were down, or to whom messages were lost, learn what was accepted without them.
///
/// They believe f + 1 members that say the same: one of them is correct.
extension RapidChain {
  mutating func noteBehind(_ effects: inout Effects<Self>) {
    guard !isBehind, !isRecovering else { return }
    isBehind = true
    ask(&effects)
  }

  /// Asks all, each time another for the blocks.
  mutating func ask(_ effects: inout Effects<Self>) {
    guard isBehind || isRecovering else { return }
    answers.removeAll(keepingCapacity: true)
    effects.charge(settings.costs.sign)
    effects.broadcast(.ask(height: tip.height, helper: UInt16(takeHelper().index)))
    effects.arm(.catchUp, after: settings.catchUpTimeout)
  }

  /// Whom to ask now: everybody else in turn.
  mutating func takeHelper() -> ReplicaID {
    defer { nextHelper = nextHelper.next(of: committee.n, but: me) }
    return nextHelper
  }

  mutating func answer(
    _ height: UInt32, isHelper: Bool, _ i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard !isRecovering else { return }
    var answer = Answer(height: tip.height, lock: lock)
    if height < tip.height {
      if tip.height - height < settings.retained {
        let last = min(tip.height, height + UInt32(settings.catchUpBlocks))
        answer.headers = (height + 1...last).map { history[Int($0) % history.count] }
        answer.isWhole = isHelper && answer.headers.allSatisfy { isHeld($0, effects) }
      } else if let latest = snapshots.max(by: { $0.tip.height < $1.tip.height }) {
        answer.snapshot = (latest.tip.height, latest.state.digest, latest.tip)
        if isHelper { answer.state = latest.state }
      }
    }
    effects.charge(settings.costs.sign)
    effects.send(.answer(effects.store(.answer(answer))), to: i)
  }

  private func isHeld(_ header: Header, _ effects: borrowing Effects<Self>) -> Bool {
    header.batch == .none || effects.batches.contains(header.batch)
  }

  mutating func collect(
    answer body: BodyHandle, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    guard isBehind || isRecovering, case .answer(let answer) = effects.body(body),
      !answers.contains(where: { $0.from == i })
    else { return }
    answers.append((i, body))
    raiseLock(answer.lock)
    if answer.isWhole {
      for header in answer.headers where header.batch != .none && header.height > tip.height {
        if effects.batches.contains(header.batch) {
          hold(header.root, header.batch, header.iteration, &effects)
        }
      }
    }
    guard answers.count >= committee.weakQuorum else { return }
    takeSnapshot(&effects)
    followHeaders(&effects)
    finish(&effects)
  }

  private func answer(_ k: Int, _ effects: borrowing Effects<Self>) -> Answer? {
    guard case .answer(let answer) = effects.body(answers[k].body) else { return nil }
    return answer
  }

  /// Executes what f + 1 members say was accepted next.
  private mutating func followHeaders(_ effects: inout Effects<Self>) {
    while true {
      var said: [(header: Header, count: Int)] = []
      for k in answers.indices {
        guard
          let next = answer(k, effects)?.headers.first(where: {
            $0.height == tip.height + 1 && $0.parent == tip.id
          })
        else { continue }
        if let s = said.firstIndex(where: { $0.header.id == next.id }) {
          said[s].count += 1
        } else {
          said.append((next, 1))
        }
      }
      guard let next = said.first(where: { $0.count >= committee.weakQuorum })?.header,
        hasContent(next)
      else { return }
      execute(next, &effects)
    }
  }

  /// Takes over a state that f + 1 members vouch for.
  private mutating func takeSnapshot(_ effects: inout Effects<Self>) {
    for k in answers.indices {
      guard let answer = answer(k, effects), let told = answer.snapshot, let state = answer.state,
        told.height > tip.height, state.digest == told.digest
      else { continue }
      let vouching = answers.indices.count {
        guard let other = self.answer($0, effects)?.snapshot else { return false }
        return other.digest == told.digest && other.tip == told.tip
      }
      guard vouching >= committee.weakQuorum else { continue }
      self.state.assign(state)
      tip = told.tip
      history[Int(tip.height) % history.count] = tip
      candidates.removeAll { $0.header.height <= tip.height }
      mempool.forget(executed: self.state.executed)
      effects.caughtUp(
        to: Slot(tip.height), transactions: self.state.transactions, state: self.state.digest)
      keepSnapshotOf(tip)
      return
    }
  }

  private mutating func keepSnapshotOf(_ header: Header) {
    if Int(header.height) % snapshotInterval == 0 { keepSnapshot() }
  }

  /// Goes on as the others do once it is where a correct member is; else asks on.
  private mutating func finish(_ effects: inout Effects<Self>) {
    let heights = answers.indices.compactMap { answer($0, effects)?.height }.sorted(by: >)
    guard heights.count >= committee.weakQuorum else { return }
    // One of the f + 1 highest is a correct member's.
    let certain = heights[committee.f]
    if tip.height >= certain {
      isBehind = false
      isRecovering = false
      answers.removeAll(keepingCapacity: true)
      effects.disarm(slot: Timer.catchUp.slot)
      executeAccepted(&effects)
    } else if let first = answers.indices.compactMap({ answer($0, effects) }).first(where: {
      $0.isWhole || $0.state != nil
    }), first.headers.last?.height ?? first.snapshot?.height ?? .max <= tip.height {
      // All that was sent is executed, and there is more.
      ask(&effects)
    }
  }

  public mutating func restart(
    keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if !keepsDisk { self = RapidChain(me: me, committee: committee, settings: settings) }
    isBehind = false
    isRecovering = true
    answers.removeAll(keepingCapacity: true)
    mempool.giveBackAll()
    join(at: now, &effects)
    // What was accepted before it came up has reached those it asks a round later.
    effects.arm(.catchUp, after: settings.delta)
  }
}
