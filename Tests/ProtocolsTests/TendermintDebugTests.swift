
import Consensus
import Foundation
import Kernel
import Machines
import Protocols
import Simulation
import Testing

@Suite struct TendermintDebugTests {
  @Test func qa() {
    let e = ProcessInfo.processInfo.environment
    func num(_ k: String, _ d: Int64) -> Int64 { Int64(e[k] ?? "") ?? d }
    var run = TendermintRun()
    run.n = Int(num("N", 195))
    run.settings = TendermintRun.plainSettings
    run.settings.fullNodes = run.n * 20 / 195
    run.settings.dissemination = .gossip
    run.settings.gossip.degree = Int(num("DEG", 45))
    run.settings.gossip.voteWork = .microseconds(num("VW", 0))
    run.settings.gossip.transactionWork = .microseconds(num("TW", 0))
    run.settings.proposesEmpty = true
    run.settings.propose = .init(.seconds(3), delta: .milliseconds(500))
    run.settings.prevote = .init(.seconds(1), delta: .milliseconds(500))
    run.settings.precommit = .init(.seconds(1), delta: .milliseconds(500))
    run.settings.commitTimeout = .seconds(1)
    run.settings.statusInterval = .seconds(num("ST", 10))
    run.settings.blockTransactions = 1_000_000
    run.settings.blockBytes = 4 << 20
    run.settings.mempool = 5000
    run.settings.sizes.transaction = 4
    run.settings.sizes.header = 60
    run.settings.costs.message = .nanoseconds(num("MSG", 3000))
    run.settings.costs.byte = 0.1 * Double(num("BYTE", 5))
    run.settings.costs.request = .microseconds(1)
    run.settings.costs.execution = .microseconds(2)
    run.settings.costs.sign = .microseconds(28)
    run.settings.costs.verify = .microseconds(66)
    run.settings.costs.hash = .nanoseconds(201)
    run.settings.costs.hashByte = 0.579
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 2e9, downlink: 2e9)
    run.delay = .normal(mean: 500e3, deviation: 100e3, min: 100e3)
    run.transactionBytes = 1024
    run.clientTimeout = .seconds(600)
    run.arrivals = .poisson(rate: Double(num("RATE", 25)))
    run.roles = Roles(Committee(n: 175))
    run.roles?.contacts = 0..<1
    let horizon = num("T", 20)
    let clock = ContinuousClock()
    let began = clock.now
    let simulation = run.start()
    simulation.run(until: SimTime(nanoseconds: horizon * 1_000_000_000))
    let log = simulation.world.logs[0]
    var sum = 0.0, least = 1e9, most = 0.0, count = 0
    for number in 0..<log.count where log.time(.decided, of: number) != .never {
      let t = log.time(.decided, of: number)
      if t == .never || t.nanoseconds <= 0 { continue }
      let l = (t - log.submitted[number]).seconds
      sum += l; least = min(least, l); most = max(most, l); count += 1
    }
    let entries = simulation.world.decisionLogs[1].entries
    print("DEBUG rate", num("RATE", 25), "submitted", log.count, "decided", count, "tx/s", Double(count) / Double(horizon), "lat avg", sum / Double(max(count, 1)), "min", least, "max", most, "blocks", entries.count, "age", entries.reduce(0) { $0 + $1.age.seconds } / Double(max(entries.count, 1)), "rounds", simulation.tendermint.replicas.map(\.viewChanges).max()!, "wall", clock.now - began)
    let traffic = simulation.tendermint.traffic
    print("DEBUG", zip(traffic.types, traffic.counts).map { "\($0) \($1)" }, simulation.world.violations.count)
    let use = simulation.world.machines.use(of: NodeID(3), until: simulation.world.now)
    print("DEBUG use", use)
    let v = simulation.world.violations.first.map { "\($0)" } ?? ""
    print("DEBUG", v, simulation.tendermint.replicas[0].debugText.prefix(600))
  }
}
