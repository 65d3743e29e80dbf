/// The mean time in queue, before service, in units of the mean service time, of a single server
/// with Poisson arrivals. Add 1 for the time in the system.
public enum MeanWait {
  /// Pollaczek-Khinchine: rho / (1 - rho) times (1 + c²) / 2.
  /// - Parameters:
  ///   - load: rho, arrival rate times mean service time, at least 0; infinite from 1 on.
  ///   - squaredVariation: variance of the service time over its squared mean, at least 0.
  public static func mg1(load: Double, squaredVariation: Double) -> Double {
    precondition(load >= 0, "load \(load)")
    precondition(squaredVariation >= 0, "squared coefficient of variation \(squaredVariation)")
    return load < 1 ? load / (1 - load) * (1 + squaredVariation) / 2 : .infinity
  }

  /// Exponential service.
  public static func mm1(load: Double) -> Double { mg1(load: load, squaredVariation: 1) }

  /// Constant service.
  public static func md1(load: Double) -> Double { mg1(load: load, squaredVariation: 0) }
}
