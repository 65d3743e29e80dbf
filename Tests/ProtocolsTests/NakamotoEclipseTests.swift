import Kernel
import Networking
import Protocols
import Simulation
import Testing

/// An eclipse: for a while all that a victim hears comes from the attacker (Heilman, Kendler, Zohar
/// & Goldberg, USENIX Security 2015). To the victim the attacker's chain is the only one; the
/// others never hear of it. Links say so: the victim and the attacker's miner are on one side of a
/// partition.
@Suite("Nakamoto: the eclipse")
struct NakamotoEclipseTests {
  struct Case: CustomTestStringConvertible {
    /// Share of the attacker, confirmations, and length of the eclipse in block intervals.
    var q: Double
    var z: Int
    var length: Double
    var testDescription: String { "q = \(q), z = \(z), \(length) intervals" }
  }

  static func poisson(_ mean: Double, _ k: Int) -> Double {
    var p = 1.0
    // exp(-mean), by squaring a series of a small argument.
    var term = 1.0
    var sum = 1.0
    for j in 1...30 {
      term *= mean / 64 / Double(j)
      sum += term
    }
    for _ in 0..<6 { sum *= sum }
    p /= sum
    for j in 0..<k { p *= mean / Double(j + 1) }
    return p
  }

  /// The victim decides if the attacker finds z blocks; a of its blocks stand against h of the
  /// others when the eclipse ends, both Poisson. From then on whoever first finds a block that
  /// makes
  /// its chain the longer one wins, since nothing is told but with a block. With a >= h the others
  /// need a - h + 1 blocks in a row, with a < h the attacker needs h - a + 1.
  static func exact(_ attack: Case) -> Double {
    let (q, p) = (attack.q, 1 - attack.q)
    func power(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { y, _ in y * x } }
    var sum = 0.0
    for a in attack.z..<80 {
      for h in 0..<120 {
        let reverts = a >= h ? power(p, a - h + 1) : 1 - power(q, h - a + 1)
        sum += poisson(q * attack.length, a) * poisson(p * attack.length, h) * reverts
      }
    }
    return sum
  }

  /// Whether the victim had decided the payment in the first block when the eclipse ended, and has
  /// given it up since.
  static func isReverted(_ attack: Case, seed: UInt64) -> Bool {
    let settings = Nakamoto.Settings(interval: .seconds(600), confirmations: attack.z)
    let end = SimTime(nanoseconds: Int64(attack.length * 600e9))
    var setup = ChainSetup(topology: mesh(3), blocks: .direct)
    setup.partitions = [Partition(from: .zero, until: end, side: [0, 1, 1])]
    setup.settings.retained = 100_000
    let run = setup.makeRun(
      seed: seed, genesis: Nakamoto.genesis(),
      protocols: [
        Nakamoto(settings: settings, hashRate: 1 - attack.q),
        Nakamoto(settings: settings, hashRate: attack.q),
        Nakamoto(settings: settings, hashRate: 0),
      ])
    run.simulation.run(until: end)
    let victim = run.chain.protocols[2].head
    guard Int(run.chain.blocks[victim].height) >= attack.z else { return false }
    let payment = run.chain.blocks.ancestor(of: victim, at: 1)
    #expect(run.chain.blocks[payment].miner == 1)
    run.simulation.run(until: end + .seconds(600 * 60))
    #expect(run.simulation.world.violations.isEmpty, "probabilistic finality is a metric")
    return !run.chain.blocks.isAncestor(payment, of: run.chain.protocols[2].head)
  }

  @Test(
    "reverts what the victim decided with the probability of the closed form",
    arguments: [
      Case(q: 0.1, z: 1, length: 10), Case(q: 0.3, z: 2, length: 10),
      Case(q: 0.3, z: 6, length: 20), Case(q: 0.45, z: 3, length: 5),
    ])
  func success(of attack: Case) {
    let runs = 4_000
    let reverted = (1...runs).filter { Self.isReverted(attack, seed: UInt64($0)) }.count
    let share = Double(reverted) / Double(runs)
    let exact = Self.exact(attack)
    let error = (exact * (1 - exact) / Double(runs)).squareRoot()
    print("eclipse, \(attack): \(share), exact \(exact) +- \(error)")
    #expect(abs(share - exact) < 4 * error)
  }
}
