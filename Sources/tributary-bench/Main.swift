/// Prints what the simulator costs: `tributary-bench [NAME...]`, all benches if none is named but
/// those that are large, which take minutes and gigabytes: `tributary-bench --large` runs them.
///
/// User CPU time, not wall time: other work on the machine disturbs it less. Trust ratios, and the
/// least of several runs.
@main
enum Main {
  /// One file a bench; each is listed here.
  static let benches: [Bench] = [
    Phold.bench, Samplers.bench, Agreement.bench, Agreement.hotStuff, Heights.bench, Dag.bench,
    SimBlock.bench,
    Beacon.bench, Beacon.growth, Memory.bench,
    Jobs.bench,
  ]

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    let isLarge = arguments.contains("--large")
    let names = arguments.filter { $0 != "--large" }
    let known = benches.map(\.name)
    for name in names where !known.contains(name) {
      print("unknown bench '\(name)'; known are \(known.joined(separator: ", "))")
      exit(status: 64)
    }
    print(Row.head)
    for bench in benches
    where names.isEmpty ? bench.isLarge == isLarge : names.contains(bench.name) {
      bench.run { print($0) }
    }
  }
}
