import Consensus
import Kernel
import Ledger
import Machines
import Sharding
import Simulation
import Workloads

extension ShardPlan {
  /// One chain for each shard.
  var chains: [ChainPlan] {
    (0..<count).map { s in
      ChainPlan(
        name: "\(name)-\(s)", nodes: members, consensus: consensus, mempool: mempool,
        replies: Replies(path: .shared, header: 0, result: 0), workload: nil, shard: s)
    }
  }

  /// Nodes of each shard.
  func committees(seed: UInt64) -> [[NodeID]] {
    var order = Array(0..<count * members)
    if assignment == .uniform {
      var stream = RandomStream(seed: seed, purpose: "committees of \(name)")
      stream.shuffle(&order)
    }
    return (0..<count).map { s in order[s * members..<(s + 1) * members].map { NodeID($0) } }
  }

  /// Shard of each account.
  func home(seed: UInt64) -> [Int] {
    let hashed = AccountMap(shards: count, salt: seed)
    return (0..<workload.accounts).map { account in
      if case .dealt = placement { return account % count }
      return Int(hashed.shard(of: AccountID(account)).index)
    }
  }

  /// Bytes of operations by population of a shard's chain: first requests, later ones, which carry
  /// a proof for each paying account, and what other shards ask for.
  func operationSizes(seed: UInt64) -> TransactionSizes {
    let first = workload.transactionSize
    let later = TransactionSizes.Size.fixed(sizes.operation + payers * sizes.proof)
    let asked = TransactionSizes.Size.fixed(sizes.operation)
    return TransactionSizes(
      Array(repeating: first, count: workload.hosts)
        + Array(repeating: later, count: workload.hosts)
        + Array(repeating: asked, count: count), seed: seed)
  }
}
