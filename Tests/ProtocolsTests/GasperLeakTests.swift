import Kernel
import Protocols
import Simulation
import Testing

/// The specification's recurrence for two classes of validators, those online and those offline,
/// from the text of phase0, altair, bellatrix and electra, in integers. It shares no code with the
/// protocol.
private struct LeakRecurrence {
  let online: UInt64
  let offline: Int
  var balance: UInt64 = 32_000_000_000
  var effective: UInt64 = 32_000_000_000
  var score: UInt64 = 0
  /// Epoch in which each offline validator leaves; all leave in order of index.
  var exits: [Int]
  var earliestExit = 0
  var exitBudget: UInt64 = 0
  var justified = (previous: 0, current: 0)
  var bits = [false, false, false, false]
  var finalized = 0

  init(online: Int, offline: Int) {
    self.online = UInt64(online)
    self.offline = offline
    exits = Array(repeating: .max, count: offline)
  }

  func total(in epoch: Int) -> UInt64 {
    online * 32_000_000_000 + effective * UInt64(exits.filter { $0 > epoch }.count)
  }

  func root(_ n: UInt64) -> UInt64 {
    var x = UInt64(Double(n).squareRoot())
    while x * x > n { x -= 1 }
    while (x + 1) * (x + 1) <= n { x += 1 }
    return x
  }

  /// The end of `epoch`.
  mutating func process(_ epoch: Int) {
    let total = total(in: epoch)
    if epoch > 1 {
      let old = justified
      justified.previous = justified.current
      bits = [false] + bits.prefix(3)
      // All who are online are on the chain by the end of the next epoch, never by the end of
      // their own: the votes of its last slot are not.
      if online * 32_000_000_000 * 3 >= total * 2 {
        justified.current = epoch - 1
        bits[1] = true
      }
      if bits[1], bits[2], bits[3], old.previous + 3 == epoch { finalized = old.previous }
      if bits[1], bits[2], old.previous + 2 == epoch { finalized = old.previous }
    }
    guard epoch > 0 else { return }
    let isLeaking = epoch - 1 - finalized > 4
    score += 4
    if !isLeaking { score -= min(16, score) }
    let base = effective / 1_000_000_000 * (64_000_000_000 / root(total))
    for penalty in [base * 14 / 64, base * 26 / 64, effective * score / (4 * 16_777_216)] {
      balance -= min(balance, penalty)
    }
    if effective <= 16_000_000_000 { eject(at: epoch, total) }
    if balance + 250_000_000 < effective { effective = balance / 1_000_000_000 * 1_000_000_000 }
  }

  mutating func eject(at epoch: Int, _ total: UInt64) {
    let churn = min(256_000_000_000, max(128_000_000_000, total / 65_536))
    for v in exits.indices where exits[v] == .max {
      var at = max(earliestExit, epoch + 5)
      var budget = earliestExit < at ? churn : exitBudget
      if effective > budget {
        let more = (effective - budget - 1) / churn + 1
        at += Int(more)
        budget += more * churn
      }
      exitBudget = budget - effective
      earliestExit = at
      exits[v] = at
    }
  }
}

@Suite("Gasper: the inactivity leak")
struct GasperLeakTests {
  @Test(
    "finality comes back at the very epoch of the specification's recurrence",
    arguments: [34, 40, 50, 60])
  func finalityReturns(offline: Int) {
    let validators = offline == 34 ? 300 : 320
    let absent = validators * offline / 100
    var recurrence = LeakRecurrence(online: validators - absent, offline: absent)
    var epoch = 0
    while recurrence.finalized == 0, epoch < 10_000 {
      recurrence.process(epoch)
      epoch += 1
    }
    var setup = GasperSetup(nodes: 2, validators: validators)
    setup.settings.offline = Gasper.Misbehaviour(share: Double(offline) / 100)
    let run = setup.makeRun()
    run.simulation.run(until: slots(32 * (epoch - 1) + 31))
    #expect(run.chain.protocols.allSatisfy { $0.finalized.epoch == 0 })
    run.simulation.run(until: slots(32 * epoch))
    #expect(run.chain.protocols.allSatisfy { Int($0.finalized.epoch) == recurrence.finalized })
    #expect(run.simulation.world.violations.isEmpty)
  }
}
