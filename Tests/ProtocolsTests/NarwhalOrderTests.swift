import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Protocols
import Testing

/// One DAG, delivered to replicas in different ways: what each of them decides.
///
/// A line is a round; `0:012` is the vertex of author 0 with parents 0, 1 and 2. Each vertex lists
/// a batch.
private struct DagScript<Rule: OrderingRule> {
  private struct Vertex {
    var author: Int
    var round: Int
    var parents: [Int]
  }

  private var vertices: [Vertex] = []

  init(_ text: String) {
    for (k, line) in text.split(separator: "\n").enumerated() {
      for word in line.split(separator: " ") {
        let digits = word.compactMap { $0.wholeNumberValue }
        vertices.append(
          Vertex(author: digits[0], round: k + 1, parents: Array(digits.dropFirst())))
      }
    }
  }

  /// Lets replica 3 of four have all vertices, in order, but those of `left`, each written `4.0`.
  func decisions(
    without left: [String], weakness: NarwhalSettings.Weakness, seed: UInt64
  ) -> [Digest] {
    typealias P = Narwhal<Rule>
    var settings = narwhalSettings
    settings.weakness = weakness
    settings.seed = seed
    var replica = P(me: ReplicaID(3), committee: Committee(n: 4), settings: settings)
    var effects = Effects<P>(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "script", entity: 0))
    let now = LocalTime(nanoseconds: 0)
    var decided: [Digest] = []
    for (k, vertex) in vertices.enumerated()
    where !left.contains("\(vertex.round).\(vertex.author)") {
      effects.batches.add(TxRange(population: 0, first: UInt64(k), count: 1), bytes: 100)
      let batch = effects.batches.seal(salt: 0)
      let name = BatchName(
        number: UInt32(vertex.round), author: UInt16(vertex.author), worker: 0)
      let sender = ReplicaID(vertex.author)
      replica.upon(.batch(name, batch), from: sender, at: now, &effects)
      let certificate = certify(vertex, batch, &effects)
      replica.upon(.certificate(certificate), from: sender, at: now, &effects)
      for case .decide(let decision) in effects.items {
        decided.append(effects.batches[decision.batch].digest)
      }
      effects.items.removeAll()
    }
    return decided
  }

  private func certify(
    _ vertex: Vertex, _ batch: BatchHandle, _ effects: inout Effects<Narwhal<Rule>>
  ) -> DagCertificate {
    var parents = AuthorSet()
    for parent in vertex.parents { parents.insert(parent) }
    var payload = DagPayload()
    payload.first[0] = UInt32(vertex.round)
    payload.count[0] = 1
    let header = DagHeader(
      author: ReplicaID(vertex.author), round: DagRound(vertex.round), parents: parents,
      payload: payload,
      payloadDigest: DagHeader.payloadDigest(of: [effects.batches[batch].digest]))
    return DagCertificate(
      digest: header.digest(n: 4, workers: 1), round: header.round,
      body: effects.store(.header(header)), author: UInt16(vertex.author), votes: 3)
  }
}

@Suite("Narwhal orders one DAG alike, however it is delivered")
struct NarwhalOrderTests {
  /// Leaders are 1.0, 3.1, 5.2. The vertices of round 5 do not build on 4.0, so that not everybody
  /// has it in time. `fourth`: the parents of 4.0, 4.1, 4.2, 4.3.
  private static func script<Rule: OrderingRule>(_ rule: Rule.Type, fourth: [String])
    -> DagScript<Rule>
  {
    let all = "0:0123 1:0123 2:0123 3:0123"
    let votes = fourth.enumerated().map { "\($0.offset):\($0.element)" }.joined(separator: " ")
    return DagScript(
      [all, all, all, votes, "0:123 1:123 2:123 3:123", all, all].joined(separator: "\n"))
  }

  /// A seed whose coin falls so that the leaders are 1.0, 3.1 and 5.2, as they are in Bullshark.
  private static func seed<Rule: OrderingRule>(_ rule: Rule.Type) -> UInt64 {
    for seed in 1...10_000 as ClosedRange<UInt64>
    where [1, 3, 5].map({ Rule.leader(of: DagRound($0), n: 4, seed: seed) }) == [0, 1, 2] {
      return seed
    }
    return 0
  }

  /// What the agreement monitor says of two replicas, of which the second has not received 4.0.
  private func findings<Rule: OrderingRule>(
    _ rule: Rule.Type, fourth: [String], weakness: NarwhalSettings.Weakness
  ) -> [String] {
    let script = Self.script(rule, fourth: fourth)
    let seed = Self.seed(rule)
    var monitor = AgreementMonitor(replicas: 2, populations: 1)
    var found: [String] = []
    for replica in 0..<2 {
      let decided = script.decisions(
        without: replica == 0 ? [] : ["4.0"], weakness: weakness, seed: seed)
      #expect(decided.count >= 14, "up to 5.2")
      var state = Digest(0)
      for (k, batch) in decided.enumerated() {
        state = state.followed(by: batch)
        let note = monitor.decide(
          replica: replica, slot: k + 1, batch: batch, ranges: 0,
          range: { _ in TxRange(population: 0, first: 0, count: 0) }, state: state,
          transactions: 0, submitted: { _ in 100 })
        if let finding = note.finding { found.append(finding.monitor) }
      }
    }
    return found
  }

  /// 3.1 has the votes of 4.0 and 4.1, and 5.2 leads to it.
  static let enough = ["012", "012", "023", "023"]
  /// 3.1 has the vote of 4.0 alone.
  static let tooFew = ["012", "023", "023", "023"]

  @Test("a leader that only some commit by votes is ordered at the same place by all")
  func whole() {
    for fourth in [Self.enough, Self.tooFew] {
      #expect(findings(TuskRule.self, fourth: fourth, weakness: []) == [])
      #expect(findings(BullsharkRule.self, fourth: fourth, weakness: []) == [])
    }
  }

  @Test("without the leaders before it, a leader breaks agreement")
  func forgetsLeaders() {
    let weakness = NarwhalSettings.Weakness.forgetsLeaders
    #expect(
      findings(TuskRule.self, fourth: Self.enough, weakness: weakness).contains("agreement"))
    #expect(
      findings(BullsharkRule.self, fourth: Self.enough, weakness: weakness)
        .contains("agreement"))
  }

  @Test("committed with a vote less, a leader breaks agreement")
  func commitsEarly() {
    let weakness = NarwhalSettings.Weakness.commitsEarly
    #expect(
      findings(TuskRule.self, fourth: Self.tooFew, weakness: weakness).contains("agreement"))
    #expect(
      findings(BullsharkRule.self, fourth: Self.tooFew, weakness: weakness)
        .contains("agreement"))
  }

  @Test("nothing is ordered before the coin is revealed")
  func coin() {
    let all = "0:0123 1:0123 2:0123 3:0123"
    let seed = Self.seed(TuskRule.self)
    let two = DagScript<TuskRule>([all, all, "0:0123 1:0123"].joined(separator: "\n"))
    #expect(two.decisions(without: [], weakness: [], seed: seed) == [])
    let three = DagScript<TuskRule>([all, all, "0:0123 1:0123 2:0123"].joined(separator: "\n"))
    #expect(three.decisions(without: [], weakness: [], seed: seed).count == 1)
    let bullshark = DagScript<BullsharkRule>([all, "0:0123"].joined(separator: "\n"))
    #expect(bullshark.decisions(without: [], weakness: [], seed: seed) == [])
    let voted = DagScript<BullsharkRule>([all, "0:0123 1:0123"].joined(separator: "\n"))
    #expect(voted.decisions(without: [], weakness: [], seed: seed).count == 1)
  }
}
