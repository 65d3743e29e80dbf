import Scenarios
import Testing

@Suite("Describing a scenario")
struct DescribeTests {
  let keys = Dictionary(
    uniqueKeysWithValues: ((try? Section.describe { try SampleScenario($0) }) ?? [])
      .map { ($0.path, $0) })

  @Test("every key of every alternative is described by the code that reads it")
  func paths() throws {
    let paths = try Section.describe { try SampleScenario($0) }.map(\.path)
    #expect(
      paths == [
        "name", "seed", "until.decisions", "until.at-most", "until", "network", "network.uplink",
        "network.transport", "network.nodes", "network.nodes.<region>", "network.delay", "chains",
        "chains[].name", "chains[].consensus", "chains[].consensus.pbft",
        "chains[].consensus.pbft.batch", "chains[].consensus.pbft.view-timeout",
        "chains[].consensus.praos", "chains[].consensus.praos.f", "chains[].consensus.layered",
        "chains[].consensus.layered.local", "workload", "workload.arrivals",
        "workload.arrivals.poisson", "workload.arrivals.bursts",
        "workload.arrivals.bursts.peak", "workload.size", "faults", "faults[].at",
        "faults[].crash", "faults[].for", "faults[].loss", "faults[].link", "retries",
      ])
  }

  @Test("a description has the default, the range, the unit, the sentence and the source")
  func contents() throws {
    let timeout = try #require(keys["chains[].consensus.pbft.view-timeout"])
    #expect(timeout.type == "duration")
    #expect(timeout.standard == "2 s")
    #expect(timeout.allowed == "1 ms to 1 h")
    #expect(timeout.unit?.contains("ms") == true)
    #expect(timeout.sentence == "how long a backup waits for the primary")
    #expect(timeout.source == "Castro & Liskov, §4.4")
    #expect(!timeout.isRequired)
    #expect(keys["name"]?.isRequired == true)
    #expect(keys["retries"]?.isRequired == false)
    #expect(keys["network.transport"]?.allowed == "message, stream")
    #expect(keys["network.uplink"]?.standard == "1 Gbit/s")
    #expect(keys["network.delay"]?.standard == "5 ms")
    #expect(keys["chains[].consensus"]?.allowed == "pbft, praos, layered")
    #expect(keys["chains[].consensus.praos.f"]?.standard == "5 %")
  }

  @Test("the document describes the keys that it uses up itself")
  func ownKeys() {
    #expect(
      ScenarioDocument.ownKeys.map(\.path).prefix(4) == [
        "tributary", "minimal", "sweep", "sensitivity",
      ])
  }
}
