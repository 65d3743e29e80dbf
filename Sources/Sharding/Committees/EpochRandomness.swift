import Kernel

/// The random value from which one epoch's committees are drawn, and who could have bent it.
///
/// How replicas come to agree on it (commit and reveal, verifiable random functions, secret
/// sharing) is a protocol's business with messages of its own. What an assignment needs of it is
/// the value and the number of values between which an adversary could choose.
public struct EpochRandomness: Hashable, Sendable, BitwiseCopyable {
  /// Counts from 0.
  public let epoch: UInt64
  /// The value: committees are drawn from streams that are named by it.
  public let value: UInt64
  /// Who could have bent it.
  public let origin: Origin

  /// How a value came about, as far as it matters to who could bend it.
  public enum Origin: Hashable, Sendable, BitwiseCopyable {
    /// Nobody chooses: a unique threshold signature, or shares that honest members open for those
    /// who keep theirs back (RandHound, used by OmniLedger; RapidChain's reference committee). A
    /// verifiable random function alone does not do: who is last may keep his output back.
    case unbiased
    /// Each party commits and then reveals its share, or outputs of verifiable random functions are
    /// mixed one after the other. The `lastRevealers` adversarial parties who
    /// reveal last see the others' shares and may each keep their own back: 2^lastRevealers values
    /// to choose from, at most 2^20.
    case commitReveal(lastRevealers: Int)
    /// The hash of a block or an identity's proof of work: who makes it may throw it away and try
    /// again, `tries` times.
    case ground(tries: Int)

    /// Values between which an adversary chooses, at least 1.
    public var choices: Int {
      switch self {
      case .unbiased: return 1
      case .commitReveal(let last):
        precondition(last >= 0 && last <= 20, "\(last) last revealers")
        return 1 << last
      case .ground(let tries):
        precondition(tries >= 1, "\(tries) tries")
        return tries
      }
    }
  }

  /// The value of `epoch` in a run, if nobody bends it.
  public init(seed: UInt64, epoch: UInt64, origin: Origin = .unbiased) {
    self.init(seed: seed, epoch: epoch, origin: origin, choice: 0)
  }

  /// The value that a protocol's messages brought about: shares in the order agreed on, mixed so
  /// that each changes all bits.
  public init(epoch: UInt64, shares: [UInt64], origin: Origin) {
    self.epoch = epoch
    self.origin = origin
    var digest = RunDigest()
    digest.fold(epoch)
    for share in shares { digest.fold(share) }
    value = digest.value
  }

  private init(seed: UInt64, epoch: UInt64, origin: Origin, choice: Int) {
    self.epoch = epoch
    self.origin = origin
    var stream = RandomStream(seed: seed, purpose: "epoch randomness", entity: epoch)
    var value = stream.next()
    for _ in 0..<choice { value = stream.next() }
    self.value = value
  }

  /// The value that an adversary picks who can compute what each would do: the one with the
  /// highest score, of equal ones the first.
  ///
  /// With one choice this is the value that nobody bent.
  public static func chosen(
    seed: UInt64, epoch: UInt64, origin: Origin, by score: (EpochRandomness) -> Double
  ) -> EpochRandomness {
    var best = EpochRandomness(seed: seed, epoch: epoch, origin: origin)
    var highest = score(best)
    for choice in 1..<max(1, origin.choices) {
      let other = EpochRandomness(seed: seed, epoch: epoch, origin: origin, choice: choice)
      let its = score(other)
      if its > highest { (best, highest) = (other, its) }
    }
    return best
  }

  /// A stream of draws for one purpose of this epoch.
  public func stream(_ purpose: String, entity: UInt64 = 0) -> RandomStream {
    RandomStream(seed: value, purpose: purpose, entity: entity)
  }
}
