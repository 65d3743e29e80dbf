import Consensus
import Kernel

/// How a DAG is ordered without a message more: which vertices lead, and when they are committed.
///
/// Leaders stand in the odd rounds. The vertices of the next round vote for a leader by naming it
/// as a parent. With enough votes it is committed, and with it all that it leads to.
public protocol OrderingRule: Sendable {
  /// As it is called in a scenario file.
  static var name: String { get }
  /// Rounds after the leader's of which a quorum must be there before it is known; 0 if it is known
  /// beforehand.
  static var revealDepth: Int { get }
  /// Rounds after the leader's with whose vertices it is committed, at the earliest.
  static var commitDepth: Int { get }
  /// Rounds wait for the leader's vertex and for the votes, up to a timeout.
  static var waitsForLeader: Bool { get }

  /// The leader of odd round `round`. Where `revealDepth` is above 0, ask only when it is revealed.
  static func leader(of round: DagRound, n: Int, seed: UInt64) -> Int
}

extension OrderingRule {
  static func leads(_ round: DagRound) -> Bool { round.number % 2 == 1 }
}

/// Tusk (Danezis et al. §5): waves of three rounds, the last of which is the first of the next.
///
/// The coin of a wave is a threshold signature whose shares come in the headers of its third round,
/// one in each certificate; a quorum of them makes it known. By then the votes, in the second
/// round, have been cast. Here it is drawn from the run's seed, alike at all replicas.
public enum TuskRule: OrderingRule {
  public static var name: String { "tusk" }
  public static var revealDepth: Int { 2 }
  public static var commitDepth: Int { 2 }
  public static var waitsForLeader: Bool { false }

  public static func leader(of round: DagRound, n: Int, seed: UInt64) -> Int {
    var coin = RandomStream(seed: seed, purpose: "tusk coin", entity: UInt64(round.number / 2))
    return Int(coin.below(UInt64(n)))
  }
}

/// Bullshark for partial synchrony (Spiegelman et al., §6 of CCS '22): a leader known beforehand
/// every other round, in turn; timeouts give its vertex, and the votes, the time to arrive.
public enum BullsharkRule: OrderingRule {
  public static var name: String { "bullshark" }
  public static var revealDepth: Int { 0 }
  public static var commitDepth: Int { 1 }
  public static var waitsForLeader: Bool { true }

  public static func leader(of round: DagRound, n: Int, seed: UInt64) -> Int {
    Int(round.number / 2) % n
  }
}
