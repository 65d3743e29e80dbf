import Foundation

/// What Ctrl-C does: nothing is lost that was finished, and the user is told so.
///
/// Every finished replication already stands on the disk under its final name, so that the handler
/// has nothing to save; it only speaks and leaves, with calls that are safe in a handler.
enum Interruption {
  /// Exit status of a program that Ctrl-C has ended, by the shells' convention.
  static let status: Int32 = 130

  static func listen() {
    signal(SIGINT) { _ in
      let text: StaticString =
        "\ntributary: interrupted; finished replications are kept, run again to go on from them\n"
      _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
      _exit(Interruption.status)
    }
  }
}
