import Consensus
import Kernel
import Ledger
import Machines
import Metrics

extension BlockchainState {
  /// Nodes whose choice is checked, at most: a node's blocks are gone through once for each.
  private static var mostChecked: Int { 256 }

  /// What the protocol's own monitor and that of the fork choice have to say.
  func findings(_ world: borrowing World) -> [AgreementMonitor.Finding] {
    P.findings(in: protocols, effects.content, effects.blocks).map {
      AgreementMonitor.Finding(monitor: $0.monitor, detail: $0.detail)
    } + wrongChoices(world)
  }

  /// Monitor of the fork choice, at the end of a run: no node that is up has a block that its rule
  /// puts before its head. The rule is evaluated anew on the blocks that the engine knows the node
  /// to have, not on what the node keeps of them.
  private func wrongChoices(_ world: borrowing World) -> [AgreementMonitor.Finding] {
    var findings: [AgreementMonitor.Finding] = []
    var blocks: [BlockID] = []
    for i in nodes.indices.prefix(Self.mostChecked) where world.machines.isUp(nodes[i].machine) {
      blocks.removeAll(keepingCapacity: true)
      for item in effects.blocks.startIndex..<effects.blocks.endIndex
      where known.state(item, i) == .known { blocks.append(BlockID(index: UInt32(item))) }
      guard let better = protocols[i].preferred(among: blocks, effects.blocks) else { continue }
      findings.append(
        AgreementMonitor.Finding(
          monitor: "fork-choice",
          detail: "node \(i) has head \(protocols[i].head.index), though it has block "
            + "\(better.index), which its rule prefers"))
    }
    return findings
  }
}
