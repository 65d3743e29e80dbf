/// The decision process of a selfish miner, after Sapirshtein, Sompolinsky and Zohar, "Optimal
/// selfish mining strategies in Bitcoin", FC 2016, §4 (Table 1).
///
/// A step is the next block that anyone finds: the miner's with probability alpha. What is to be
/// maximised is the miner's share of the blocks that stay. For a share rho that is guessed, a block
/// of the miner's own earns 1 - rho and one of the others costs rho; the guess is right if the best
/// policy earns nothing a step. Relative value iteration bounds what it earns; rho is searched by
/// bisection.
///
/// Races are cut: with `longest` blocks on either side the miner must adopt or override. What comes
/// out is what this policy earns exactly, and a lower bound of the best (§4.2).
public struct SelfishDecisionProcess: Sendable {
  public let alpha: Double
  public let gamma: Double
  public let longest: Int

  /// The values of the three labels of fork, each by a, then h.
  private struct Values {
    var irrelevant: [Double]
    var relevant: [Double]
    var active: [Double]
    let width: Int

    init(width: Int) {
      self.width = width
      irrelevant = Array(repeating: 0, count: width * width)
      relevant = irrelevant
      active = irrelevant
    }
  }

  /// - Parameters:
  ///   - alpha: share of the miner in the hash rate, in 0 ..< 0.5.
  ///   - gamma: share of the others' hash rate that mines on the miner's chain after a match,
  ///   0...1.
  ///   - longest: blocks on either side of a race, at most; at least 2.
  public init(alpha: Double, gamma: Double, longest: Int) {
    precondition(alpha >= 0 && alpha < 0.5, "a share of \(alpha) of the hash rate")
    precondition(gamma >= 0 && gamma <= 1, "gamma \(gamma)")
    precondition(longest >= 2, "races of \(longest) blocks")
    self.alpha = alpha
    self.gamma = gamma
    self.longest = longest
  }

  /// The best policy, and the miner's share of the blocks that stay under it, to within
  /// `precision`. Time: O(longest^2) a sweep; 60 takes tens of milliseconds at alpha = 0.4, and the
  /// number of sweeps grows as alpha nears one half.
  public func solve(precision: Double = 1e-6) -> (policy: SelfishPolicy, revenue: Double) {
    var values = Values(width: longest + 1)
    var next = values
    // Honest mining earns alpha; nobody earns more than with gamma = 1.
    var low = alpha
    var high = alpha / (1 - alpha)
    // A step settles more than a third of a block, so that rho is not farther off than three times
    // what is earned a step.
    let enough = precision / 6
    while high - low > precision / 2 {
      let rho = (low + high) / 2
      let sign = improve(&values, &next, rho: rho, until: enough)
      if sign == 0 {
        low = rho
        high = rho
      } else if sign > 0 {
        low = rho
      } else {
        high = rho
      }
    }
    let rho = (low + high) / 2
    _ = improve(&values, &next, rho: rho, until: enough, decidesEarly: false)
    return (policy(values, rho: rho), rho)
  }

  /// Sweeps until the sign of what the best policy earns a step is known; 0: nothing, or so little.
  ///
  /// What one sweep adds to the value of any state bounds it from both sides (Odoni 1969).
  private func improve(
    _ values: inout Values, _ next: inout Values, rho: Double, until enough: Double,
    decidesEarly: Bool = true
  ) -> Int {
    while true {
      let (least, most) = sweep(values, &next, rho: rho)
      swap(&values, &next)
      if decidesEarly, least > enough { return 1 }
      if decidesEarly, most < -enough { return -1 }
      if most - least < enough { return 0 }
    }
  }

  /// One step of value iteration; returns the least and the most that it added to a state's value.
  private func sweep(
    _ old: Values, _ new: inout Values, rho: Double
  ) -> (least: Double, most: Double) {
    var least = Double.infinity
    var most = -Double.infinity
    let origin = best(0, 0, .irrelevant, old, rho: rho).value
    let width = longest + 1
    for a in 0...longest {
      for h in 0...longest {
        let k = a * width + h
        let values = (
          best(a, h, .irrelevant, old, rho: rho).value,
          best(a, h, .relevant, old, rho: rho).value,
          isMatched(a, h) ? best(a, h, .active, old, rho: rho).value : 0
        )
        let gains = (values.0 - old.irrelevant[k], values.1 - old.relevant[k])
        least = min(least, gains.0, gains.1)
        most = max(most, gains.0, gains.1)
        if isMatched(a, h) {
          least = min(least, values.2 - old.active[k])
          most = max(most, values.2 - old.active[k])
        }
        new.irrelevant[k] = values.0 - origin
        new.relevant[k] = values.1 - origin
        new.active[k] = values.2 - origin
      }
    }
    return (least, most)
  }

  /// Whether there can be a match.
  private func isMatched(_ a: Int, _ h: Int) -> Bool { h >= 1 && a >= h }

  /// The best action and its value: Table 1 of the paper.
  @inline(__always)
  private func best(
    _ a: Int, _ h: Int, _ fork: SelfishPolicy.Fork, _ values: Values, rho: Double
  ) -> (action: SelfishPolicy.Action, value: Double) {
    let width = longest + 1
    let beta = 1 - alpha
    var action = SelfishPolicy.Action.adopt
    var value =
      alpha * values.irrelevant[width] + beta * values.relevant[1] - rho * Double(h)
    if a > h {
      let override =
        alpha * values.irrelevant[(a - h) * width]
        + beta * values.relevant[(a - h - 1) * width + 1] + (1 - rho) * Double(h + 1)
      if override > value { (action, value) = (.override, override) }
    }
    guard a < longest, h < longest else { return (action, value) }
    let others = values.relevant[a * width + h + 1]
    if fork != .active {
      let wait = alpha * values.irrelevant[(a + 1) * width + h] + beta * others
      if wait > value { (action, value) = (.wait, wait) }
    }
    if fork != .irrelevant, isMatched(a, h) {
      // The others build on the miner's h blocks, or on their own.
      let divided =
        alpha * values.active[(a + 1) * width + h]
        + beta * gamma * (values.relevant[(a - h) * width + 1] + (1 - rho) * Double(h))
        + beta * (1 - gamma) * others
      if divided > value { (action, value) = (fork == .active ? .wait : .match, divided) }
    }
    return (action, value)
  }

  private func policy(_ values: Values, rho: Double) -> SelfishPolicy {
    var actions: [SelfishPolicy.Action] = []
    actions.reserveCapacity(SelfishPolicy.size(longest))
    for a in 0...longest {
      for h in 0...longest {
        actions.append(best(a, h, .irrelevant, values, rho: rho).action)
        actions.append(best(a, h, .relevant, values, rho: rho).action)
        actions.append(isMatched(a, h) ? best(a, h, .active, values, rho: rho).action : .adopt)
      }
    }
    return SelfishPolicy(longest: longest, actions: actions)
  }
}
