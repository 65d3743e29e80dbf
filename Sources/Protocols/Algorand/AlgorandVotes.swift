import Consensus
import Ledger

/// The votes of one step, by weight. A voter counts once for a value; one that votes for two is an
/// equivocator, whose weight counts for every value.
struct StepVotes: Sendable {
  enum Outcome: Sendable { case counted, repeated, contradicting }

  let step: Step
  private(set) var votes: [AlgorandVote] = []
  private var voters = InlineArray<8, UInt64>(repeating: 0)
  /// Values voted for, with the weight of those who voted for nothing else.
  private var weights: [(digest: Digest, weight: Int)] = []
  private var equivocating = 0

  init(_ step: Step) { self.step = step }

  func has(_ voter: ReplicaID) -> Bool {
    voters[Int(voter.index >> 6)] & (1 << UInt64(voter.index & 63)) != 0
  }

  mutating func add(_ voter: ReplicaID, for digest: Digest, weight: Int) -> Outcome {
    if has(voter) { return addAgain(voter, for: digest) }
    voters[Int(voter.index >> 6)] |= 1 << UInt64(voter.index & 63)
    votes.append(
      AlgorandVote(digest: digest, weight: UInt32(weight), voter: UInt16(voter.index)))
    weights[place(of: digest)].weight += weight
    return .counted
  }

  private mutating func addAgain(_ voter: ReplicaID, for digest: Digest) -> Outcome {
    for k in votes.indices where votes[k].voter == UInt16(voter.index) {
      if votes[k].digest == digest || votes[k].second != nil { return .repeated }
      votes[k].second = digest
      weights[place(of: votes[k].digest)].weight -= Int(votes[k].weight)
      _ = place(of: digest)
      equivocating += Int(votes[k].weight)
      return .contradicting
    }
    return .repeated
  }

  private mutating func place(of digest: Digest) -> Int {
    for k in weights.indices where weights[k].digest == digest { return k }
    weights.append((digest, 0))
    return weights.count - 1
  }

  /// The value whose votes reach `threshold`, bottom included; the first to be voted for wins.
  func bundled(_ threshold: Int) -> Digest? {
    for entry in weights where entry.weight + equivocating >= threshold { return entry.digest }
    return nil
  }

  func weight(for digest: Digest) -> Int {
    for entry in weights where entry.digest == digest { return entry.weight + equivocating }
    return equivocating
  }

  /// Those votes that make up a bundle for `digest`.
  func bundle(for digest: Digest) -> [AlgorandVote] {
    votes.filter { $0.digest == digest || $0.second != nil }
  }

  func copyBundle(for digest: Digest, into bundle: inout [AlgorandVote]) {
    bundle.removeAll(keepingCapacity: true)
    for vote in votes where vote.digest == digest || vote.second != nil { bundle.append(vote) }
  }

  mutating func clear() {
    guard !votes.isEmpty else { return }
    votes.removeAll(keepingCapacity: true)
    voters = InlineArray<8, UInt64>(repeating: 0)
    weights.removeAll(keepingCapacity: true)
    equivocating = 0
  }
}

/// What a replica has observed of one period.
struct PeriodVotes: Sendable {
  private(set) var period: UInt16
  private(set) var steps: [StepVotes] = [StepVotes(.soft), StepVotes(.cert), StepVotes(.next(0))]
  /// Who proposes, in which order proposal-votes came, with what each proposes.
  private(set) var proposals: [Proposal] = []
  /// The least credential so far: what mu is.
  private(set) var lowest: Proposal?
  /// sigma: the value with a soft bundle.
  var soft: Digest?
  /// The value, and whether bottom, has a bundle of a step that ends the period; and of which step.
  var nextValue: Digest?
  var nextValueStep = Step.soft
  var nextBottomStep: Step?

  struct Proposal: Sendable, BitwiseCopyable {
    var priority: UInt64
    var digest: Digest
    var voter: ReplicaID
    var repeats: Bool
  }

  init(_ period: UInt16) { self.period = period }

  mutating func reset(to period: UInt16) {
    self.period = period
    for k in steps.indices { steps[k].clear() }
    proposals.removeAll(keepingCapacity: true)
    lowest = nil
    soft = nil
    nextValue = nil
    nextBottomStep = nil
  }

  /// Only a value, not bottom, was carried over from this period: nothing else may be voted for.
  var startingValue: Digest? { nextBottomStep == nil ? nextValue : nil }

  mutating func place(of step: Step) -> Int {
    for k in steps.indices where steps[k].step == step { return k }
    steps.append(StepVotes(step))
    return steps.count - 1
  }

  func has(_ voter: ReplicaID, at step: Step) -> Bool {
    for votes in steps where votes.step == step { return votes.has(voter) }
    return false
  }

  subscript(k: Int) -> StepVotes {
    _read { yield steps[k] }
    _modify { yield &steps[k] }
  }

  /// Takes a proposal-vote, the first of its voter. Returns the value of an earlier one.
  mutating func propose(_ proposal: Proposal) -> Digest? {
    for known in proposals where known.voter == proposal.voter { return known.digest }
    proposals.append(proposal)
    let least = lowest.map { ($0.priority, $0.voter.index) } ?? (.max, .max)
    if (proposal.priority, proposal.voter.index) < least { lowest = proposal }
    return nil
  }
}
