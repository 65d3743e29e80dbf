import Consensus
import Kernel
import Ledger

/// Cryptographic sortition (Gilad et al., §5): each unit of stake sits in the committee of a step
/// with probability tau / W, so that an account of w units has Binomial(w, tau / W) votes.
///
/// The draw stands for the account's VRF output at (seed, r, p, s). Nobody but the account asks for
/// it, except to check the credential of a message that it sent.
public enum Sortition {
  private static func stream(
    seed: Digest, r: Slot, p: UInt16, s: Step, account: Int, _ purpose: String
  ) -> RandomStream {
    var entity = RunDigest(UInt64(account))
    entity.fold(UInt64(r.number) << 32 | UInt64(p) << 8 | UInt64(s.number))
    return RandomStream(seed: seed.value, purpose: purpose, entity: entity.value)
  }

  /// Votes of `account`, which has `stake` of `total` units, in a committee of `size` expected
  /// votes.
  public static func weight(
    seed: Digest, r: Slot, p: UInt16, s: Step, account: Int, stake: Int, total: Int, size: Int
  ) -> Int {
    var draw = stream(seed: seed, r: r, p: p, s: s, account: account, "sortition")
    return draw.binomial(n: stake, p: min(Double(size) / Double(total), 1))
  }

  /// The least hash among the `weight` votes of a proposer; the least of all leads.
  public static func priority(
    seed: Digest, r: Slot, p: UInt16, account: Int, weight: Int
  ) -> UInt64 {
    var draw = stream(seed: seed, r: r, p: p, s: .propose, account: account, "priority")
    var least = UInt64.max
    for _ in 0..<weight { least = min(least, draw.next()) }
    return least
  }
}

extension Algorand {
  /// The seed that selects for round `r`: of the block two rounds before. nil: not known yet.
  func seed(for r: Slot) -> Digest? {
    r == round ? seeds.older : r == round.next ? seeds.newer : nil
  }

  /// Votes of `account` at (r, p, s), of this round.
  func weight(of account: ReplicaID, p: UInt16, s: Step) -> Int {
    let i = Int(account.index)
    return Sortition.weight(
      seed: seeds.older, r: round, p: p, s: s, account: i, stake: stakes[i],
      total: settings.totalStake, size: settings.committees.of(s).size)
  }

  func priority(of account: ReplicaID, p: UInt16, weight: Int) -> UInt64 {
    Sortition.priority(
      seed: seeds.older, r: round, p: p, account: Int(account.index), weight: weight)
  }

  /// The seed of a block of this round: by the proposer's VRF in period 0, by a hash of the seed
  /// before in later ones, in which a proposer could choose.
  func seed(by proposer: UInt16, p: UInt16) -> Digest {
    seeds.older.followed(by: Digest(p == 0 ? UInt64(proposer) + 1 : 0))
  }

  /// Every vote is another account's, with its true weight, for `d`; together they suffice.
  func isValid(_ bundle: Body.Bundle, r: Slot, seed: Digest) -> Bool {
    guard bundle.round == r, bundle.step > .propose else { return false }
    var seen = InlineArray<8, UInt64>(repeating: 0)
    var sum = 0
    let (size, threshold) = settings.committees.of(bundle.step)
    for vote in bundle.votes {
      let i = Int(vote.voter)
      let bit: UInt64 = 1 << UInt64(i & 63)
      guard i < committee.n, seen[i >> 6] & bit == 0, vote.weight > 0,
        vote.digest == bundle.digest || (vote.second != nil && vote.second != vote.digest)
      else { return false }
      seen[i >> 6] |= bit
      let weight = Sortition.weight(
        seed: seed, r: r, p: bundle.period, s: bundle.step, account: i, stake: stakes[i],
        total: settings.totalStake, size: size)
      guard weight == Int(vote.weight) else { return false }
      sum += weight
    }
    return sum >= threshold
  }
}
