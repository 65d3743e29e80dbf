import ArgumentParser

/// The command line. Exit status: 0 good; 1 the answer is bad; 64 wrong usage; 65 a bad scenario or
/// data file; 74 output could not be written.
@main
struct Tributary: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tributary",
    abstract: "A deterministic simulator for research on blockchains and big data.",
    version: Version.text,
    subcommands: [
      Run.self, Sweep.self, Report.self, Compare.self, Sensitivity.self, Frontier.self, Rare.self,
      Knee.self, Reproduce.self, Explore.self, Check.self, List.self, Describe.self, Schema.self,
    ])
}

/// What this program is.
enum Version {
  static let text = "0.1.0"

  /// The compiler's language version, part of a result's identity.
  static var toolchain: String {
    #if swift(>=6.4)
      "Swift 6.4 or later"
    #elseif swift(>=6.3)
      "Swift 6.3"
    #elseif swift(>=6.2)
      "Swift 6.2"
    #else
      "Swift 6.1"
    #endif
  }
}

extension ExitCode {
  /// A monitor fired.
  static let badAnswer = ExitCode(1)
  /// A bad scenario or data file.
  static let badInput = ExitCode(65)
  /// Output could not be written.
  static let cannotWrite = ExitCode(74)
}
