import Kernel

/// A committee drawn without replacement, member by member: does the adversary hold at least `need`
/// of its seats? A splittable process with a hypergeometric closed form.
public struct CommitteeDraw: Splittable {
  public let population: Int
  public let size: Int
  public let need: Int
  private var random: RandomStream
  private var drawn = 0
  private var bad = 0
  private var badLeft: Int

  /// - Parameters:
  ///   - population: nodes, of which `adversary` are bad.
  ///   - size: members drawn, at most `population`.
  ///   - need: bad members with which the committee fails.
  public init(population: Int, adversary: Int, size: Int, need: Int, seed: UInt64) {
    precondition(size <= population && adversary <= population, "a committee of \(size)")
    self.population = population
    self.size = size
    self.need = need
    badLeft = adversary
    random = RandomStream(seed: seed, purpose: "committee draw")
  }

  /// Standard deviations by which what is to be expected in the end falls short of `need`: as of a
  /// hypergeometric number of the members that are left to draw. Chances to fail go by it.
  public var importance: Double {
    let (left, rest) = (Double(size - drawn), Double(population - drawn))
    guard left > 0, rest > 1 else { return bad >= need ? 0 : -.infinity }
    let share = Double(badLeft) / rest
    let deviation = (left * share * (1 - share) * (rest - left) / (rest - 1)).squareRoot()
    let lacking = Double(need) - Double(bad) - left * share
    return lacking <= 0 ? 0 : deviation > 0 ? -lacking / deviation : -.infinity
  }

  public var outcome: Bool? {
    if bad >= need { return true }
    return drawn == size || bad + size - drawn < need ? false : nil
  }

  public mutating func advance() {
    if random.bernoulli(Double(badLeft) / Double(population - drawn)) {
      bad += 1
      badLeft -= 1
    }
    drawn += 1
  }

  public func branched(_ branch: UInt64) -> CommitteeDraw {
    var copy = self
    copy.random = random.branched(branch)
    return copy
  }
}
