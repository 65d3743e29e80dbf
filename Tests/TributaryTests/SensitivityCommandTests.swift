import Foundation
import Testing

/// Which constants a result rests on, where theory says which.
@Suite("Sensitivity from the command line", .serialized)
struct SensitivityCommandTests {
  /// Machines and links cost nothing and nobody waits for a batch: a transaction takes five delays
  /// and nothing else, whatever its size.
  private static let text = """
    tributary: 1
    name: ideal
    replications: 3
    until: 4 s
    measure: transient
    network: { delay: 10 ms, nodes: 4 }
    machines: { cpu: ideal, costs: free }
    chains: [{ name: main, consensus: { pbft: { batch: 1, batch-timeout: 0 s, pipeline: 100 } } }]
    workload: { arrivals: { poisson: 50 /s }, transactions: { size: 100 B } }
    sensitivity:
      over: { network.delay: { uniform: { from: 5 ms, to: 25 ms } } }
      outputs: [latency_mean]
      points: 8
      repetitions: 3
    """

  private func write(_ text: String, _ folder: TemporaryFolder) throws -> String {
    let file = folder.path + "/ideal.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  @Test("latency of five delays rests on the delay alone, in proportion")
  func delays() throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.text, folder)
    let end = try Program.run([
      "sensitivity", file, "--over", "workload.transactions.size=100 B..1000 B", "--json", "--out",
      folder.path + "/out",
    ])
    #expect(end.status == 0, "\(end.errors)")
    let outputs = try #require(
      JSONSerialization.jsonObject(with: Data(end.output.utf8)) as? [[String: Any]])
    let output = try #require(outputs.first)
    #expect(outputs.count == 1 && output["metric"] as? String == "main.latency_mean")
    let inputs = try #require(output["inputs"] as? [[String: Any]])
    func mean(_ index: Int, _ key: String) throws -> Double {
      try #require((inputs[index][key] as? [String: Any])?["mean"] as? Double)
    }
    #expect(
      inputs.map { $0["input"] as? String } == ["network.delay", "workload.transactions.size"])
    #expect(try abs(mean(0, "elasticity") - 1) < 1e-6)
    #expect(try abs(mean(0, "firstOrder") - 1) < 1e-6)
    #expect(try abs(mean(1, "total")) < 1e-6 && abs(mean(1, "elasticity")) < 1e-6)
    let middle = try #require((output["atMedians"] as? [String: Any])?["mean"] as? Double)
    #expect(abs(middle - 0.075) < 1e-6, "five times 15 ms")
    let low = try #require(output["predictedLow"] as? Double)
    #expect((0.025...0.035).contains(low))
    let table = try String(contentsOfFile: folder.path + "/out/sensitivity.csv", encoding: .utf8)
    #expect(table.split(separator: "\n").count == 3)
    // What the command line added stands in the scenario that is saved, which says it all alone.
    let saved = folder.path + "/out/scenario.yaml"
    let text = try String(contentsOfFile: saved, encoding: .utf8)
    #expect(text.contains("workload.transactions.size") && text.contains("1000 B"), "\(text)")
    let alone = try Program.run([
      "sensitivity", saved, "--json", "--out", folder.path + "/alone",
    ])
    #expect(alone.output == end.output, "\(alone.errors)")
    // The same again is the same bytes, over the old result.
    let again = try Program.run([
      "sensitivity", file, "--over", "workload.transactions.size=100 B..1000 B", "--json", "--out",
      folder.path + "/out", "--jobs", "1",
    ])
    #expect(again.output == end.output)
  }

  @Test("an ablation says what each part contributes")
  func ablation() throws {
    let folder = try TemporaryFolder()
    let file = try write(
      Self.text.replacing("nodes: 4 }", with: "nodes: 4, uplink: 1 Mbit/s, downlink: 1 Mbit/s }")
        .replacing("machines: { cpu: ideal, costs: free }", with: "machines: { costs: free }"),
      folder)
    let end = try Program.run([
      "sensitivity", file, "--ablate", "--out", folder.path + "/out",
    ])
    #expect(end.status == 0, "\(end.errors)")
    #expect(
      end.output.contains("ideal nic is 1.") && end.output.contains("x faster than none in m"))
    #expect(end.output.contains("ideal transport and none are equal in main.latency_mean"))
    #expect(end.output.contains("ideal mempool and none are equal in main.latency_mean"))
  }

  @Test(
    "mistakes are exit 65 and name the line, or 64",
    arguments: [
      ("from: 5 ms, to: 25 ms", "from: 25 ms, to: 5 ms", ["ideal.yaml:11", "above 'from'"], 65),
      ("uniform:", "unifrom:", ["ideal.yaml:11", "must be one distribution"], 65),
      ("network.delay:", "network.dealy:", ["ideal.yaml:11", "dealy", "'delay'"], 65),
      ("points: 8", "points: 9", ["ideal.yaml:13", "power of 2"], 65),
      ("outputs: [latency_mean]", "outputs: [speed]", ["no metric is called speed"], 65),
      ("25 ms", "25 MB", ["ideal.yaml:11", "same unit"], 65),
    ])
  func mistakes(part: String, change: String, needles: [String], status: Int32) throws {
    let folder = try TemporaryFolder()
    let text = Self.text.replacing(part, with: change)
    let file = try write(text.replacing("repetitions: 3", with: "repetitions: 2"), folder)
    let end = try Program.run(["sensitivity", file, "--points", "8", "--out", folder.path + "/out"])
    #expect(end.status == status, "\(end.errors)")
    for needle in needles { #expect(end.errors.contains(needle), "\(end.errors)") }
  }

  @Test(
    "--over must have a key, two ends and one unit",
    arguments: ["x", "a=1", "a=1 s..2 B", "a=2..1"])
  func over(argument: String) throws {
    let folder = try TemporaryFolder()
    let file = try write(Self.text, folder)
    let end = try Program.run(["sensitivity", file, "--over", argument])
    #expect(end.status == 65 && end.errors.contains("--over \(argument)"), "\(end.errors)")
  }
}
