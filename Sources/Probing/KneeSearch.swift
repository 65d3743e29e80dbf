import Statistics

/// What a system did under one offered load, in the second half of a run.
public struct LoadSample: Sendable, Equatable {
  /// Transactions submitted and decided per second.
  public var offered: Double
  public var served: Double
  /// Mean time from submission to decision of those decided, in seconds; `nil` if none was.
  public var latency: Double?

  public init(offered: Double, served: Double, latency: Double?) {
    self.offered = offered
    self.served = served
    self.latency = latency
  }
}

/// Finds the knee: the largest offered load at which backlog and latency stay bounded.
///
/// **Backlog** is bounded at a load if at least 1 - `slack` of what is submitted in the second half
/// of a run is decided in it: a queue that is stable serves what comes, one that is not grows by
/// what it cannot serve. Just past the knee a system serves its capacity; so the load at which the
/// share falls to 1 - slack is capacity / (1 - slack), and the knee is what is served there.
/// **Latency**, if `latencyFactor` is given, is bounded if its mean is at most that many times what
/// it is at the lowest load; the knee is then the smaller of the two.
///
/// Each replication is searched by itself, with the same random streams at all loads: doubling from
/// the lowest load, then bisection. The interval is that of the mean over replications, widened by
/// half the last bracket. It does not hold what a longer run would show: near the knee queues take
/// long to grow, so that runs should last hundreds of times the latency.
public struct KneeSearch: Sendable {
  public let lowest: Double
  public let highest: Double
  public let slack: Double
  public let latencyFactor: Double?
  /// Width of the last bracket over the load.
  public let precision: Double

  /// - Parameters:
  ///   - lowest, highest: loads between which to look, transactions per second.
  ///   - slack: in 0 ..< 1; below the noise of a run's second half everything seems unbounded.
  ///   - latencyFactor: above 1.
  ///   - precision: in 0 ..< 1.
  public init(
    lowest: Double, highest: Double, slack: Double = 0.02, latencyFactor: Double? = nil,
    precision: Double = 0.01
  ) {
    precondition(lowest > 0 && lowest < highest, "loads from \(lowest) to \(highest)")
    precondition(slack >= 0 && slack < 1 && precision > 0 && precision < 1, "slack \(slack)")
    precondition(latencyFactor ?? 2 > 1, "latency at most \(latencyFactor ?? 0) times its least")
    self.lowest = lowest
    self.highest = highest
    self.slack = slack
    self.latencyFactor = latencyFactor
    self.precision = precision
  }

  /// What bounds the load that was found.
  public enum Limit: String, Sendable {
    case backlog, latency
    /// The highest load is still bounded.
    case none
    /// The lowest load is not bounded.
    case everything
  }

  /// The knee of one replication.
  public struct Found: Sendable, Equatable {
    public var load: Double
    public var limit: Limit
    /// Loads that were tried, in order, and what the system did under each.
    public var tried: [Double]
    public var samples: [LoadSample]
  }

  /// Searches with `measure`, which says what one replication does under a load.
  public func find(_ measure: (Double) -> LoadSample) -> Found {
    var tried = [lowest]
    let base = measure(lowest)
    var samples = [base]
    func found(_ load: Double, _ limit: Limit) -> Found {
      Found(load: load, limit: limit, tried: tried, samples: samples)
    }
    guard isServed(base) else { return found(lowest, .everything) }
    func limit(at load: Double) -> Limit {
      tried.append(load)
      let sample = measure(load)
      samples.append(sample)
      guard isServed(sample) else { return .backlog }
      guard let factor = latencyFactor, let least = base.latency else { return .none }
      return (sample.latency ?? .infinity) > factor * least ? .latency : .none
    }
    var low = lowest
    var high = lowest
    var binding = Limit.none
    while binding == .none {
      guard high < highest else { return found(highest, .none) }
      low = high
      high = min(high * 2, highest)
      binding = limit(at: high)
    }
    while high - low > precision * low {
      let middle = (low + high) / 2
      let bound = limit(at: middle)
      if bound == .none {
        low = middle
      } else {
        high = middle
        binding = bound
      }
    }
    let load = (low + high) / 2
    return found(binding == .backlog ? load * (1 - slack) : load, binding)
  }

  private func isServed(_ sample: LoadSample) -> Bool {
    sample.served >= (1 - slack) * sample.offered
  }
}

/// The knee over replications.
public struct KneeEstimate: Sendable {
  public let found: [KneeSearch.Found]
  /// Transactions per second, with a 95 % interval.
  public let load: Double
  public let low: Double
  public let high: Double

  /// - Parameter found: of at least one replication.
  public init(_ found: [KneeSearch.Found], precision: Double) {
    self.found = found
    let estimate = MeanEstimate(found.map(\.load))
    load = estimate.mean
    let bracket = precision / 2 * estimate.mean
    // One replication says nothing of its spread.
    low = estimate.low.isFinite ? estimate.low - bracket : .nan
    high = estimate.high.isFinite ? estimate.high + bracket : .nan
  }

  /// What bounded the load in most replications.
  public var limit: KneeSearch.Limit {
    let limits: [KneeSearch.Limit] = [.backlog, .latency, .none, .everything]
    func count(_ limit: KneeSearch.Limit) -> Int { found.count { $0.limit == limit } }
    return limits.max { count($0) < count($1) } ?? .none
  }
}
