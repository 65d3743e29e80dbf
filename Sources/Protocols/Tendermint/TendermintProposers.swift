import Consensus

extension Tendermint {
  /// Who proposes: weighted round robin by accumulated priority, as CometBFT's validator set.
  ///
  /// Each step every validator's priority grows by its power; the largest (the first of equals)
  /// proposes and pays the total. Round r of height h takes step h - 1 + r. With equal powers that
  /// is plain round robin. CometBFT's rescaling and centring change nothing while powers are
  /// constant: priorities add up to zero and differ by less than twice the total.
  struct ProposerSchedule: Sendable {
    private let powers: [Int64]
    private let total: Int64
    private let isPlain: Bool
    private var priorities: [Int64]
    /// Winners of steps `base`..<`base` + `ahead`, as a ring.
    private var winners: [UInt16] = []
    private var base = 0
    private var computed = 0

    private static var ahead: Int { 64 }

    init(_ powers: [Int64]) {
      self.powers = powers
      total = powers.reduce(0, +)
      isPlain = powers.allSatisfy { $0 == powers[0] }
      priorities = Array(repeating: 0, count: isPlain ? 0 : powers.count)
      if !isPlain {
        winners = Array(repeating: 0, count: Self.ahead)
        while computed < Self.ahead { computeNext() }
      }
    }

    private mutating func computeNext() {
      winners[computed % Self.ahead] = UInt16(Self.step(&priorities, powers, total))
      computed += 1
    }

    private static func step(_ priorities: inout [Int64], _ powers: [Int64], _ total: Int64) -> Int
    {
      var best = 0
      for i in priorities.indices {
        priorities[i] += powers[i]
        if priorities[i] > priorities[best] { best = i }
      }
      priorities[best] -= total
      return best
    }

    /// The chain is at `height`: earlier steps are forgotten.
    mutating func advance(to height: Height) {
      guard !isPlain else { return }
      base = Int(height.number) - 1
      while computed < base + Self.ahead { computeNext() }
    }

    /// - Precondition: `height` is not before what was advanced to.
    func peek(_ height: Height, _ round: Round) -> ReplicaID {
      let k = Int(height.number) - 1 + max(Int(round.number), 0)
      if isPlain { return ReplicaID(k % powers.count) }
      precondition(k >= base, "proposer of step \(k), at step \(base)")
      if k < computed { return ReplicaID(Int(winners[k % Self.ahead])) }
      var copy = priorities
      var winner = 0
      for _ in computed...k { winner = Self.step(&copy, powers, total) }
      return ReplicaID(winner)
    }
  }
}
