import Exploration
import Statistics
import Testing

/// Chains that decide by depth may take back what they decided, as seldom as their analysis says.
@Suite("Reversals in swarms") struct ReversalTests {
  /// Decided blocks of a swarm of Nakamoto's chain, those taken back, and how many may be by Guo
  /// and Ren's bound, each trial with its own nodes that stay silent or stop, and its own delays.
  private func count(
    k: Int, interval: Double, seeds: ClosedRange<UInt64>, settings: [String] = []
  ) throws -> (decided: Int, reversed: Int, allowed: Double) {
    let chain = "chains.0.consensus.nakamoto"
    let swarm = try SwarmTests.swarm(
      "nakamoto.yaml",
      ["\(chain).confirmations=\(k)", "\(chain).interval=\(interval) s"]
        + settings.map { "\(chain).\($0)" })
    var all = (decided: 0, reversed: 0, allowed: 0.0)
    for seed in seeds {
      let trial = swarm.trial(seed: seed)
      let verdict = try swarm.run(trial)
      // A body is asked for when its header is there: three passages of at most 50 ms.
      let away = min(Self.away(trial), trial.nodes)
      let bound = Reversal.sharpBound(
        adversary: Double(away) / Double(trial.nodes), blocksInDelay: 0.15 / interval,
        confirmations: k)
      all.decided += verdict.decisions
      all.reversed += verdict.reversals
      all.allowed += bound * Double(verdict.decisions)
    }
    return all
  }

  /// Nodes that make no blocks at some time, all of them at once at worst.
  private static func away(_ trial: Trial) -> Int {
    trial.disturbances.reduce(0) { count, disturbance in
      guard disturbance.text.contains("silent") else {
        return count + (disturbance.text.contains("crash") ? 1 : 0)
      }
      let list = disturbance.text.split(separator: "\"", omittingEmptySubsequences: false)
      return count + (list.count > 1 ? list[1].split(separator: ",").count : 0)
    }
  }

  @Test("decided blocks are taken back no more often than the bound allows", arguments: [3, 6, 10])
  func seldom(k: Int) throws {
    let found = try count(k: k, interval: 1, seeds: 1...150)
    #expect(found.decided > 1000)
    #expect(Double(found.reversed) <= found.allowed, "\(found)")
  }

  @Test("an attacker with 45 % of the hash rate breaks what is allowed without one")
  func attacked() throws {
    let found = try count(
      k: 6, interval: 1, seeds: 1...40,
      settings: ["attacker-share=0.45", "attacker-confirmations=6"])
    let allowed = Reversal.sharpBound(adversary: 0, blocksInDelay: 0.15, confirmations: 6)
    #expect(allowed < 0.01)
    #expect(Double(found.reversed) > allowed * Double(found.decided), "\(found)")
    let without = try count(k: 6, interval: 1, seeds: 1...40)
    #expect(Double(without.reversed) <= allowed * Double(without.decided), "\(without)")
  }

  @Test("so few confirmations and so short an interval that blocks are taken back indeed")
  func often() throws {
    let found = try count(k: 2, interval: 0.2, seeds: 1...60)
    #expect(found.reversed > 0)
    // What the bound of many more confirmations allows is less than that: the test above can fail.
    let allowed = Reversal.bound(adversary: 0, blocksInDelay: 0.15, confirmations: 20)
    #expect(Double(found.reversed) > allowed * Double(found.decided))
  }
}
