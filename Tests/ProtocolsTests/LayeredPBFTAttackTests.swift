import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Simulation
import Testing

/// A faulty node with two faces, each an honest replica: one talks with the nodes of one side, the
/// other with those of the other, so that it says different things to both. Faulty nodes show each
/// other both; an honest node sees one face only. It signs for itself alone: what either face sends
/// on rests on votes that it has.
///
/// An honest node is one face that hears of a faulty one only what that shows its side.
struct TwoFaced: ConsensusProtocol {
  typealias Message = LayeredPBFT.Message
  typealias Timer = LayeredPBFT.Timer
  typealias Body = LayeredPBFT.Body
  static var name: String { "two-faced" }

  let me: Int
  /// 0 or 1 for honest nodes, nil for faulty ones.
  let sides: [Int?]
  var faces: [LayeredPBFT]
  private var inner: Effects<LayeredPBFT>?
  /// The side on which each batch was proposed.
  private var known: [(digest: Digest, side: Int)] = []

  init(me: Int, sides: [Int?], honest: LayeredPBFT, faulty: LayeredPBFT) {
    self.me = me
    self.sides = sides
    faces = sides[me] == nil ? [faulty, faulty] : [honest]
  }

  private var isFaulty: Bool { sides[me] == nil }

  /// Lets face `f` take a step, and passes on what it sends to its own side.
  private mutating func step(
    _ f: Int, _ effects: inout Effects<Self>,
    _ body: (inout LayeredPBFT, inout Effects<LayeredPBFT>) -> Void
  ) {
    var own = inner ?? Effects<LayeredPBFT>(sizes: effects.sizes, random: effects.random)
    swap(&own.batches, &effects.batches)
    swap(&own.bodies, &effects.bodies)
    body(&faces[f], &own)
    swap(&own.batches, &effects.batches)
    swap(&own.bodies, &effects.bodies)
    for change in own.timerChanges where f == 0 {
      switch change {
      case .arm(let timer, let delay): effects.arm(timer, after: delay)
      case .disarm(let slot): effects.disarm(slot: slot)
      }
    }
    for item in own.items { pass(item, of: f, &effects) }
    own.items.removeAll()
    own.timerChanges.removeAll()
    own.charged = .zero
    own.written = 0
    inner = own
  }

  private func pass(
    _ item: Effects<LayeredPBFT>.Effect, of f: Int, _ effects: inout Effects<Self>
  ) {
    switch item {
    case .send(let to, let message):
      guard !isFaulty || sides[Int(to.index)] ?? f == f else { return }
      effects.send(message, to: to)
    case .broadcast(let message): effects.broadcast(message)
    case .forward(let range, let to): effects.forward(range, to: to)
    case .accuse(let other): effects.accuse(other)
    case .decide(let d):
      guard !isFaulty else { return }
      effects.decide(
        Effects<Self>.Decision(
          slot: d.slot, batch: d.batch, state: d.state, transactions: d.transactions))
    case .replyAgain(let range, let state):
      if !isFaulty { effects.replyAgain(range, state: state) }
    case .caughtUp(let slot, let transactions, let state):
      if !isFaulty { effects.caughtUp(to: slot, transactions: transactions, state: state) }
    }
  }

  mutating func start(at now: LocalTime, _ effects: inout Effects<Self>) {
    for f in faces.indices { step(f, &effects) { $0.start(at: now, &$1) } }
  }

  mutating func upon(
    _ message: Message, from sender: ReplicaID, at now: LocalTime, _ effects: inout Effects<Self>
  ) {
    if case .prePrepare(let s) = message, s.batch != .none {
      known.append((s.d, Int(effects.batches.range(0, of: s.batch).population)))
    }
    for f in faces.indices where !isFaulty || (sides[Int(sender.index)] ?? side(message) ?? f) == f
    {
      step(f, &effects) { $0.upon(message, from: sender, at: now, &$1) }
    }
  }

  /// The face of another faulty node that said it.
  private func side(_ message: Message) -> Int? {
    switch message {
    case .prePrepare(let s), .prepare(let s), .commit(let s), .prepared(let s):
      return known.first { $0.digest == s.d }?.side
    case .decided(let s): return known.first { $0.digest == s.d }?.side
    default: return nil
    }
  }

  mutating func upon(timeout timer: Timer, at now: LocalTime, _ effects: inout Effects<Self>) {
    for f in faces.indices { step(f, &effects) { $0.upon(timeout: timer, at: now, &$1) } }
  }

  mutating func upon(
    requests: TxRange, _ arrival: RequestArrival, at now: LocalTime,
    _ effects: inout Effects<Self>
  ) {
    for f in faces.indices where !isFaulty || f == Int(requests.population) {
      step(f, &effects) { $0.upon(requests: requests, arrival, at: now, &$1) }
    }
  }

  mutating func restart(keepsDisk: Bool, at now: LocalTime, _ effects: inout Effects<Self>) {}
  func bytes(of message: Message, _ effects: borrowing Effects<Self>) -> Int { 100 }
  mutating func work(upon message: Message, bytes: Int, _ effects: borrowing Effects<Self>)
    -> Work
  { .none }
  func work(uponRequests count: Int, bytes: Int) -> Work { .none }
  var retainedSlots: Int { faces[0].retainedSlots }
  var proposer: ReplicaID { faces[0].proposer }
  var viewChanges: Int { faces[0].viewChanges }
  var waiting: Int { 0 }
  var evicted: Int { 0 }
}

@Suite("Layered PBFT, placed adversaries")
struct LayeredPBFTAttackTests {
  static let layers = Layers(nodes: 16, groups: 4)

  /// Two clients' requests go to the primary, one to each of its faces.
  ///
  /// - Parameters:
  ///   - lies: faulty leaders speak for their groups without asking them.
  ///   - forges: and they count that among the votes of the top committee.
  static func disagreements(
    faulty: [Int], sides: [Int], upward: LayeredPBFT.Upward, lies: Bool = false,
    forges: Bool = false, weakness: LayeredPBFT.Weakness = []
  ) -> Int {
    var run = LayeredPBFTRun.faulty(layers, seed: 1)
    run.delay = .constant(1e6)
    run.clientHosts = 2
    // Both faces propose at once, before anybody asks others what they have.
    run.arrivals = .poisson(rate: 300)
    run.until = SimTime(nanoseconds: 300_000_000)
    run.clientTimeout = .seconds(1)
    run.settings.groupTimeout = .milliseconds(500)
    run.settings.ordering.viewTimeout = .milliseconds(2000)
    run.settings.ordering.statusInterval = .milliseconds(700)
    run.bundle = 1
    run.settings.upward = upward
    run.settings.ordering.populations = 2
    run.settings.weakness = weakness
    var bad = run.settings
    if lies { bad.weakness.insert(.speaksAlone) }
    if forges { bad.upward = .leader }
    let side = (0..<16).map { faulty.contains($0) ? nil : Optional(sides[$0]) }
    let replicas = (0..<16).map { i in
      TwoFaced(
        me: i, sides: side, honest: LayeredPBFT(me: ReplicaID(i), settings: run.settings),
        faulty: LayeredPBFT(me: ReplicaID(i), settings: bad))
    }
    let simulation = run.setup.start(replicas)
    simulation.run(until: .zero + .seconds(10))
    return simulation.world.violations.count { $0.monitor == "agreement" }
  }

  /// Groups 0 and 1 are half faulty, their honest members on either side; groups 2 and 3 are whole.
  static let sides = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1]

  @Test("the price of safety is (f_top + 1)(f_sub + 1) nodes, of unequal groups the cheapest")
  func price() {
    #expect(Self.layers.tolerated == 2 * 2 - 1)
    #expect(Layers(nodes: 70, groups: 10).tolerated == 4 * 3 - 1)
    #expect(Layers(sizes: [[1, 4, 7, 10]]).tolerated == 1 + 2 - 1)
    #expect(Layers(nodes: 64, size: 4, layers: 3).tolerated == 2 * 2 * 2 - 1)
    // About N / 9 where PBFT tolerates N / 3.
    #expect(Layers(nodes: 400, groups: 20).tolerated == 7 * 7 - 1)
  }

  @Test("with certificates, (f_top + 1)(f_sub + 1) two-faced nodes split the honest ones")
  func atThreshold() {
    #expect(
      Self.disagreements(faulty: [0, 1, 4, 5], sides: Self.sides, upward: .certificate) > 0)
  }

  @Test("with certificates, one fewer split nobody, wherever they are and however they lie")
  func belowThreshold() {
    for faulty in [[0, 1, 4], [0, 4, 5], [0, 4, 8], [0, 1, 2], [0, 4]] {
      for lies in [false, true] {
        #expect(
          Self.disagreements(faulty: faulty, sides: Self.sides, upward: .certificate, lies: lies)
            == 0, "\(faulty)")
      }
    }
  }

  @Test("if leaders' words are enough, floor((Z - 1) / 3) + 1 lying leaders split them")
  func leaders() {
    #expect(
      Self.disagreements(faulty: [0, 4], sides: Self.sides, upward: .leader, lies: true) > 0)
    #expect(Self.disagreements(faulty: [0], sides: Self.sides, upward: .leader, lies: true) == 0)
  }

  /// Decisions after `down` fell silent, from half a second later on.
  static func decisions(_ layers: Layers, down: [Int]) -> Int {
    var run = LayeredPBFTRun.faulty(layers, seed: 2)
    run.arrivals = .poisson(rate: 50)
    run.until = .never
    run.faults = down.map {
      Fault(
        at: SimTime(nanoseconds: 500_000_000),
        .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: .zero + .seconds(1))
    let before = simulation.world.decisions[1]
    simulation.run(until: .zero + .seconds(6))
    #expect(simulation.world.violations == [])
    return simulation.world.decisions[1] - before
  }

  @Test("(f_top + 1)(f_sub + 1) silent nodes stop it, one fewer does not")
  func silent() {
    #expect(Self.decisions(Self.layers, down: [0, 1, 4, 5]) == 0)
    for down in [[0, 1, 4], [0, 4, 8], [13, 14, 15]] {
      #expect(Self.decisions(Self.layers, down: down) > 10)
    }
    let large = Layers(nodes: 49, groups: 7)
    let nine = [0, 1, 2, 7, 8, 9, 14, 15, 16]
    #expect(Self.decisions(large, down: nine) == 0)
    #expect(Self.decisions(large, down: Array(nine.dropLast())) > 10)
    // As many elsewhere leave it alive.
    #expect(Self.decisions(large, down: [0, 1, 7, 8, 14, 15, 21, 22, 28]) > 10)
  }
}
