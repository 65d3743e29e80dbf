import CGSL

/// The error of agreement by repeated sampling (Slush, Snowflake, Snowball: Team Rocket et al.,
/// arXiv 1906.08936), for a finite network and two colours, red and blue.
///
/// Of n replicas, b are the adversary's, who knows all states and answers each question as harms
/// most. A correct replica asks k of the n - 1 others and takes the colour of which it hears alpha
/// times. So the number s of red correct replicas of c = n - b is a chain of births and deaths.
/// While the adversary answers blue, a step up is as frequent as
///
///     (c - s) P[H(s) >= alpha],    one down as    s P[H(c - s + b) >= alpha],
///
/// where H(m) counts the marked among k drawn from n - 1 with m marked. Somewhere above one half
/// red gets ahead of all that the adversary can do: the paper's phase shift.
public struct RepeatedSampling: Sendable, Equatable {
  public var replicas: Int
  public var adversaries: Int
  /// Replicas asked in a poll: k.
  public var sample: Int
  /// Answers alike that move a preference, and that count towards a decision.
  public var alphaPreference: Int
  public var alphaConfidence: Int

  /// - Precondition: 0 <= adversaries < replicas, 1 <= alphas <= sample <= replicas - 1.
  public init(
    replicas: Int, adversaries: Int, sample: Int, alphaPreference: Int, alphaConfidence: Int
  ) {
    precondition(
      adversaries >= 0 && adversaries < replicas, "\(adversaries) adversaries of \(replicas)")
    precondition(sample >= 1 && sample < replicas, "\(sample) sampled of \(replicas)")
    precondition(
      (1...sample).contains(alphaPreference) && (1...sample).contains(alphaConfidence),
      "alphas of \(alphaPreference) and \(alphaConfidence) of \(sample)")
    self.replicas = replicas
    self.adversaries = adversaries
    self.sample = sample
    self.alphaPreference = alphaPreference
    self.alphaConfidence = alphaConfidence
  }

  public var correct: Int { replicas - adversaries }

  /// Probability that a poll hears a colour at least `alpha` times, if `marked` of the others say
  /// it.
  public func success(_ alpha: Int, marked: Int) -> Double {
    Tail.hypergeometric(
      atLeast: alpha, draws: sample, marked: min(max(marked, 0), replicas - 1),
      population: replicas - 1)
  }

  /// How often the number of red correct replicas steps up from `red`, and down, while the
  /// adversary answers blue; relative to each other.
  public func drift(atRed red: Int) -> (up: Double, down: Double) {
    (
      Double(correct - red) * success(alphaPreference, marked: red),
      Double(red) * success(alphaPreference, marked: correct - red + adversaries)
    )
  }

  /// Probability that from `red` red ones of the correct, more than half of them, so many become
  /// blue before all are red, whatever the adversary says: the ruin of a gambler (Feller, vol. 1,
  /// XIV.2).
  ///
  /// Where no poll succeeds for either colour the chain stands: nothing is reversed, but nobody
  /// decides either.
  /// - Complexity: O(replicas).
  public func reversal(fromRed red: Int) -> Double {
    precondition(2 * red > correct && red <= correct, "\(red) red of \(correct)")
    // x: probability to get ever one lower than j. Positive terms only, so that small ones are
    // exact.
    var below = 0.0
    var product = 1.0
    for j in ((correct - red + 1)..<correct).reversed() {
      let (up, down) = drift(atRed: j)
      let left = down + up * (1 - below)
      below = left > 0 ? down / left : 0
      if j <= red { product *= below }
    }
    return red == correct ? 0 : product
  }

  /// Probability, at most, that a row of `beta` successful polls misleads a replica: for each
  /// number s of red ones, either the row came together with fewer than s red, or s red ones were
  /// reversed after it. The least over all s holds, as the paper chooses its point of no return.
  ///
  /// For one row of polls at one replica, which ask independently: with each further row the
  /// adversary has another try.
  /// - Complexity: O(replicas^2).
  public func error(beta: Int) -> Double {
    precondition(beta >= 1, "beta \(beta)")
    var least = 1.0
    for red in (correct / 2 + 1)...max(correct, correct / 2 + 1) where red <= correct {
      // Who asks may be blue yet, and the adversary says red to it.
      let row = success(alphaConfidence, marked: red - 1 + adversaries)
      least = min(least, gsl_pow_int(row, Int32(beta)) + reversal(fromRed: red))
    }
    return least
  }

  /// The fewest successful polls in a row for which `error` is at most the stated one; `nil` if
  /// none up to 2^20 are enough.
  public func rowLength(atMost error: Double) -> Int? {
    DoubleSpend.confirmations(atMost: error) { self.error(beta: $0) }
  }
}
