import Kernel
import Ledger

/// Transfers among accounts that form communities: a stochastic block model (Holland, Laskey and
/// Leinhardt, Social Networks 5, 1983) whose accounts are unequally active.
///
/// Account i belongs to community i mod c, so that each has its popular and its quiet ones. The
/// sender is drawn by Zipf over all; with probability `inside` the receiver is drawn by Zipf from
/// the sender's community, else from all, given that it is another account. A pure function of seed
/// and number.
public struct CommunityChoice: Sendable, Equatable, BitwiseCopyable {
  public let accounts: Int
  public let communities: Int
  /// Probability that a transfer stays inside by intention; some others do by chance.
  public let inside: Double
  private let everyone: Zipf
  private let larger: Zipf
  private let smaller: Zipf
  private let key: UInt64

  /// - Parameters:
  ///   - accounts: at least twice as many as communities.
  ///   - communities: at least 1.
  ///   - inside: in 0 ... 1.
  ///   - exponent: of popularity, 0 ... 4; 0 is uniform.
  public init(
    accounts: Int, communities: Int, inside: Double, exponent: Double, seed: UInt64
  ) {
    precondition(communities >= 1 && accounts >= 2 * communities, "\(accounts), \(communities)")
    precondition(inside >= 0 && inside <= 1, "inside \(inside)")
    precondition(exponent >= 0 && exponent <= 4, "Zipf exponent \(exponent)")
    self.accounts = accounts
    self.communities = communities
    self.inside = inside
    everyone = Zipf(count: accounts, exponent: exponent)
    // Community sizes differ by one at most.
    larger = Zipf(count: (accounts + communities - 1) / communities, exponent: exponent)
    smaller = Zipf(count: accounts / communities, exponent: exponent)
    var stream = RandomStream(seed: seed, purpose: "communities")
    key = stream.next()
  }

  /// The community of an account.
  public func community(of account: AccountID) -> Int { Int(account.index) % communities }

  /// The accounts of transaction `number`.
  public func transfer(_ number: UInt64) -> AccountChoice.Transfer {
    var stream = RandomStream(seed: key, purpose: "transfer", entity: number)
    let sender = everyone.sample(using: &stream) - 1
    let community = sender % communities
    let staysInside = stream.bernoulli(inside)
    let ranks = community < accounts % communities ? larger : smaller
    var receiver = sender
    while receiver == sender {
      receiver =
        staysInside
        ? community + communities * (ranks.sample(using: &stream) - 1)
        : everyone.sample(using: &stream) - 1
    }
    return AccountChoice.Transfer(sender: AccountID(sender), receiver: AccountID(receiver))
  }
}
