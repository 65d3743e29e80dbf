import Consensus
import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Without one of its rules, Narwhal breaks, and a monitor says so")
struct NarwhalWeaknessTests {
  static let seeds = 1...20 as ClosedRange<UInt64>

  /// Exponential delays; validator 0 may lie.
  static func run<Rule: OrderingRule>(
    _ rule: Rule.Type, _ weakness: NarwhalSettings.Weakness, _ deceit: NarwhalSettings.Deceit,
    seed: UInt64
  ) -> Simulation {
    var run = faultyNarwhal(rule, n: 4, seed: seed)
    run.settings.weakness = weakness
    run.liars = deceit.isEmpty ? [:] : [0: deceit]
    run.until = ms(800)
    let simulation = run.start()
    simulation.run(until: ms(1500))
    return simulation
  }

  private func seen<Rule: OrderingRule>(
    _ rule: Rule.Type, _ weakness: NarwhalSettings.Weakness,
    _ deceit: NarwhalSettings.Deceit = []
  ) -> Int {
    Self.seeds.count {
      Self.run(rule, weakness, deceit, seed: $0).world.violations.contains {
        $0.monitor == "agreement"
      }
    }
  }

  private static let lies: [NarwhalSettings.Deceit] = [
    [], .equivocates, [.equivocates, .forgesCertificates],
  ]

  @Test("whole, it holds in the same runs", arguments: lies)
  func whole(deceit: NarwhalSettings.Deceit) {
    for seed in Self.seeds {
      let tusk = Self.run(TuskRule.self, [], deceit, seed: seed)
      let bullshark = Self.run(BullsharkRule.self, [], deceit, seed: seed)
      // The engine does not know that the protocol has a liar, and takes it for wrongly accused.
      for run in [tusk, bullshark] {
        #expect(run.world.violations.filter { $0.monitor != "accountability" } == [])
      }
      #expect(tusk.world.decisions[1] > 200)
      #expect(bullshark.world.decisions[1] > 200)
      let liars = deceit.isEmpty ? [] : [ReplicaID(0)]
      #expect(tusk.narwhal(TuskRule.self).equivocators == liars)
      #expect(bullshark.narwhal(BullsharkRule.self).equivocators == liars)
    }
  }

  @Test("quorums of 2f break agreement")
  func quorumOfTwoF() {
    #expect(seen(TuskRule.self, .quorumOfTwoF, .equivocates) >= 10)
    #expect(seen(BullsharkRule.self, .quorumOfTwoF, .equivocates) >= 10)
  }

  @Test("two votes for an author and a round break agreement")
  func votesTwice() {
    #expect(seen(TuskRule.self, .votesTwice, .equivocates) >= 10)
    #expect(seen(BullsharkRule.self, .votesTwice, .equivocates) >= 10)
  }

  @Test("certificates that are not checked break agreement")
  func trustsCertificates() {
    let lie: NarwhalSettings.Deceit = [.equivocates, .forgesCertificates]
    #expect(seen(TuskRule.self, .trustsCertificates, lie) >= 10)
    #expect(seen(BullsharkRule.self, .trustsCertificates, lie) >= 10)
  }
}
