import Consensus
import Kernel
import Machines
import Networking
import Protocols
import Simulation
import Testing

@Suite("Leaders of HotStuff and Jolteon in turn, some of them down")
struct HotStuffRotationTests {
  /// Replicas `down` never come up. Decided slots after 5 s of a request each 10 ms.
  static func decisions<Rule: ChainRule>(
    _ rule: Rule.Type, n: Int, views: Int, down: [Int]
  ) -> Int {
    var run = HotStuffRun<Rule>(.faulty(views: views))
    run.n = n
    run.seed = 1
    // Constant, so that many turns fit into the run.
    run.settings.viewTimeout = .milliseconds(30)
    run.settings.doublings = 0
    run.arrivals = .poisson(rate: 100)
    run.clientTimeout = .milliseconds(200)
    run.faults = down.map {
      Fault(at: .zero, .crash(.node(NodeID($0)), downTime: nil, keepsDisk: true))
    }
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: 5_000_000_000))
    #expect(simulation.world.violations == [])
    return simulation.world.decisions[1]
  }

  static func warns<P: ScenarioProtocol>(_ type: P.Type, n: Int, views: Int) -> Bool {
    var values = ParameterValues(defaults: P.parameters)
    values["leader"] = .choice("rotating")
    values["leader-views"] = .count(views)
    #expect(P.problem(with: values, nodes: n) == nil)
    return P.warning(on: values, nodes: n) != nil
  }

  /// f of n, evenly spread in the turn.
  static let committees: [(n: Int, down: [Int])] = [
    (4, [1]), (5, [1]), (6, [1]), (7, [0, 4]), (10, [0, 4, 7]), (13, [0, 4, 7, 10]),
  ]

  @Test(
    "with f down, evenly spread, something is decided if and only if no warning was given",
    arguments: committees, [1, 2])
  func evenly(committee: (n: Int, down: [Int]), views: Int) {
    let (n, down) = committee
    #expect(Committee(n: n).f == down.count)
    let three = Self.decisions(ThreeChain.self, n: n, views: views, down: down)
    #expect((three == 0) == Self.warns(HotStuff.self, n: n, views: views), "\(three)")
    let two = Self.decisions(TwoChain.self, n: n, views: views, down: down)
    #expect((two == 0) == Self.warns(Jolteon.self, n: n, views: views), "\(two)")
  }

  @Test("HotStuff of four warns of a new leader each view, and of nothing else")
  func which() {
    #expect(Self.warns(HotStuff.self, n: 4, views: 1))
    #expect(!Self.warns(HotStuff.self, n: 4, views: 2))
    #expect(!Self.warns(Jolteon.self, n: 4, views: 1))
    #expect(HotStuff.warning(on: ParameterValues(defaults: HotStuff.parameters), nodes: 4) == nil)
  }
}
