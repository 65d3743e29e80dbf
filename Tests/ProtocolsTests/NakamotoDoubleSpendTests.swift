import Kernel
import Networking
import Protocols
import Simulation
import Statistics
import Testing

@Suite("Nakamoto: the double spender")
struct NakamotoDoubleSpendTests {
  struct Case: CustomTestStringConvertible {
    var q: Double
    var z: Int
    var attempts: Int
    var testDescription: String { "q = \(q), z = \(z)" }
  }

  static let cases =
    (1...6).map { Case(q: 0.1, z: $0, attempts: 60_000) }
    + (1...6).map { Case(q: 0.3, z: $0, attempts: 15_000) }

  @Test("catches up from behind z confirmations with probability I_4pq(z, 1/2)", arguments: cases)
  func success(of attack: Case) {
    let settings = Nakamoto.Settings(interval: .seconds(600), confirmations: attack.z)
    // (q / p)^deficit is below 1e-9.
    let deficit = attack.q < 0.2 ? 10 : 25
    let spender = DoubleSpender(confirmations: attack.z, deficit: deficit)
    var setup = ChainSetup(topology: mesh(2), blocks: .direct)
    setup.settings.retained = 40
    let run = setup.makeRun(
      seed: 11, genesis: Nakamoto.genesis(),
      protocols: [
        Nakamoto(settings: settings, hashRate: 1 - attack.q),
        Nakamoto(settings: settings, hashRate: attack.q, attack: spender),
      ])
    var until = SimTime.zero
    while run.chain.protocols[1].attack?.attempts ?? 0 < attack.attempts {
      until += .seconds(60_000_000)
      run.simulation.run(until: until)
    }
    guard let result = run.chain.protocols[1].attack else { return }
    let n = Double(result.attempts)
    let share = Double(result.successes) / n
    let exact = DoubleSpend.exact(q: attack.q, z: attack.z)
    let error = (exact * (1 - exact) / n).squareRoot()
    print(
      "q = \(attack.q), z = \(attack.z): \(share) of \(result.attempts), exact \(exact) +- \(error)"
        + ", Nakamoto \(DoubleSpend.nakamoto(q: attack.q, z: attack.z))")
    #expect(abs(share - exact) < 4 * error)
  }

  @Test("who is strictly longer makes the others give up z confirmed blocks")
  func reversal() {
    let settings = Nakamoto.Settings(interval: .seconds(600), confirmations: 2)
    let spender = DoubleSpender(confirmations: 2, lead: 1, deficit: 10)
    let setup = ChainSetup(topology: mesh(4), blocks: .direct)
    let run = setup.makeRun(
      seed: 3, genesis: Nakamoto.genesis(),
      protocols: [
        Nakamoto(settings: settings, hashRate: 0.2),
        Nakamoto(settings: settings, hashRate: 0.2),
        Nakamoto(settings: settings, hashRate: 0.2),
        Nakamoto(settings: settings, hashRate: 0.4, attack: spender),
      ])
    run.simulation.run(until: SimTime(nanoseconds: 600_000_000_000 * 20_000))
    let successes = run.chain.protocols[3].attack?.successes ?? 0
    #expect(successes > 50)
    #expect(run.chain.books.reversals > 0)
    #expect(run.chain.books.reorganisations[2...].reduce(0, +) >= successes)
    #expect(run.simulation.world.violations.isEmpty, "probabilistic finality is a metric")
  }
}
