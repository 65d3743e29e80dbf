import Kernel
import Ledger

/// Which accounts a transfer touches: a pure function of run seed, population and number, so that
/// every replica knows it and nobody stores it.
///
/// Sender and receiver are drawn from the same distribution, the receiver given that it is another
/// account than the sender. Account 0 is the most popular one.
public struct AccountChoice: Sendable, Equatable, BitwiseCopyable {
  /// How popular accounts are.
  public enum Skew: Sendable, Equatable, BitwiseCopyable {
    /// All alike.
    case uniform
    /// The account of rank k with probability proportional to k^-exponent, 0 ... 4. YCSB (Cooper
    /// et al., SoCC '10) uses 0.99.
    case zipf(exponent: Double)
  }

  /// The two accounts of a transfer.
  public struct Transfer: Sendable, Equatable, BitwiseCopyable {
    public var sender: AccountID
    public var receiver: AccountID
  }

  /// How many accounts there are.
  public let accounts: Int
  private let zipf: Zipf?
  private let key: UInt64

  /// - Parameters:
  ///   - accounts: at least 2.
  ///   - skew: how popular they are.
  ///   - seed: the run's.
  ///   - population: who numbers the transactions.
  public init(accounts: Int, skew: Skew, seed: UInt64, population: UInt32) {
    precondition(accounts >= 2, "\(accounts) accounts")
    self.accounts = accounts
    switch skew {
    case .uniform: zipf = nil
    case .zipf(let exponent):
      // Beyond, nearly all draws are of the first account and a second one is hard to come by.
      precondition(exponent >= 0 && exponent <= 4, "Zipf exponent \(exponent)")
      zipf = Zipf(count: accounts, exponent: exponent)
    }
    var stream = RandomStream(seed: seed, purpose: "accounts", entity: UInt64(population))
    key = stream.next()
  }

  /// The accounts of transaction `number`.
  public func transfer(_ number: UInt64) -> Transfer {
    var stream = RandomStream(seed: key, purpose: "transfer", entity: number)
    guard let zipf else {
      let sender = stream.range(0..<accounts)
      let other = stream.range(0..<accounts - 1)  // of those that are left
      return Transfer(
        sender: AccountID(sender), receiver: AccountID(other < sender ? other : other + 1))
    }
    let sender = zipf.sample(using: &stream)
    var receiver = sender
    while receiver == sender { receiver = zipf.sample(using: &stream) }
    return Transfer(sender: AccountID(sender - 1), receiver: AccountID(receiver - 1))
  }

  /// The first `count` accounts of transaction `number`, distinct, into `chosen`: its sender and
  /// receiver, and further ones, each drawn given that it is another one than those before.
  public func accounts(_ number: UInt64, count: Int, into chosen: inout [AccountID]) {
    precondition(count >= 1 && count <= accounts, "\(count) of \(accounts) accounts")
    var stream = RandomStream(seed: key, purpose: "transfer", entity: number)
    chosen.removeAll(keepingCapacity: true)
    while chosen.count < count {
      let account: AccountID
      if let zipf {
        account = AccountID(zipf.sample(using: &stream) - 1)
      } else if chosen.count == 1 {
        let other = stream.range(0..<accounts - 1)
        account = AccountID(other < Int(chosen[0].index) ? other : other + 1)
      } else {
        account = AccountID(stream.range(0..<accounts))
      }
      if !chosen.contains(account) { chosen.append(account) }
    }
  }

  /// How concentrated the transfers of a range of transactions are.
  public struct Concentration: Sendable, Equatable {
    /// Accounts that are sender or receiver of at least one.
    public var distinctAccounts: Int
    /// Share of all senders and receivers that is the account named most often, in 0...1.
    public var hottestShare: Double
  }

  /// Counts the accounts of transactions `numbers`, which is not empty; O(n log n).
  public func concentration(of numbers: Range<UInt64>) -> Concentration {
    precondition(!numbers.isEmpty, "the accounts of no transaction")
    var touched: [AccountID] = []
    touched.reserveCapacity(2 * numbers.count)
    for number in numbers {
      let transfer = transfer(number)
      touched.append(transfer.sender)
      touched.append(transfer.receiver)
    }
    touched.sort()
    var distinct = 0
    var run = 0
    var longest = 0
    for i in touched.indices {
      let isNew = i == 0 || touched[i] != touched[i - 1]
      distinct += isNew ? 1 : 0
      run = isNew ? 1 : run + 1
      longest = max(longest, run)
    }
    return Concentration(
      distinctAccounts: distinct, hottestShare: Double(longest) / Double(touched.count))
  }
}
