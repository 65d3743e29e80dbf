import Metrics
import Reporting
import Testing

@Suite("Replications until a mean is known") struct StoppingTests {
  let scratch = Scratch()

  /// Two points: the values of the first agree after a few replications, those of the second never.
  private func experiment(
    _ goals: [StoppingRule.Goal] = [.init("throughput", precision: 0.05)], atLeast: Int = 4
  ) -> Experiment {
    var experiment = Fixture.experiment("stopped", [[("n", "1")], [("n", "2")]], 30)
    experiment.stopping = StoppingRule(goals, atLeast: atLeast)
    return experiment
  }

  private func outcome(_ id: RunID) -> Outcome {
    let noise = Double((id.replication * 7919 + 13) % 97) / 97 - 0.5
    var outcome = Outcome()
    outcome.metrics = [
      .init("main.throughput", "tx/s", 100 * (1 + (id.point == 0 ? 0.2 : 3) * noise)),
      .init("main.latency_p99", "s", 2 + 0.01 * noise),
    ]
    return outcome
  }

  /// Does what the folder asks for, with so many runs at a time that end in reverse order.
  private func run(_ name: String, _ experiment: Experiment, jobs: Int) throws -> SweepResult {
    let folder = try ResultFolder(scratch.path + "/" + name, for: experiment)
    while true {
      let ids = (0..<jobs).compactMap { _ in folder.take() }
      if ids.isEmpty { return try folder.finish() }
      for id in ids.reversed() { try folder.append(RunRecord(id, outcome(id))) }
    }
  }

  @Test("each point ends with the first replication in order that makes its interval small enough")
  func ends() throws {
    let result = try run("a", experiment(), jobs: 1)
    let counts = result.records.map(\.count)
    #expect(counts[0] > 4 && counts[0] < 30 && counts[1] == 30, "\(counts)")
    func relative(_ count: Int) throws -> Double {
      let outcomes = result.records[0].prefix(count).map(\.outcome)
      let part = SweepResult(
        Fixture.experiment("part", [[("n", "1")]], count),
        records: [
          outcomes.enumerated().map { index, outcome in
            RunRecord(
              RunID(point: 0, replication: index, seed: UInt64(index + 1) << 40), outcome)
          }
        ])
      let estimate = try #require(Summary(part).points[0]["main.throughput"]?.estimate)
      return (try #require(estimate.high) - estimate.mean) / estimate.mean
    }
    #expect(try relative(counts[0]) <= 0.05)
    for fewer in 4..<counts[0] { #expect(try relative(fewer) > 0.05) }
    let manifest = Scratch.text(scratch.path + "/a/manifest.json")
    #expect(manifest.contains("after 30 replications, where 5 % was wanted"))
    #expect(result.notices.map(\.point) == [1])
  }

  @Test("the result does not depend on how many run at once", arguments: [2, 3, 7, 64])
  func jobs(jobs: Int) throws {
    _ = try run("a", experiment(), jobs: 1)
    _ = try run("b", experiment(), jobs: jobs)
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
  }

  @Test("nor on interruptions, even if more was done than counts", arguments: [1, 5, 11, 40])
  func interruption(after count: Int) throws {
    let experiment = experiment()
    _ = try run("a", experiment, jobs: 1)
    do {
      let folder = try ResultFolder(scratch.path + "/b", for: experiment)
      var ids: [RunID] = []
      while ids.count < count, let id = folder.take() { ids.append(id) }
      for id in ids.reversed() { try folder.append(RunRecord(id, outcome(id))) }
    }
    _ = try run("b", experiment, jobs: 2)
    #expect(Scratch.contents(scratch.path + "/a") == Scratch.contents(scratch.path + "/b"))
  }

  @Test("several goals are all reached") func goals() throws {
    let one = try run("a", experiment([.init("main.latency_p99", precision: 0.1)]), jobs: 1)
    #expect(one.records.map(\.count) == [4, 4])
    let both = try run(
      "b",
      experiment([
        .init("main.latency_p99", precision: 0.1), .init("throughput", precision: 0.05),
      ]), jobs: 1)
    #expect(both.records[0].count > 4)
  }

  @Test("a goal that no metric has the name of is known after the first replication")
  func missing() throws {
    let folder = try ResultFolder(
      scratch.path + "/a", for: experiment([.init("thruput", precision: 0.1)]))
    #expect(folder.missingGoal == nil)
    let id = try #require(folder.take())
    try folder.append(RunRecord(id, outcome(id)))
    #expect(folder.missingGoal?.metric == "thruput")
    // A part of a name is none.
    let other = try ResultFolder(
      scratch.path + "/b", for: experiment([.init("put", precision: 0.1)]))
    try other.append(RunRecord(id, outcome(id)))
    #expect(other.missingGoal != nil)
  }

  @Test("few replications are warned of") func few() throws {
    let result = Fixture.result(Fixture.comparison(replications: 4))
    #expect(result.notices.first?.text.hasPrefix("too few replications: 4;") == true)
    #expect(Fixture.result(Fixture.comparison(replications: 5)).notices.isEmpty)
  }
}
