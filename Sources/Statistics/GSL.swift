import CGSL

/// The GNU Scientific Library, as this module uses it.
///
/// GSL's default error handler ends the process. It is turned off before the first call; arguments
/// are checked by preconditions of ours instead, and what GSL cannot compute is NaN or, for tails
/// below the smallest number, 0.
public enum GSL {
  /// Runs once, before the first call of anything that can fail.
  private static let handlerIsOff: Bool = {
    _ = gsl_set_error_handler_off()
    return true
  }()

  /// Every use of a GSL function goes through here.
  @inline(__always)
  static func call<T>(_ body: () -> T) -> T {
    precondition(handlerIsOff)
    return body()
  }

  /// The version of the library that is linked, for instance "2.7.1".
  public static var version: String { String(cString: gsl_version_string_value()) }
}
