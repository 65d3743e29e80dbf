/// Where the steady state of a sequence of observations begins: MSER-5.
///
/// White, "An effective truncation heuristic for bias reduction in simulation output", Simulation
/// 69(6), 1997; batches of five after White, Cobb & Spratt, WSC 2000. The truncation point
/// minimises the squared standard error of the mean of what is left.
///
/// Deviation: the last five batches are not candidates, since few values that happen to be equal
/// would always win.
public struct WarmUp: Sendable, Equatable {
  /// How many observations to delete from the start; a multiple of 5.
  public let deleted: Int
  /// More than half would have to be deleted (or there are fewer than ten batches): the run is too
  /// short, or has no steady state. Do not use its mean.
  public let isSuspicious: Bool

  /// The truncation point of one sequence; O(n) time, n / 5 numbers of memory.
  ///
  /// Do not cut each of several short replications at its own point and then average them: the
  /// point depends on the values, a chance burst early in a run is taken for warm-up, and the mean
  /// comes out low. On an M/M/1 queue at load 0.5 with 2000 customers a run it is 12 % low, and
  /// 95 % intervals over ten runs cover 81 %. Use `init(mser5Across:)` there.
  /// - Parameter observations: in the order they were made; a last incomplete batch is ignored.
  public init(mser5 observations: some RandomAccessCollection<Double>) {
    var batches: [Double] = []
    batches.reserveCapacity(observations.count / 5)
    var sum = 0.0
    var inBatch = 0
    for value in observations {
      sum += value
      inBatch += 1
      if inBatch == 5 {
        batches.append(sum / 5)
        (sum, inBatch) = (0, 0)
      }
    }
    self.init(batchMeans: batches)
  }

  /// The common truncation point of several replications: that of their average, in which bursts of
  /// single runs fade and the warm-up, which all share, remains (Hoad, Robinson & Davies,
  /// "Automating warm-up length estimation", JORS 61(9), 2010).
  /// - Parameter replications: at least one; what is beyond the end of the shortest is ignored.
  public init(mser5Across replications: [some RandomAccessCollection<Double>]) {
    precondition(!replications.isEmpty, "the warm-up of no replication")
    let batches = replications.map { $0.count / 5 }.min() ?? 0
    var sums = [Double](repeating: 0, count: batches)
    for replication in replications {
      for (index, value) in replication.prefix(batches * 5).enumerated() {
        sums[index / 5] += value
      }
    }
    self.init(batchMeans: sums.map { $0 / Double(5 * replications.count) })
  }

  private init(batchMeans batches: [Double]) {
    guard batches.count >= 10 else {
      deleted = 0
      isSuspicious = true
      return
    }
    // From the back, so that each candidate extends the mean and squares of the one after it.
    var mean = 0.0
    var squares = 0.0
    var count = 0.0
    var best = Double.infinity
    var cut = 0
    for start in batches.indices.reversed() {
      count += 1
      let before = batches[start] - mean
      mean += before / count
      squares += before * (batches[start] - mean)
      guard count >= 5 else { continue }
      let statistic = squares / (count * count)
      if statistic <= best {  // of equals the earliest: it deletes least
        best = statistic
        cut = start
      }
    }
    deleted = cut * 5
    isSuspicious = cut * 2 > batches.count
  }
}
