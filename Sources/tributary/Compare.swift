import ArgumentParser
import Reporting

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say by how much results differ, with intervals, one sentence a metric.",
    discussion: """
      The first result, or the first value of the parameter given by --by, is what the others are \
      compared with, unless --base names another. Replications on equal seeds are paired; \
      p-values are adjusted for the number of tests (Holm). Results of different versions or \
      workloads are refused.
      """)

  @Argument(help: "Result folders.")
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "Compare the values of a swept parameter, such as chains.main.consensus.", valueName: "key"))
  var by: String?

  @Option(
    help: ArgumentHelp(
      "Compare with this result, or value of the parameter: the name that sentences call it by.",
      valueName: "system"))
  var base: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Compare this metric, such as throughput or main.latency_p99; may be repeated.",
      valueName: "name"))
  var metric: [String] = []

  @Flag(help: "Compare every metric that the results have in common.")
  var all = false

  @Flag(help: "Compare also results of different versions or workloads.")
  var anyway = false

  @Option(
    help: ArgumentHelp(
      "The page; by default beside the first folder, called after what is compared.",
      valueName: "file"))
  var out: String?

  @Flag(help: "Print JSON instead of sentences.")
  var json = false

  func validate() throws {
    guard !folders.isEmpty else { throw ValidationError("Name at least one result folder.") }
    if all, !metric.isEmpty { throw ValidationError("Give --all or --metric, not both.") }
  }

  func run() throws {
    let choice: Comparison.Choice = all ? .all : metric.isEmpty ? .key : .named(metric)
    let comparison: Comparison
    do throws(ComparisonError) {
      let found = try Comparison(
        folders, by: by, base: base, choice: choice, isAnyway: anyway)
      for note in found.notes { complain("tributary: \(note)") }
      print(json ? found.json : found.text, terminator: "")
      comparison = found
    } catch {
      complain("tributary: \(error)")
      throw ExitCode.badInput
    }
    let page = out ?? ResultIndex.folder(holding: folders[0]) + "/" + comparison.pageName
    try reportingFailures { try SavedFile.write(comparison.page, to: page) }
    if !json { print("Page: \(page)") }
  }
}
