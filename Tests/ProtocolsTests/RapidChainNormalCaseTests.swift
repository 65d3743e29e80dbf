import Consensus
import Kernel
import Ledger
import Machines
import Metrics
import Networking
import Protocols
import Simulation
import Testing

@Suite("RapidChain's committee in the normal case")
struct RapidChainNormalCaseTests {
  static let rare = ["pending", "certified", "want", "block", "ask", "answer"]

  @Test(
    "a block costs d + d(d - 1)(n - 2) sets of chunks and 2n(n - 1) other messages",
    arguments: [(3, 2), (4, 3), (5, 4), (7, 4), (16, 5), (31, 6), (40, 16)])
  func counts(n: Int, degree: Int) {
    var run = RapidChainRun(n: n)
    run.settings.gossip = .init(chunks: 20, parity: 5, degree: degree)
    run.arrivals = .poisson(rate: 100)
    run.until = ms(2000)
    let simulation = run.start()
    simulation.run(until: ms(2500))
    #expect(simulation.world.violations == [])
    #expect(simulation.final == simulation.submitted && simulation.submitted > 100)
    let blocks = Int(simulation.world.decisions[1])
    #expect(blocks > 25)
    #expect(simulation.rapidChain.replicas.allSatisfy { $0.height == blocks })
    #expect(
      simulation.sentRC(["piece"]) == blocks * (degree + degree * (degree - 1) * (n - 2)))
    #expect(simulation.sentRC(["propose"]) == blocks * (n - 1))
    #expect(simulation.sentRC(["echo"]) == blocks * (n - 1) * (n - 1))
    #expect(simulation.sentRC(["accept"]) == blocks * n * (n - 1))
    #expect(simulation.sentRC(Self.rare) == 0)
  }

  @Test("its bytes are those of the page", arguments: [RapidChain.Proof.echoes, .aggregate])
  func bytes(proof: RapidChain.Proof) {
    let n = 9
    var run = RapidChainRun(n: n)
    run.settings.proof = proof
    run.settings.gossip.parity = 4
    run.settings.blockTransactions = 1
    run.arrivals = .poisson(rate: 10)
    run.until = ms(2000)
    let simulation = run.start()
    simulation.run(until: ms(3000))
    #expect(simulation.final == simulation.submitted)
    let traffic = simulation.rapidChain.traffic
    func bytes(_ kind: String) -> Int {
      traffic.types.firstIndex(of: kind).map { Int(traffic.bytes[$0]) } ?? -1
    }
    func count(_ kind: String) -> Int { simulation.sentRC([kind]) }
    // M 20, H 80, D 32, S 64, I 8; 12 chunks in sets of 3, 8 of them data: of 13 bytes each.
    #expect(bytes("piece") == count("piece") * (20 + 32 + 64 + 3 * (8 + 13 + 4 * 32)))
    #expect(bytes("propose") == count("propose") * (20 + 64 + 80))
    #expect(bytes("echo") == count("echo") * (20 + 64 + 80 + 64))
    let proof = proof == .echoes ? 5 * (64 + 8) : 64 + 2
    #expect(bytes("accept") == count("accept") * (20 + 64 + 80 + 64 + proof))
  }

  @Test("a block is decided three rounds after its gossip time, whatever the links do below Delta")
  func latency() {
    for overlaps in [false, true] {
      var run = RapidChainRun(n: 8)
      run.delay = .uniform(low: 0.2e6, high: 4e6)
      run.settings.overlaps = overlaps
      run.arrivals = .poisson(rate: 300)
      run.until = ms(2000)
      let simulation = run.start()
      simulation.run(until: ms(2500))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      let log = simulation.world.logs[0]
      #expect(log.count > 400)
      let period: Int64 = overlaps ? 50_000_000 : 60_000_000
      for number in 0..<log.count {
        let included = log.time(.included, of: number)
        #expect(included.nanoseconds % period == 0)
        #expect(log.time(.decided, of: number) - included == .milliseconds(20 + 3 * 10))
        // At most two delays to the leader's block, and one for the reply.
        let whole = log.time(.final, of: number) - log.submitted[number]
        #expect(whole <= SimDuration(nanoseconds: period + 50_000_000 + 3 * 4_000_000))
      }
    }
  }

  @Test("a block that fills its gossip time and the first round is in time, a larger one is not")
  func gossipTime() {
    func accepted(_ bytes: Int) -> Int {
      var run = RapidChainRun(n: 7)
      run.settings.blockTransactions = 1
      run.transactionBytes = bytes
      run.machine = MachineSpec(
        processor: .init(cores: 4), uplink: 1e8, downlink: .infinity)
      run.settings.proof = .aggregate
      run.arrivals = .poisson(rate: 5)
      run.clientTimeout = .seconds(100)
      run.until = ms(2000)
      let simulation = run.start()
      simulation.run(until: ms(2000))
      #expect(simulation.world.violations == [])
      return Int(simulation.world.decisions[1])
    }
    // 100 kB take 8 ms over one link; a member sends on the 12 chunks of 8 to three others.
    #expect(accepted(20_000) > 5)
    #expect(accepted(2_000_000) == 0)
  }

  @Test("announced, a set goes to those that ask for it, and enough of them make the block")
  func announcing() {
    func blocks(_ spread: RapidChain.Spread) -> (accepted: Int, pieces: Int, haves: Int) {
      var run = RapidChainRun(n: 16)
      run.settings.gossip = .init(
        chunks: 12, parity: 4, degree: 6, spread: spread, fetchTimeout: .milliseconds(50))
      run.arrivals = .poisson(rate: 50)
      run.until = ms(2000)
      let simulation = run.start()
      simulation.run(until: ms(3000))
      #expect(simulation.world.violations == [])
      #expect(simulation.final == simulation.submitted)
      return (
        Int(simulation.world.decisions[1]), simulation.sentRC(["piece"]),
        simulation.sentRC(["have"])
      )
    }
    let pushed = blocks(.push)
    #expect(pushed.accepted > 20 && pushed.haves == 0)
    #expect(pushed.pieces == pushed.accepted * (6 + 6 * 5 * 14))
    let announced = blocks(.announce)
    #expect(announced.accepted == pushed.accepted)
    // Six sets for each of 15 members at most, four at least: eight chunks of twelve make a block.
    #expect(announced.pieces <= announced.accepted * 6 * 15)
    #expect(announced.pieces >= announced.accepted * 4 * 15)
    // Each is announced to all neighbours but the sender, and the leader if it is one.
    #expect(announced.haves <= announced.pieces * 5 && announced.haves >= announced.pieces * 4)
  }
}
