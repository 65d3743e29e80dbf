import Consensus
import Kernel
import Ledger
import Machines
import Protocols
import Testing

@Suite("Narwhal: rounds that others are ahead")
struct NarwhalFarAheadTests {
  /// Depth 4 has room for 16 rounds. A certificate of round 40 is seen, but there is no room for
  /// it; who asks for rounds up to there is sent those that are here.
  @Test("a replica that lags sends what it has, and no more")
  func lagging() {
    typealias P = Bullshark
    var settings = narwhalSettings
    settings.gcDepth = 4
    var replica = P(me: ReplicaID(3), committee: Committee(n: 4), settings: settings)
    var effects = Effects<P>(
      sizes: TransactionSizes(fixed: [100]),
      random: RandomStream(seed: 1, purpose: "script", entity: 0))
    let now = LocalTime(nanoseconds: 0)
    for round in [1, 2, 3, 40] {
      for author in 0..<3 {
        let certificate = Self.certificate(round, author, &effects)
        replica.upon(.certificate(certificate), from: ReplicaID(author), at: now, &effects)
      }
    }
    effects.items.removeAll()
    replica.upon(
      .fetchRounds(from: DagRound(2), through: DagRound(40)), from: ReplicaID(0), at: now,
      &effects)
    var sent: [Int] = []
    for case .send(to: ReplicaID(0), .certificate(let certificate)) in effects.items {
      sent.append(Int(certificate.round.number))
    }
    #expect(sent == [2, 2, 2, 3, 3, 3])
  }

  /// Of an empty header on the vertices of authors 0 to 2 in the round before.
  private static func certificate(
    _ round: Int, _ author: Int, _ effects: inout Effects<Bullshark>
  ) -> DagCertificate {
    var parents = AuthorSet()
    for parent in 0..<3 { parents.insert(parent) }
    let header = DagHeader(
      author: ReplicaID(author), round: DagRound(round), parents: parents, payload: DagPayload(),
      payloadDigest: DagHeader.payloadDigest(of: [Digest]()))
    return DagCertificate(
      digest: header.digest(n: 4, workers: 1), round: header.round,
      body: effects.store(.header(header)), author: UInt16(author), votes: 3)
  }
}
