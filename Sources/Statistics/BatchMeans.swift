/// The mean of one long, correlated sequence from its batch means (Law, *Simulation Modeling and
/// Analysis*, §9.5.3): batches long enough are nearly independent and normal.
public struct BatchMeans: Sendable, Equatable {
  /// Over the batch means.
  public let estimate: MeanEstimate
  /// Observations per batch.
  public let batchSize: Int
  /// Correlation of neighbouring batch means; clearly positive (> 2 / sqrt(batches)) means the
  /// batches are too short and the interval too narrow.
  public let lag1Correlation: Double

  /// - Parameters:
  ///   - observations: in order, warm-up removed, at least `batches`. What does not fill a batch is
  ///     left out at the start, where a rest of the warm-up would be.
  ///   - batches: at least 2.
  ///   - confidence: in (0, 1).
  public init(
    _ observations: some RandomAccessCollection<Double>, batches: Int = 20,
    confidence: Double = 0.95
  ) {
    precondition(batches >= 2, "\(batches) batches")
    precondition(observations.count >= batches, "\(observations.count) observations")
    batchSize = observations.count / batches
    var means: [Double] = []
    var sum = 0.0
    var inBatch = 0
    for value in observations.suffix(batchSize * batches) {
      sum += value
      inBatch += 1
      if inBatch == batchSize {
        means.append(sum / Double(batchSize))
        (sum, inBatch) = (0, 0)
      }
    }
    estimate = MeanEstimate(means, confidence: confidence)
    let center = estimate.mean
    let squares = means.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    let products = zip(means, means.dropFirst()).reduce(0) {
      $0 + ($1.0 - center) * ($1.1 - center)
    }
    lag1Correlation = squares > 0 ? products / squares : 0
  }
}
