import Kernel
import Ledger
import Workloads

/// The clients of one chain.
public struct WorkloadPlan: Sendable {
  public var arrivals: Arrivals
  /// Bytes of a transaction.
  public var size: Distribution
  public var largest: Int
  public var accounts: Int
  /// Exponent of Zipf's law of accounts; 0 is uniform.
  public var skew: Double
  /// Client hosts, spread over the regions as the nodes are.
  public var hosts: Int
  public var bundle: Int
  public var header: Int
  public var timeout: SimDuration
  public var submitsToAll: Bool
  /// Nobody submits after this; `nil`: until the end of the run.
  public var until: SimDuration?
}

extension WorkloadPlan {
  init(_ section: Section) throws {
    arrivals = try section.variant(
      "arrivals",
      [
        Alternative(
          "poisson", "open loop: a Poisson process, over all clients",
          value: { section, key in
            .poisson(
              rate: section.rate(key, in: 1e-6...1e9, "transactions submitted per second"))
          }),
        Alternative(
          "closed", "closed loop: each client waits for its reply, thinks, submits again",
          section: { closed in
            .closed(
              clients: closed.count("clients", in: 1...10_000_000, "how many clients"),
              think: closed.random(
                "think", of: .duration, default: .constant(0), "time between reply and request"
              ).distribution.scaled(by: 1e-9))
          }),
      ], "when transactions are submitted")
    (size, largest, accounts, skew) = try section.section("transactions", "what is submitted") {
      transactions in
      let size = transactions.random(
        "size", of: .bytes, in: 1...1e9, "bytes of a transaction, signature included")
      let largest = transactions.bytes(
        "largest", default: 4_194_304, in: 1...1_000_000_000, "drawn sizes are cut off here",
        source: "CometBFT's largest transaction")
      let accounts = transactions.count(
        "accounts", default: 100_000, in: 2...1_000_000_000, "accounts that take part",
        source: "a round number; YCSB and SmallBank use 1e3 to 1e6")
      let skew = try transactions.variant(
        "skew", default: "uniform",
        [
          Alternative("uniform", "every account alike", section: { _ in 0 }),
          Alternative(
            "zipf", "by Zipf's law",
            value: { $0.number($1, in: 0...4, "exponent; YCSB uses 0.99") }),
        ], "how accounts are chosen")
      return (size.distribution, largest, accounts, skew)
    }
    until = section.optional("until") {
      $0.duration(
        $1, in: .nanoseconds(1) ... .seconds(1_000_000_000), "nobody submits after this")
    }
    (hosts, bundle, header, timeout, submitsToAll) = section.section(
      "clients", "how clients reach the chain"
    ) { clients in
      (
        clients.count(
          "hosts", default: 1, in: 1...10_000, "machines that clients share, on ideal links",
          source: "one host stands for a population"),
        clients.count(
          "bundle", default: 1, in: 1...100_000, "transactions in one message",
          source: "clients send alone"),
        clients.bytes(
          "header", default: 100, in: 0...1_000_000, "bytes of a request beside its transactions",
          source: "assumption: 40 B TCP/IP, identity, timestamp, MAC"),
        clients.duration(
          "timeout", default: .seconds(10), in: .milliseconds(1) ... .seconds(100_000_000),
          "without a reply quorum, a client tries again after this, then after twice this",
          source: "assumption: above every protocol's usual latency here"),
        clients.flag(
          "submit-to-all", default: false, "every replica gets every request at once",
          source: "Castro & Liskov, §4.1: to the primary first")
      )
    }
  }
}

extension WorkloadPlan {
  /// Fixed sizes cost nothing to know; drawn ones are a function of the transaction's number.
  var transactionSize: TransactionSizes.Size {
    if case .constant(let bytes) = size { return .fixed(Int(bytes)) }
    return .drawn(size, atMost: largest)
  }
}

extension Distribution {
  /// The same shape in another unit.
  func scaled(by factor: Double) -> Distribution {
    switch self {
    case .constant(let value): .constant(value * factor)
    case .uniform(let low, let high): .uniform(low: low * factor, high: high * factor)
    case .exponential(let mean): .exponential(mean: mean * factor)
    case .normal(let mean, let deviation, let min):
      .normal(mean: mean * factor, deviation: deviation * factor, min: min * factor)
    case .lognormal(let median, let sigma): .lognormal(median: median * factor, sigma: sigma)
    case .pareto(let scale, let shape): .pareto(scale: scale * factor, shape: shape)
    case .gamma(let mean, let shape): .gamma(mean: mean * factor, shape: shape)
    }
  }
}
