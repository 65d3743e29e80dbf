import Consensus
import Kernel
import Ledger
import Machines

/// Rounds and periods: how they begin, what is proposed, and how a period without a decision ends.
extension Algorand {
  mutating func enterRound(at now: LocalTime, _ effects: inout Effects<Self>) {
    lastConcluding = step
    for p in 0..<UInt16(3) { self[p].reset(to: p) }
    payloads.removeAll(keepingCapacity: true)
    arrivals.current = nil
    period = 0
    endRecovery()
    begin(at: now, &effects)
  }

  /// Enters period `p`, for which a bundle of the period before, or its own soft bundle, speaks.
  mutating func enterPeriod(
    _ p: UInt16, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard p > period, p < .max - 1 else { return }
    lastConcluding = step
    period = p
    viewChanges += 1
    for q in [p - 1, p, p + 1] { admit(q) }
    resynchronize(&effects)
    begin(at: now, &effects)
    // A soft bundle began the period: it may be committable at once.
    certify(at: now, &effects)
  }

  private mutating func begin(at now: LocalTime, _ effects: inout Effects<Self>) {
    step = .soft
    began = now
    fastRecoveries = 0
    armStep(at: now, filterTimeout, &effects)
    armFast(at: now, &effects)
    makeProposal(at: now, &effects)
  }

  // MARK: Timeouts, counted from the begin of the period

  private var filterTimeout: SimDuration {
    guard period == 0 else { return settings.lambda * 2 }
    guard settings.adaptsFilter else { return settings.filterTimeout }
    return arrivals.timeout(
      from: settings.dynamicFilterBound, to: settings.filterTimeout,
      grace: settings.dynamicFilterGrace)
  }

  var deadline: SimDuration {
    period == 0 ? settings.deadlineTimeout : settings.bigLambda + settings.lambda
  }

  /// Next_k falls into the interval of length 2^k lambda that follows the one of Next_(k-1).
  private func drawNext(_ k: Int, _ effects: inout Effects<Self>) -> SimDuration {
    let width = settings.lambda.nanoseconds << Int64(min(k, 24))
    let lower = width - settings.lambda.nanoseconds
    return deadline
      + SimDuration(nanoseconds: lower + Int64(effects.random.range(0...Int(width))))
  }

  mutating func armStep(
    at now: LocalTime, _ after: SimDuration, _ effects: inout Effects<Self>
  ) {
    stepDue = began + after
    effects.arm(.step, after: max(stepDue - now, .zero))
  }

  mutating func armFast(at now: LocalTime, _ effects: inout Effects<Self>) {
    let width = Int(settings.fastRecovery.nanoseconds)
    let k = Int64(fastRecoveries + 1)
    fastDue =
      began + settings.fastRecovery * k
      + SimDuration(nanoseconds: Int64(effects.random.range(0...width)))
    effects.arm(.fast, after: max(fastDue - now, .zero))
  }

  // MARK: Proposals

  /// Proposes a new block, or again the value that the last period left.
  private mutating func makeProposal(at now: LocalTime, _ effects: inout Effects<Self>) {
    guard mayVote else { return }
    effects.charge(settings.prove)
    let weight = weight(of: me, p: period, s: .propose)
    guard weight > 0 else { return }
    let carried = settings.weakness.contains(.ignoresStartingValue) ? nil : before(period)
    var digest = carried?.startingValue
    let repeats = digest != nil
    if digest == nil {
      // Entered by a soft bundle alone: there is nothing to add.
      if period > 0, before(period)?.nextBottomStep == nil,
        !settings.weakness.contains(.ignoresStartingValue)
      {
        return
      }
      let block = makeBlock(&effects)
      payloads.append(block)
      digest = block.digest
    }
    guard let digest else { return }
    let priority = priority(of: me, p: period, weight: weight)
    effects.charge(settings.costs.sign)
    if settings.isDurable { effects.write(voteBytes) }
    effects.broadcast(
      .propose(d: digest, priority: priority, r: round, p: period, repeats: repeats))
    if let block = payload(digest) { effects.broadcast(.payload(block)) }
    propose(
      PeriodVotes.Proposal(priority: priority, digest: digest, voter: me, repeats: repeats),
      period, at: now, &effects)
  }

  // MARK: Recovery

  mutating func reachDeadline(at now: LocalTime, _ effects: inout Effects<Self>) {
    step = .next(0)
    let next = drawNext(1, &effects)
    armStep(at: now, next, &effects)
    voteNext(at: now, &effects)
  }

  mutating func backOff(at now: LocalTime, _ effects: inout Effects<Self>) {
    let k = Int(step.number) - 3
    if k < Self.lastNext { step = .next(k + 1) }
    let next = drawNext(Int(step.number) - 2, &effects)
    armStep(at: now, next, &effects)
    voteNext(at: now, &effects)
  }

  /// Its interval is 2^20 lambda long; nobody gets there.
  static var lastNext: Int { 20 }

  private mutating func voteNext(at now: LocalTime, _ effects: inout Effects<Self>) {
    resynchronize(&effects)
    vote(valueToKeep ?? Self.bottom, step, at: now, &effects)
  }

  /// What the period must not lose: a committable value, or the value that it started with.
  private var valueToKeep: Digest? {
    if settings.weakness.contains(.forgetsValue) { return nil }
    return committable ?? before(period)?.startingValue
  }

  /// Fast recovery: late, redo or down, and all such votes that have come go out again.
  mutating func recoverFast(at now: LocalTime, _ effects: inout Effects<Self>) {
    fastRecoveries += 1
    armFast(at: now, &effects)
    resynchronize(&effects)
    let p = period
    let r = round
    if let d = committable {
      vote(d, .late, at: now, &effects)
    } else if let d = before(p)?.startingValue {
      vote(d, .redo, at: now, &effects)
    } else {
      vote(Self.bottom, .down, at: now, &effects)
    }
    // Its own vote may have ended the period: then there is nothing left to ask for.
    guard p == period, r == round else { return }
    for votes in self[p].steps where votes.step >= .late && !votes.votes.isEmpty {
      let step = votes.step
      for vote in votes.votes {
        let one = Body.Bundle(
          round: r, period: p, step: step, digest: vote.digest, votes: [vote])
        effects.broadcast(.bundle(r: r, effects.store(.bundle(one))))
      }
    }
  }

  /// Sends the freshest bundle, with its block if it has one.
  mutating func resynchronize(_ effects: inout Effects<Self>) {
    if let d = self[period].soft {
      return send(bundle: d, period, .soft, &effects)
    }
    guard let past = before(period) else { return }
    if let step = past.nextBottomStep {
      send(bundle: Self.bottom, period - 1, step, &effects)
    } else if let d = past.nextValue {
      send(bundle: d, period - 1, past.nextValueStep, &effects)
    }
  }

  private mutating func send(
    bundle d: Digest, _ p: UInt16, _ s: Step, _ effects: inout Effects<Self>
  ) {
    let votes = self[p][self[p].place(of: s)].bundle(for: d)
    let bundle = Body.Bundle(round: round, period: p, step: s, digest: d, votes: votes)
    effects.broadcast(.bundle(r: round, effects.store(.bundle(bundle))))
    if let block = payload(d) { effects.broadcast(.payload(block)) }
  }

  /// Observes the votes of a bundle of this round. A single vote of fast recovery, passed on by
  /// another replica, need not reach the threshold.
  mutating func observe(
    _ handle: BodyHandle, from i: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    guard case .bundle(let bundle) = effects.body(handle), bundle.round == round,
      bundle.period + 1 >= period, mayBe(bundle.digest, at: bundle.step)
    else { return }
    let p = bundle.period
    let s = bundle.step
    if bundle.votes.count == 1, s >= .late {
      let vote = bundle.votes[0]
      let voter = ReplicaID(Int(vote.voter))
      guard isRelevant(p, s), Int(voter.index) < committee.n, vote.digest == bundle.digest,
        weight(of: voter, p: p, s: s) == Int(vote.weight), vote.weight > 0
      else { return }
      count(voter, vote.digest, p, s, weight: Int(vote.weight), &effects)
      return settle(p, s, from: i, at: now, &effects)
    }
    guard !isKnown(bundle), isValid(bundle, r: round, seed: seeds.older) else { return }
    for vote in bundle.votes {
      let voter = ReplicaID(Int(vote.voter))
      count(voter, vote.digest, p, s, weight: Int(vote.weight), &effects)
      if let second = vote.second { count(voter, second, p, s, weight: 0, &effects) }
    }
    settle(p, s, from: i, at: now, &effects)
  }

  private func isKnown(_ bundle: Body.Bundle) -> Bool {
    guard self[bundle.period].period == bundle.period else { return false }
    let known = self[bundle.period]
    if bundle.step == .soft { return known.soft != nil }
    guard bundle.step.endsPeriod else { return false }
    return bundle.digest == Self.bottom ? known.nextBottomStep != nil : known.nextValue != nil
  }
}

/// Arrivals of the least credential, from which the filter timeout of period 0 may adapt.
struct CredentialArrivals: Sendable, BitwiseCopyable {
  private var sorted = InlineArray<40, Int64>(repeating: 0)
  private var ages = InlineArray<40, UInt32>(repeating: 0)
  private var count = 0
  private var rounds: UInt32 = 0
  /// Of this round, so far.
  var current: SimDuration?

  /// Takes the present round's arrival into the history of the last 40.
  mutating func close() {
    guard let current else { return }
    rounds += 1
    if count == 40 { removeOldest() }
    var k = count
    while k > 0, sorted[k - 1] > current.nanoseconds {
      sorted[k] = sorted[k - 1]
      ages[k] = ages[k - 1]
      k -= 1
    }
    sorted[k] = current.nanoseconds
    ages[k] = rounds
    count += 1
  }

  private mutating func removeOldest() {
    var oldest = 0
    for k in 1..<count where ages[k] < ages[oldest] { oldest = k }
    for k in oldest..<count - 1 {
      sorted[k] = sorted[k + 1]
      ages[k] = ages[k + 1]
    }
    count -= 1
  }

  /// The 38th of the last 40 arrivals and a grace; the default until there are 40.
  func timeout(from lower: SimDuration, to upper: SimDuration, grace: SimDuration) -> SimDuration {
    guard count == 40 else { return upper }
    let wanted = SimDuration(nanoseconds: sorted[37]) + grace
    return min(max(wanted, lower), upper)
  }
}
