/// The base fee of a block after EIP-1559 (Buterin et al., 2019, "Specification"): in integers, as
/// a client computes it.
struct BaseFee {
  /// BASE_FEE_MAX_CHANGE_DENOMINATOR.
  static let largestChange: UInt64 = 8
  /// ELASTICITY_MULTIPLIER: a block may use so many times its target.
  static let elasticity: UInt64 = 2

  /// Wei for each unit of gas.
  private(set) var wei: UInt64
  /// Gas that a block uses if the fee is to stay.
  let target: UInt64

  /// - Parameter limit: gas limit of the blocks, at least 2.
  init(wei: UInt64, limit: UInt64) {
    precondition(limit >= Self.elasticity, "a gas limit of \(limit)")
    self.wei = wei
    target = limit / Self.elasticity
  }

  /// The fee of the next block after one that used `gas`.
  mutating func advance(gas: UInt64) {
    let distance = gas > target ? gas - target : target - gas
    let change = change(distance)
    if gas > target {
      wei += max(change, 1)
    } else {
      wei -= change
    }
  }

  /// Both divisions round down, one after the other.
  private func change(_ distance: UInt64) -> UInt64 {
    let product = wei.multipliedFullWidth(by: distance)
    return target.dividingFullWidth(product).quotient / Self.largestChange
  }
}

extension Experiment {
  /// The fee after `blocks` blocks that use `fullness` of their gas limit each, from 100 gwei on.
  static func baseFee(_ settings: ExperimentSettings) -> [(name: String, value: Double)] {
    let limit = UInt64(settings.count("limit"))
    var fee = BaseFee(wei: 100_000_000_000, limit: limit)
    let gas = UInt64((Double(limit) * settings["fullness"]).rounded())
    for _ in 0..<settings.count("blocks") { fee.advance(gas: gas) }
    return [("wei", Double(fee.wei))]
  }
}
