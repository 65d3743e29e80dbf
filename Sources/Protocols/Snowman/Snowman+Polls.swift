import Consensus
import Kernel
import Ledger

/// Polls: asking a random sample, and answering.
extension Snowman {
  struct Poll: Sendable, BitwiseCopyable {
    var number: UInt16 = 0
    var isOpen = false
    /// It has what it asked for, but an older poll is open still, and votes count in order.
    var isOver = false
    /// Replicas whose answer has not come, or waits for a block.
    var outstanding: Int32 = 0
  }

  struct Answer: Sendable, BitwiseCopyable {
    enum Status: UInt8, Sendable, BitwiseCopyable { case asked, waiting, voted }

    var replica: UInt16 = 0
    var status = Status.asked
    var preferred = Digest(0)
    var atHeight = Digest(0)
    var accepted = Slot(0)
  }

  func answersOf(_ p: Int) -> Range<Int> { p * settings.sample..<(p + 1) * settings.sample }

  /// Keeps as many polls open as may be, while something is undecided or has to be learned.
  mutating func openPolls(_ effects: inout Effects<Self>) {
    guard tree.count > 1 || isBootstrapping || candidate != nil else { return }
    for p in polls.indices where !polls[p].isOpen { open(p, pushing: nil, &effects) }
  }

  /// Asks a sample; of a block of this replica's own it sends the block along.
  mutating func open(_ p: Int, pushing block: SnowmanBlock?, _ effects: inout Effects<Self>) {
    lastPoll = lastPoll == .max ? 1 : lastPoll + 1
    begun += 1
    polls[p] = Poll(number: lastPoll, isOpen: true, outstanding: Int32(settings.sample))
    let height = candidate?.height ?? tree[0].height.next
    let wanted = tree[tip].digest
    for k in 0..<settings.sample {
      let drawn = effects.random.range(k..<others.count)
      others.swapAt(k, drawn)
      answers[p * settings.sample + k] = Answer(replica: others[k])
      let query: Message =
        block.map { .pushQuery($0, poll: lastPoll) }
        ?? .pullQuery(wanted: wanted, height: height, poll: lastPoll)
      effects.send(query, to: ReplicaID(Int(others[k])))
    }
    effects.arm(.poll(UInt8(p)), after: settings.queryTimeout)
  }

  /// Says what this replica prefers.
  mutating func answer(_ query: Query, _ effects: inout Effects<Self>) {
    guard !isBootstrapping else { return }
    effects.send(
      .chits(
        preferred: tree[tip].digest, atHeight: preference(at: query.height),
        accepted: tree[0].height, poll: query.poll), to: query.sender)
  }

  /// Takes an answer, if it was asked for and is the first of its sender.
  mutating func collect(
    _ answer: Answer, poll number: UInt16, from i: ReplicaID, _ effects: inout Effects<Self>
  ) {
    if number == 0 {
      if !knows(answer.preferred) { fetch(answer.preferred, from: i, &effects) }
      return
    }
    guard
      let p = polls.firstIndex(where: {
        $0.isOpen && !$0.isOver && $0.number == number
      }),
      let a = answersOf(p).first(where: {
        answers[$0].replica == answer.replica && answers[$0].status == .asked
      })
    else { return }
    answers[a] = answer
    if !resolve(a, of: p) {
      fetch(answer.preferred, from: i, &effects)
    } else if isComplete(p, with: a) {
      close(p, &effects)
    }
  }

  /// Whether the answer names a block that is here; if so it votes.
  private mutating func resolve(_ a: Int, of p: Int) -> Bool {
    let answer = answers[a]
    guard candidate != nil || knows(answer.preferred) || indexInTree(answer.atHeight) != nil
    else { return false }
    answers[a].status = .voted
    polls[p].outstanding -= 1
    return true
  }

  /// All have answered, or as many alike as make the poll successful.
  private func isComplete(_ p: Int, with a: Int) -> Bool {
    if polls[p].outstanding == 0 { return true }
    guard candidate == nil, !isBootstrapping, indexInTree(answers[a].preferred) ?? 0 > 0 else {
      return false
    }
    var alike = 0
    for other in answersOf(p)
    where answers[other].status == .voted && answers[other].preferred == answers[a].preferred {
      alike += 1
    }
    return alike >= alphaConfidence
  }

  /// Answers that waited for a block which has come.
  mutating func takeWaiting(_ effects: inout Effects<Self>) {
    for p in polls.indices {
      for a in answersOf(p) where answers[a].status == .waiting {
        guard polls[p].isOpen, !polls[p].isOver else { break }
        if resolve(a, of: p), isComplete(p, with: a) { close(p, &effects) }
      }
    }
  }

  /// The poll is over. Votes count in the order in which the polls began, so that what was asked
  /// earlier does not end a row of what was asked later.
  mutating func close(_ p: Int, _ effects: inout Effects<Self>) {
    guard polls[p].isOpen, !polls[p].isOver else { return }
    polls[p].isOver = true
    effects.disarm(slot: Timer.poll(UInt8(p)).slot)
    while let oldest = oldestOpen, polls[oldest].isOver {
      polls[oldest].isOpen = false
      count(oldest, &effects)
    }
  }

  private var oldestOpen: Int? {
    var oldest: Int?
    for p in polls.indices where polls[p].isOpen {
      // Numbers wrap; the oldest is farthest behind the last.
      if let found = oldest, lastPoll &- polls[p].number <= lastPoll &- polls[found].number {
        continue
      }
      oldest = p
    }
    return oldest
  }

  private mutating func count(_ p: Int, _ effects: inout Effects<Self>) {
    if candidate != nil { return recordCandidate(p, &effects) }
    if isBootstrapping { noteFrontier(p) }
    record(poll: p, &effects)
  }
}
