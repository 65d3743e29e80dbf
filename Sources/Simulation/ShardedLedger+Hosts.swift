import Kernel
import Ledger
import Sharding
import Workloads

extension ShardedLedgerState.Host {
  init(
    _ host: ClientSettings.Host, _ settings: ShardedLedgerSettings, name: String, seed: UInt64
  ) {
    let stream = RandomStream(
      seed: seed, purpose: "arrivals of \(name)", entity: UInt64(host.population))
    var keys = RandomStream(
      seed: seed, purpose: "transfers of \(name)", entity: UInt64(host.population))
    node = host.node
    population = host.population
    clients = 0
    switch host.arrivals {
    case _ where !settings.money.trace.isEmpty: break
    case .poisson(let rate):
      arrivals = PoissonArrivals(rate: rate, bundle: settings.clients.bundle, stream: stream)
    case .closed(let n, let distribution): (clients, think) = (n, distribution)
    }
    accounts = AccountChoice(
      accounts: settings.money.accounts, skew: settings.money.skew, seed: seed,
      population: host.population)
    key = keys.next()
    if let (count, inside) = settings.money.communities {
      var exponent = 0.0
      if case .zipf(let zipf) = settings.money.skew { exponent = zipf }
      communities = CommunityChoice(
        accounts: settings.money.accounts, communities: count, inside: inside,
        exponent: exponent, seed: seed &+ UInt64(host.population))
    }
    random = stream
    sent = RequestBook(timeout: settings.clients.timeout)
    contacts = settings.shards.map {
      $0.usesGateways ? UInt16(Int(host.population) % $0.nodes.count) : 0
    }
    answered = TxSet(populations: 1)
    orders = Array(repeating: [], count: settings.shards.count)
  }
}
