import Kernel
import Ledger
import Sharding

/// Runs transfers through the ledger without a network: requests, votes and receipts arrive one at
/// a time, in an order drawn from a stream. Every operation is carried out once.
struct CommitDriver {
  enum Letter {
    case request(CommitEffects.Request)
    case order(CommitEffects.Order)
    case vote(CommitEffects.Vote)
    case receipt(CommitEffects.Receipt)
  }

  /// An operation that waits for votes.
  struct Ballot {
    var request: CommitEffects.Request?
    var voted: Set<UInt32> = []
    var isRefused = false
  }

  var ledger: ShardLedger
  var client: TransferClient
  var letters: [Letter] = []
  var ballots: [UInt32: Ballot] = [:]
  var operations = 0
  var fates: [Int: Transfer.Fate] = [:]
  var stream: RandomStream
  /// Receipts of these transfers never reach their client.
  var gone: Set<Int> = []

  init(
    _ settings: CommitSettings, shards: Int, accounts: Int, balance: Int64 = 100, seed: UInt64 = 1
  ) {
    ledger = ShardLedger(
      settings, balances: Array(repeating: balance, count: accounts),
      home: (0..<accounts).map { $0 % shards })
    client = TransferClient(settings)
    stream = RandomStream(seed: seed, purpose: "order of letters")
  }

  /// Adds a transfer: `payers` pay `amount` each, `receivers` share it.
  @discardableResult
  mutating func pay(_ payers: [Int], _ receivers: [Int], amount: Int64 = 1) -> Int {
    let sum = amount * Int64(payers.count)
    let share = sum / Int64(receivers.count)
    var legs = payers.map { Leg(account: AccountID($0), amount: -amount) }
    for (k, account) in receivers.enumerated() {
      let rest = k == 0 ? sum - share * Int64(receivers.count) : 0
      legs.append(Leg(account: AccountID(account), amount: share + rest))
    }
    let home = ledger.home
    let transfer = ledger.transfers.add(
      legs, host: 0, number: ledger.transfers.count, home: { Int(home[Int($0.index)]) })
    var effects = CommitEffects()
    client.begin(transfer, ledger, &effects)
    post(effects)
    return transfer
  }

  /// Has a request carried out that nobody was entitled to make.
  mutating func forge(_ kind: Sharding.Operation.Kind, part: Int) {
    letters.append(
      .request(
        CommitEffects.Request(
          operation: Sharding.Operation(kind, part: part),
          shard: ledger.transfers.parts[part].shard)))
  }

  mutating func post(_ effects: CommitEffects) {
    letters += effects.requests.map(Letter.request) + effects.votes.map(Letter.vote)
    letters += effects.receipts.map(Letter.receipt) + effects.orders.map(Letter.order)
  }

  /// Delivers letters until none is left.
  mutating func run() {
    while !letters.isEmpty {
      let k = stream.range(0..<letters.count)
      letters.swapAt(k, letters.count - 1)
      deliver(letters.removeLast())
    }
  }

  private mutating func deliver(_ letter: Letter) {
    switch letter {
    case .request(let request):
      let transfer = ledger.transfers.parts[Int(request.operation.part)].transfer
      guard request.votes > 0 else { return execute(request) }
      ballots[transfer * 64 + UInt32(request.shard), default: Ballot()].request = request
      tally(transfer * 64 + UInt32(request.shard))
    case .order(let order):
      var effects = CommitEffects()
      ledger.drive(Int(order.transfer), &effects)
      post(effects)
    case .vote(let vote):
      let transfer = ledger.transfers.parts[Int(vote.part)].transfer
      let key = transfer * 64 + UInt32(vote.shard)
      ballots[key, default: Ballot()].voted.insert(vote.part)
      if !vote.accepts { ballots[key]?.isRefused = true }
      tally(key)
    case .receipt(let receipt):
      let transfer = Int(ledger.transfers.parts[Int(receipt.operation.part)].transfer)
      guard !gone.contains(transfer) else { return }
      var effects = CommitEffects()
      fates[transfer] = client.upon(receipt, ledger, &effects)
      post(effects)
    }
  }

  private mutating func tally(_ key: UInt32) {
    guard let ballot = ballots[key], let request = ballot.request else { return }
    guard
      ballot.voted.count >= Int(request.votes) || (ballot.isRefused && !request.needsAll)
    else { return }
    ballots[key]?.request = nil
    execute(request)
  }

  private mutating func execute(_ request: CommitEffects.Request) {
    var effects = CommitEffects()
    ledger.execute(request.operation, at: Int(request.shard), &effects)
    operations += 1
    post(effects)
  }
}
