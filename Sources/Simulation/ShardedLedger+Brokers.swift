import Kernel
import Ledger
import Sharding

/// Brokers, who live on the hosts of the clients whose transfers they carry over.
extension ShardedLedgerState {
  /// Accounts of clients, and behind them one of each broker on each shard.
  static func makeLedger(_ settings: ShardedLedgerSettings) -> ShardLedger {
    var balances = Array(repeating: settings.money.balance, count: settings.money.accounts)
    var home = settings.home
    let brokers = settings.brokers.map { $0.count * settings.shards.count } ?? 0
    balances += Array(repeating: settings.brokers?.balance ?? 0, count: brokers)
    home += (0..<brokers).map { $0 % settings.shards.count }
    return ShardLedger(settings.commit, balances: balances, home: home, brokers: brokers)
  }

  private func account(ofBroker broker: Int, on shard: Int) -> AccountID {
    AccountID(ledger.firstBroker + broker * shards.count + shard)
  }

  /// If the payer and the receiver in `legs` live on different shards, adds the legs of a broker
  /// between them. Returns the last slot of the receiver's shard in which it may pay.
  mutating func addBroker(_ number: Int, _ h: Int, attempt: Int) -> UInt32 {
    hosts[h].isBrokerGone[number] = false
    guard let brokers = settings.brokers, legs.count == 2 else { return 0 }
    let (from, to) = (ledger.home(of: legs[0].account), ledger.home(of: legs[1].account))
    guard from != to else { return 0 }
    var stream = draw(h, number, "broker")
    var broker = 0
    for _ in 0..<attempt {
      broker = stream.range(0..<brokers.count)
      hosts[h].isBrokerGone[number] = stream.bernoulli(brokers.vanishing)
    }
    let amount = legs[1].amount
    legs.append(Leg(account: account(ofBroker: broker, on: from), amount: amount))
    legs.append(Leg(account: account(ofBroker: broker, on: to), amount: -amount))
    return hosts[h].heights[to] + UInt32(brokers.lock)
  }

  /// Whether somebody but the client goes on with a transfer.
  func hasBroker(_ number: Int, _ h: Int) -> Bool {
    settings.brokers != nil && !hosts[h].isBrokerGone[number]
  }

  /// A broker that is short, or whoever wants the end of a lock too early, tries again later.
  mutating func pauseBroker(
    _ receipt: CommitEffects.Receipt, _ number: Int, at h: Int, _ world: inout World
  ) {
    let isBroker: Bool
    switch (receipt.operation.kind, receipt.verdict) {
    case (.brokerPays, .lacksFunds): isBroker = true
    case (.expire, .isEarly): isBroker = false
    default: return
    }
    // Every receipt comes from several members.
    let bit: UInt8 = isBroker ? 2 : 1
    guard hosts[h].pausing[number] & bit == 0 else { return }
    hosts[h].pausing[number] |= bit
    let pause = SimDuration(
      seconds: settings.clients.pause.seconds * hosts[h].random.exponential())
    world.schedule(
      Event(
        at: world.now + pause, subsystem: index, kind: Kind.brokerAgain.rawValue,
        target: UInt32(h), payload: .init(UInt64(number), isBroker ? 1 : 0)))
  }

  mutating func goOn(_ number: Int, isBroker: Bool, at h: Int, _ world: inout World) {
    hosts[h].pausing[number] &= isBroker ? 1 : 2
    let range = TxRange(population: 0, first: UInt64(number), count: 1)
    guard !hosts[h].answered.contains(range), !hosts[h].isPausing[number],
      isBroker ? hasBroker(number, h) : !hosts[h].isGone[number]
    else { return }
    effects.removeAll()
    client.goOn(Int(hosts[h].newest[number]), ledger, hasBroker: isBroker, &effects)
    guard !effects.requests.isEmpty else { return }
    sendRequests(from: h, isLater: true, &world)
    waitAnew(number, at: h, &world)
  }

  /// The client has waited in vain, and does not know whether its broker is gone: it asks for the
  /// end of the lock.
  mutating func replaceBroker(_ number: Int, at h: Int, _ world: inout World) {
    let transfer = Int(hosts[h].newest[number])
    guard !hosts[h].isGone[number], ledger.transfers.isCrossShard(transfer) else { return }
    effects.removeAll()
    client.goOn(transfer, ledger, hasBroker: false, &effects)
    sendRequests(from: h, isLater: true, &world)
  }
}
