import Kernel
import Ledger
import Machines
import Metrics

extension World {
  /// Adds a population that numbers transactions; returns its index.
  @discardableResult
  public mutating func addPopulation(_ address: PopulationAddress) -> UInt32 {
    populations.append(address)
    logs.append(TransactionLog())
    return UInt32(populations.count - 1)
  }
}
