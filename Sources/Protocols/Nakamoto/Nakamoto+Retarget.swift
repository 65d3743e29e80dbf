import Kernel
import Ledger

/// The retarget, as Bitcoin Core's `CalculateNextWorkRequired` has it.
extension Nakamoto {
  /// The difficulty of a block on `parent`.
  ///
  /// Every N blocks it is divided by the ratio of the time that the last N took to the time they
  /// should have taken, the ratio clamped to 1/4...4. As in Bitcoin, the time is from the first to
  /// the last of the N blocks, N - 1 intervals, and is measured by the makers' clocks.
  func nextDifficulty(on parent: BlockID, _ blocks: BlockArena) -> UInt64 {
    let last = blocks[parent]
    guard let period = settings.retarget, (Int(last.height) + 1) % period == 0 else {
      return last.work
    }
    let first = blocks[blocks.ancestor(of: parent, at: last.height + 1 - UInt32(period))]
    let aim = settings.interval.nanoseconds * Int64(period)
    let taken = min(max(last.stamp - first.stamp, aim / 4), aim * 4)
    return Self.scaled(last.work, by: UInt64(aim), over: UInt64(max(taken, 1)))
  }

  /// work * numerator / denominator in whole units, at least 1.
  private static func scaled(
    _ work: UInt64, by numerator: UInt64, over denominator: UInt64
  ) -> UInt64 {
    let product = work.multipliedFullWidth(by: numerator)
    guard product.high < denominator else { return .max >> 16 }
    return max(denominator.dividingFullWidth(product).quotient, 1)
  }
}
