import Consensus
import Kernel
import Ledger
import Machines
import Metrics

/// What the engine keeps of a committee's adversaries.
struct AdversaryBook<Output: Sendable & BitwiseCopyable>: Sendable {
  let plans: [Adversary]
  /// Entries that name each role.
  let ofRole: [[Int]]
  /// Whether each role is Byzantine, and the number of those that execute and are not.
  let isByzantine: [Bool]
  /// Roles of the second copies, which sit behind the others in this order.
  let twins: [Int]
  /// Seat of the second copy of each role; -1 if there is none.
  let secondSeat: [Int]
  /// What each seat draws for its tampering.
  var streams: [RandomStream]
  var held = HeldOutputs<Output>()
  let seed: UInt64
  let name: String
  /// Parts in force, by entry, and of which period they are.
  var parts: [(period: Int64, second: [Bool])]
  /// Proposals that each role has begun to send, when the last began, and copies of it sent.
  var proposals: [Int]
  var lastProposal: [SimTime]
  var reached: [Int]
  /// The role's crash is on its way: nothing leaves any more.
  var isCrashing: [Bool]

  init(_ plans: [Adversary], roles n: Int, name: String, seed: UInt64) {
    self.plans = plans
    self.seed = seed
    self.name = name
    ofRole = plans.indices(of: n)
    isByzantine = plans.byzantine(of: n)
    twins = plans.twins
    var seats = [Int](repeating: -1, count: n)
    for (k, role) in twins.enumerated() {
      precondition(seats[role] < 0, "\(name): role \(role) has twins twice")
      seats[role] = n + k
    }
    secondSeat = seats
    streams =
      plans.isEmpty
      ? []
      : (0..<n + twins.count).map {
        RandomStream(seed: seed, purpose: "adversary of \(name)", entity: UInt64($0))
      }
    parts = plans.map { adversary in
      guard case .twins(let twins) = adversary.behaviour, case .given(let second) = twins.parts
      else { return (-1, []) }
      return (-1, second)
    }
    proposals = Array(repeating: 0, count: n)
    lastProposal = Array(repeating: .never, count: n)
    reached = proposals
    isCrashing = Array(repeating: false, count: n)
  }

  /// Whether `role` belongs to the part of the second copies of entry `plan`.
  mutating func isSecondPart(_ role: Int, of plan: Int, at now: SimTime) -> Bool {
    guard case .twins(let twins) = plans[plan].behaviour else { return false }
    if case .drawn(let period) = twins.parts {
      let number = now.nanoseconds / period.nanoseconds
      if parts[plan].period != number { drawParts(of: plan, period: number) }
    }
    return parts[plan].second[role]
  }

  private mutating func drawParts(of plan: Int, period: Int64) {
    var stream = RandomStream(
      seed: seed, purpose: "parts \(plan) of \(name)", entity: UInt64(period))
    parts[plan] = (period, ofRole.map { _ in stream.bernoulli(0.5) })
  }

  /// The entry by which `role` runs in two copies.
  func twinsEntry(of role: Int) -> Int? {
    guard secondSeat[role] >= 0 else { return nil }
    return ofRole[role].first {
      if case .twins = plans[$0].behaviour { true } else { false }
    }
  }

  /// Whether the seat of `role` sees transaction `number`: the same answer whenever it is asked.
  func sees(_ number: UInt64, of population: UInt32, role: Int, isSecond: Bool, at now: SimTime)
    -> Bool
  {
    for entry in ofRole[role] where plans[entry].isActive(at: now) {
      switch plans[entry].behaviour {
      case .censor(let populations, let share):
        guard populations?.contains(population) ?? true else { continue }
        if isDrawn(number, population, entry, share) { return false }
      case .twins(let twins):
        if isSecond, isDrawn(number, population, entry, twins.overlooks) { return false }
      case .silent, .delay, .withhold, .invalid, .crash: continue
      }
    }
    return true
  }

  private func isDrawn(_ number: UInt64, _ population: UInt32, _ entry: Int, _ share: Double)
    -> Bool
  {
    if share >= 1 { return true }
    var digest = RunDigest(seed)
    digest.fold(UInt64(entry), UInt64(population))
    digest.fold(number)
    return Double(digest.value >> 11) * 0x1p-53 < share
  }
}

// MARK: - What reaches an adversary

extension ReplicaGroupState {
  /// Marks the sender of a message as the second copy of its role.
  static var secondCopy: UInt64 { 1 << 31 }

  func isSecond(_ seat: Int) -> Bool { seat >= roles }
  @inline(__always)
  func role(of seat: Int) -> Int { seat < roles ? seat : adversaries.twins[seat - roles] }

  /// Whether what comes for role `i` has to be looked at: it may be censored, or for two copies.
  @inline(__always)
  func isDiverted(_ event: Event, at i: Int) -> Bool {
    guard i < roles, !adversaries.ofRole[i].isEmpty else { return false }
    return event.kind == Kind.message.rawValue || event.kind == Boundary.submit
      || event.kind == Kind.forwarded.rawValue
  }

  /// Hands what came for role `i` to those of its copies that hear it, with what they may see.
  mutating func divert(_ event: Event, at i: Int, _ world: inout World) {
    guard event.kind == Kind.message.rawValue else {
      let bytes = Int(Submission(event.payload).bytes)
      receiveVisible(event, at: i, bytes: bytes, &world)
      if adversaries.secondSeat[i] >= 0 {
        receiveVisible(event, at: adversaries.secondSeat[i], bytes: 0, &world)
      }
      return
    }
    let bytes = Int(event.payload.a >> 32)
    let (first, second) = hearers(of: event, at: i, at: world.now)
    if first { receive(event, at: i, bytes: bytes, waitingAs: .received, &world) }
    if second {
      var copy = event
      copy.target = UInt32(adversaries.secondSeat[i])
      receive(
        copy, at: adversaries.secondSeat[i], bytes: first ? 0 : bytes, waitingAs: .received,
        &world)
    }
  }

  private mutating func hearers(
    of event: Event, at i: Int, at now: SimTime
  ) -> (first: Bool, second: Bool) {
    guard let entry = adversaries.twinsEntry(of: i),
      case .twins(let twins) = adversaries.plans[entry].behaviour
    else { return (true, false) }
    let sender = Int(UInt32(truncatingIfNeeded: event.payload.a) & 0x7FFF_FFFF)
    let isFromSecond = event.payload.a & Self.secondCopy != 0
    if sender == i { return (!isFromSecond, isFromSecond) }
    guard adversaries.plans[entry].isActive(at: now), !twins.hearsAll else { return (true, true) }
    // Colluding copies of one part hear each other.
    let isColluding = adversaries.ofRole[sender].contains(entry)
    let isSecond =
      isColluding ? isFromSecond : adversaries.isSecondPart(sender, of: entry, at: now)
    return (!isSecond, isSecond)
  }

  /// Takes in those of the requests that the copy at `seat` may see; the bytes come in any case.
  private mutating func receiveVisible(
    _ event: Event, at seat: Int, bytes: Int, _ world: inout World
  ) {
    let submission = Submission(event.payload)
    var left = bytes
    var first = submission.range.first
    while first < submission.range.end {
      let sees = sees(first, of: submission.range.population, seat, world.now)
      var end = first + 1
      while end < submission.range.end,
        self.sees(end, of: submission.range.population, seat, world.now) == sees
      { end += 1 }
      if sees {
        let part = TxRange(
          population: submission.range.population, first: first, count: UInt32(end - first))
        let isWhole = part == submission.range
        var step = Submission(
          range: part, bytes: isWhole ? Int(submission.bytes) : settings.sizes.bytes(of: part),
          isRetransmission: submission.isRetransmission
        ).event(to: index, role: seat)
        step.kind = event.kind
        receive(step, at: seat, bytes: left, waitingAs: .receivedRequests, &world)
        left = 0
      }
      first = end
    }
    if left > 0 {
      _ = world.machines.receive(left, at: seats[seat].node, arrival: world.now)
    }
  }

  private func sees(_ number: UInt64, of population: UInt32, _ seat: Int, _ now: SimTime) -> Bool {
    adversaries.sees(
      number, of: population, role: role(of: seat), isSecond: isSecond(seat), at: now)
  }
}

// MARK: - What leaves an adversary

extension ReplicaGroupState {
  /// Whether what `seat` puts out has to be looked at.
  @inline(__always)
  func isTampered(_ seat: Int) -> Bool {
    seat >= roles || !adversaries.ofRole[seat].isEmpty
  }

  /// Carries out what the adversary at `seat` lets out of `output`.
  ///
  /// - Parameter isReleased: it was delayed already.
  mutating func tamper(
    _ output: Output, of seat: Int, isReleased: Bool = false, _ world: inout World
  ) {
    let role = role(of: seat)
    let isByzantine = adversaries.isByzantine[role]
    switch output.effect {
    case .decide(let decision) where isByzantine && !isReleased:
      books.overlook(role, at: decision.slot)
    case .caughtUp(let slot, _, _) where isByzantine:
      return books.overlook(role, at: slot)
    case .accuse where isByzantine: return
    case .decide, .caughtUp, .accuse:
      if !isByzantine { return perform(output, of: seat, &world) }
    case .send, .broadcast, .forward, .replyAgain: break
    }
    guard !adversaries.isCrashing[role] else { return }
    if !isReleased, let delay = keepsBack(seat, at: world.now) {
      guard let delay else { return }
      return hold(output, of: seat, for: delay, &world)
    }
    switch output.effect {
    case .broadcast(let message): emit(message, to: nil, from: seat, &world)
    case .send(let to, let message): emit(message, to: Int(to.index), from: seat, &world)
    case .forward, .replyAgain: perform(output, of: seat, &world)
    case .decide(let decision):
      replyToAll(decision, from: seat, naming: output.proposer, &world)
    case .caughtUp, .accuse: break
    }
  }

  /// `nil`: the adversary lets messages leave now; otherwise for how long it keeps one back, and
  /// for ever if that is `nil`.
  private mutating func keepsBack(_ seat: Int, at now: SimTime) -> SimDuration?? {
    var delay: SimDuration?? = .none
    for entry in adversaries.ofRole[role(of: seat)] {
      let plan = adversaries.plans[entry]
      switch plan.behaviour {
      case .silent where plan.isActive(at: now): return .some(nil)
      case .twins where isSecond(seat) && !plan.isActive(at: now): return .some(nil)
      case .delay(let law) where plan.isActive(at: now):
        let drawn = max(law.sample(using: &adversaries.streams[seat]), 0)
        delay = (delay ?? .zero).map { $0 + SimDuration(nanoseconds: Int64(drawn.rounded())) }
      case .silent, .delay, .twins, .withhold, .censor, .invalid, .crash: continue
      }
    }
    return delay
  }

  private mutating func hold(
    _ output: Output, of seat: Int, for delay: SimDuration, _ world: inout World
  ) {
    world.schedule(
      Event(
        at: world.now + delay, subsystem: index, kind: Kind.held.rawValue, target: UInt32(seat),
        payload: .init(
          UInt64(world.machines.epoch(of: seats[seat].node)), adversaries.held.keep(output))))
  }

  /// What an adversary kept back leaves, unless its node has crashed since.
  mutating func release(_ event: Event, _ world: inout World) {
    let seat = Int(event.target)
    let output = adversaries.held.release(event.payload.b)
    guard event.payload.a == UInt64(world.machines.epoch(of: seats[seat].node)),
      world.machines.isUp(seats[seat].node)
    else { return }
    tamper(output, of: seat, isReleased: true, &world)
  }

  /// Sends a message to those whom the adversary lets have it, in the form it gives it.
  private mutating func emit(
    _ original: P.Message, to only: Int?, from seat: Int, _ world: inout World
  ) {
    let role = role(of: seat)
    var message = original
    var crash: CrashRequest?
    var receivers = only.map { [$0] } ?? (1..<max(roles, 1)).map { (role + $0) % roles }
    for entry in adversaries.ofRole[role] where only != role {
      let plan = adversaries.plans[entry]
      guard plan.isActive(at: world.now) else { continue }
      switch plan.behaviour {
      case .invalid: message = falsified(message, of: seat)
      case .withhold(let share, let proposalsOnly):
        guard !proposalsOnly || message.isProposal else { continue }
        draw(share, of: &receivers, isBroadcast: only == nil, seat)
      case .twins:
        // Who colludes hears the copies of its own part, whichever its role is in.
        receivers.removeAll {
          !adversaries.ofRole[$0].contains(entry)
            && adversaries.isSecondPart($0, of: entry, at: world.now) != isSecond(seat)
        }
      case .crash(let proposal, let reach, let downTime, let keepsDisk):
        guard message.isProposal,
          isLast(proposal, reach, &receivers, of: role, isBroadcast: only == nil, at: world.now)
        else { continue }
        crash = CrashRequest(
          node: seats[seat].node, time: world.now, downTime: downTime, keepsDisk: keepsDisk)
      case .silent, .delay, .censor: continue
      }
    }
    transmit(message, to: receivers, from: seat, &world)
    guard var crash else { return }
    // It happens once the last copy has left.
    crash.time = max(world.now, world.machines.uplinkFree(of: crash.node))
    world.crashRequests.append(crash)
    adversaries.isCrashing[role] = true
  }

  private mutating func transmit(
    _ message: P.Message, to receivers: [Int], from seat: Int, _ world: inout World
  ) {
    let role = role(of: seat)
    let bytes = replicas[seat].bytes(of: message, effects)
    traffic.count(message.kind, from: role, bytes: bytes, copies: receivers.count)
    var event = makeEvent(message, from: role, bytes: bytes)
    if isSecond(seat) { event.payload.a |= Self.secondCopy }
    for j in receivers {
      event.target = UInt32(j)
      world.transmit(event, bytes: bytes, over: route(seat, j, isUrgent: message.isUrgent))
    }
  }

  private mutating func falsified(_ message: P.Message, of seat: Int) -> P.Message {
    swap(&effects.random, &adversaries.streams[seat])
    defer { swap(&effects.random, &adversaries.streams[seat]) }
    return replicas[seat].invalidated(message, &effects) ?? message
  }

  /// Leaves a drawn share of `receivers`, in their order.
  private mutating func draw(
    _ share: Double, of receivers: inout [Int], isBroadcast: Bool, _ seat: Int
  ) {
    guard isBroadcast else {
      if !adversaries.streams[seat].bernoulli(share) { receivers = [] }
      return
    }
    var wanted = Int((share * Double(receivers.count)).rounded())
    var left = receivers.count
    receivers.removeAll { _ in
      let isTaken = adversaries.streams[seat].below(UInt64(left)) < UInt64(wanted)
      left -= 1
      if isTaken { wanted -= 1 }
      return !isTaken
    }
  }

  /// Counts the proposal; whether this is the one, and these the last copies, before the crash.
  ///
  /// Copies that are sent one by one at the same time are of one proposal.
  private mutating func isLast(
    _ proposal: Int, _ reach: Int, _ receivers: inout [Int], of role: Int, isBroadcast: Bool,
    at now: SimTime
  ) -> Bool {
    if isBroadcast || adversaries.lastProposal[role] != now {
      adversaries.proposals[role] += 1
      adversaries.reached[role] = 0
      adversaries.lastProposal[role] = now
    }
    guard adversaries.proposals[role] == proposal else { return false }
    let room = reach - adversaries.reached[role]
    receivers = Array(receivers.prefix(max(room, 0)))
    adversaries.reached[role] += receivers.count
    return adversaries.reached[role] >= reach
  }
}
