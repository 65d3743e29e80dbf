import Kernel
import Ledger
import Machines
import Metrics
import Simulation
import Testing
import Workloads

/// One ingest node, `storage` storage nodes, and a chain of one replica on a node of its own:
/// node 0 is the chain's, node 1 the ingest node, the others store.
private struct StoreWorld {
  var world = TinyWorld(nodes: 5)
  var arrivals = RecordArrivals.window(1)
  var record = TransactionSizes.Size.fixed(1_000_000)
  var replicas = 2
  var acks: Int?
  var timeout = SimDuration.seconds(10)
  var batch = 1
  var interval = SimDuration.seconds(1_000)
  var costs = CostSheet.free
  var until = SimTime.never

  func run(seed: UInt64 = 1) -> Simulation {
    let anchors = TransactionSizes(fixed: [100])
    let simulation = world.simulation(anchors, seed: seed)
    simulation.world.addPopulation(
      PopulationAddress(subsystem: 2, role: 0, node: NodeID(1), chain: 1))
    func lane(_ node: Int) -> Int { simulation.world.machines.lane(of: NodeID(node), role: 0) }
    let settings = RecordStoreSettings(
      producers: [.init(node: NodeID(1), lane: lane(1), population: 0, arrivals: arrivals)],
      storage: (2..<world.nodes).map { .init(node: NodeID($0), lane: lane($0)) },
      placement: .init(
        replicas: replicas, acks: acks, header: 100, acknowledgement: 50, timeout: timeout,
        triesPerNode: 2),
      anchoring: .init(
        batch: batch, interval: interval, digest: 32, chain: 1, chainNodes: [NodeID(0)],
        replyQuorum: 1, header: 60, timeout: .seconds(2)),
      records: TransactionSizes([record], seed: seed), transactions: anchors, costs: costs,
      until: until)
    simulation.add(
      RecordStore(index: 2, name: "store", settings: settings, seed: seed),
      connections: settings.connections, senders: settings.senders)
    simulation.start()
    return simulation
  }
}

extension Simulation {
  fileprivate var store: RecordStore? { subsystems[2] as? RecordStore }
  fileprivate var records: TransactionLog { store?.log(of: 0) ?? TransactionLog() }

  /// Every record made is anchored once, under a root that proves it.
  fileprivate func expectAllAnchored(_ result: Outcome) {
    let log = records
    #expect(log.count > 0 && log.count(.final) == log.count)
    #expect(result["store.confirmed"] == Double(log.count))
    #expect(result["store.pending"] == 0 && result.violations == [])
    // Positions in batches are a permutation: none twice.
    var seen: [[Int]] = []
    for number in 0..<log.count {
      guard let inclusion = store?.inclusion(of: number, producer: 0) else {
        Issue.record("record \(number) in no batch")
        continue
      }
      #expect(
        MerkleTree.verify(
          inclusion.record, at: inclusion.index, of: inclusion.count, proof: inclusion.proof,
          root: inclusion.root))
      #expect(world.logs[0].time(.final, of: inclusion.anchor) != .never)
      seen.append([inclusion.anchor, inclusion.index])
    }
    seen.sort { $0.lexicographicallyPrecedes($1) }
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 != $1 })
    #expect(result["store.decisions"] == Double(world.logs[0].count(.final)))
  }
}

private let slowDisk = MachineSpec.Disk(bytesPerSecond: 1e8, flush: .milliseconds(2))

@Suite("records kept off the chain and anchored on it")
struct RecordStoreTests {
  @Test("on ideal links a record waits for two hops and the disk, its batch, and the chain")
  func closedForm() {
    var setting = StoreWorld()
    setting.world.spec = { $0 >= 2 ? MachineSpec(disk: slowDisk) : .ideal }
    setting.batch = 1_000
    setting.interval = .milliseconds(100)
    setting.until = seconds(2)
    let run = setting.run()
    let result = run.result(at: seconds(10))
    run.expectAllAnchored(result)
    let log = run.records
    for number in 0..<log.count - 4 {
      // 10 ms there, 10 ms to write, 2 ms to flush, 10 ms back; the next record begins.
      #expect(log.submitted[number] == SimTime.zero + SimDuration.milliseconds(32) * Int64(number))
      // The first one stored opens a batch for 100 ms, in which three more are stored; the chain
      // takes another 20 ms.
      let waiting = 32 + 100 - 32 * Int64(number % 4) + 20
      #expect(
        log.time(.final, of: number) == log.submitted[number] + SimDuration.milliseconds(waiting))
    }
    #expect(result["store.stored_latency_max"] == 0.032)
    // Batches of four: two siblings each; the last one has three records, one of which has one.
    #expect(result["store.proof_bytes_mean"] == 32 * 125 / 63.0)
  }

  @Test("hashing is paid for at the ingest node, again at the storage node, and for the root")
  func hashing() {
    var setting = StoreWorld()
    setting.world.spec = { node in
      node == 0
        ? .ideal
        : MachineSpec(processor: .init(cores: 1), disk: node >= 2 ? slowDisk : nil)
    }
    setting.costs = CostSheet(
      message: .zero, byte: 0, request: .zero, execution: .zero, sign: .zero, verify: .zero,
      mac: .zero, hash: .milliseconds(1), hashByte: 1)
    setting.batch = 2
    setting.until = seconds(1)
    let run = setting.run()
    let result = run.result(at: seconds(10))
    let log = run.records
    // One at a time: 2 ms to hash a megabyte, twice; hops and disk as before.
    #expect(log.submitted[1] == seconds(0.036))
    #expect(log.time(.ingested, of: 1) == seconds(0.038))
    // Two leaves of 33 bytes and a pair of 65: the lane is hashing record 2 before the root.
    let root = SimDuration.nanoseconds(3_000_000 + 2 * 33 + 65)
    let stored = seconds(0.072)
    #expect(log.time(.included, of: 1) == stored)
    #expect(log.time(.final, of: 1) == stored + root + SimDuration.milliseconds(20))
    #expect(log.time(.ingested, of: 2) == stored + root + SimDuration.milliseconds(2))
    #expect(result.violations == [])
  }

  @Test("throughput is the ingest node's uplink over r times the record", arguments: [1, 2, 3])
  func uplinkBound(replicas: Int) {
    var setting = StoreWorld()
    setting.world.spec = { MachineSpec(uplink: $0 == 1 ? 1e9 : nil) }
    setting.replicas = replicas
    setting.arrivals = .window(32)
    setting.batch = 100
    let run = setting.run()
    let result = run.result(at: seconds(100))
    let expected = 1e9 / 8 / (Double(replicas) * 1_000_100)
    // What is under way at the end, and the last batch, are all that may be missing.
    let anchored = (result["store.throughput"] ?? 0) * 100
    #expect(anchored <= expected * 100 && anchored >= expected * 100 - 32 - 200)
    #expect((result["nodes.uplink_max"] ?? 0) > 0.999)
    let bound = result["store.throughput_bound"] ?? 0
    #expect(abs(bound - anchored / 100) < 1e-3 * bound)
    #expect(result["store.throughput_mb"] == (result["store.throughput_bytes"] ?? 0) / 1e6)
  }

  @Test("a copy is enough for a record to be stored if the setting says so")
  func acks() {
    var setting = StoreWorld()
    setting.world.spec = { node in
      let flush: Int64 = node == 2 ? 2 : 500
      return MachineSpec(disk: .init(bytesPerSecond: 1e8, flush: .milliseconds(flush)))
    }
    setting.replicas = 3
    setting.until = seconds(1)
    #expect(setting.run().result(at: seconds(9))["store.stored_latency_max"] == 0.53)
    setting.acks = 1
    let run = setting.run()
    let result = run.result(at: seconds(60))
    #expect(result["store.stored_latency_max"] == 0.032)
    run.expectAllAnchored(result)
    // Every node holds every record in the end.
    #expect(result["store.storage_bytes_per_node_max"] == Double(run.records.count) * 1e6)
  }

  @Test("an open loop makes records, or bytes, at its rate")
  func openLoop() {
    var setting = StoreWorld()
    setting.record = .drawn(.lognormal(median: 1_000, sigma: 1), atMost: 100_000)
    setting.batch = 500
    setting.interval = .milliseconds(500)
    setting.arrivals = .poisson(rate: 500)
    setting.until = seconds(60)
    let byCount = setting.run().result(at: seconds(90))
    #expect(abs((byCount["store.submitted"] ?? 0) - 30_000) < 4 * 174)
    setting.arrivals = .bytes(rate: 1e6)
    let run = setting.run()
    let byBytes = run.result(at: seconds(90))
    run.expectAllAnchored(byBytes)
    // 60 MB; a sum of sizes times exponentials has variance (E[s^2] + var) / E[s] a byte at most.
    let sizes = TransactionSizes([setting.record], seed: 1)
    let squares = (0..<30_000).reduce(0.0) {
      let size = Double(sizes.bytes(of: UInt64($1), population: 0))
      return $0 + size * size
    }
    #expect(abs((byBytes["store.confirmed_bytes"] ?? 0) - 6e7) < 4 * (2 * squares).squareRoot())
  }

  @Test("lost messages are sent again until every record is anchored once")
  func loss() {
    for seed: UInt64 in 1...5 {
      var setting = StoreWorld()
      setting.world.loss = 0.2
      setting.timeout = .milliseconds(100)
      setting.record = .fixed(1_000)
      setting.arrivals = .poisson(rate: 100)
      setting.batch = 10
      setting.interval = .milliseconds(200)
      setting.until = seconds(10)
      let run = setting.run(seed: seed)
      let result = run.result(at: seconds(200))
      run.expectAllAnchored(result)
      for name in ["repeated_puts", "moved_copies", "repeated_anchors"] {
        #expect((result["store.\(name)"] ?? 0) > 0, "\(name)")
      }
    }
  }

  @Test("a storage node that stays down loses its part to the next nodes in order")
  func crash() {
    var setting = StoreWorld()
    setting.world.faults = [
      Fault(at: seconds(2), .crash(.node(NodeID(3)), downTime: nil, keepsDisk: true))
    ]
    setting.timeout = .milliseconds(200)
    setting.arrivals = .poisson(rate: 50)
    setting.record = .fixed(1_000)
    setting.batch = 10
    setting.interval = .milliseconds(200)
    setting.until = seconds(5)
    let run = setting.run()
    let result = run.result(at: seconds(60))
    run.expectAllAnchored(result)
    #expect((result["store.moved_copies"] ?? 0) > 50)
    #expect(result["store.lost_copies"] == 0)
  }

  @Test("crashes of storage and ingest nodes are survived; an empty disk is counted")
  func restarts() {
    for keepsDisk in [true, false] {
      var setting = StoreWorld()
      setting.world.spec = { _ in
        MachineSpec(processor: .init(cores: 1), uplink: 1e8, downlink: 1e8, disk: slowDisk)
      }
      setting.world.faults = [
        Fault(
          at: seconds(2), .crash(.node(NodeID(3)), downTime: .seconds(1), keepsDisk: keepsDisk)),
        Fault(at: seconds(4), .crash(.node(NodeID(1)), downTime: .seconds(1), keepsDisk: true)),
      ]
      setting.timeout = .milliseconds(500)
      setting.arrivals = .poisson(rate: 50)
      setting.record = .fixed(100_000)
      setting.costs = CostSheet(
        message: .microseconds(10), byte: 1, request: .microseconds(5), execution: .zero,
        sign: .zero, verify: .zero, mac: .zero, hash: .microseconds(1), hashByte: 2)
      setting.batch = 10
      setting.interval = .milliseconds(200)
      setting.until = seconds(8)
      let run = setting.run()
      let result = run.result(at: seconds(120))
      run.expectAllAnchored(result)
      #expect(((result["store.lost_copies"] ?? 0) > 0) == !keepsDisk)
    }
  }

  @Test("lanes that work ahead give the same outcome as the two-event reference, crashes included")
  func referenceLanes() {
    let outcomes = [false, true].map { isReference in
      var setting = StoreWorld()
      setting.world.spec = { _ in
        MachineSpec(processor: .init(cores: 1), uplink: 1e8, downlink: 1e8, disk: slowDisk)
      }
      setting.world.faults = [
        Fault(at: seconds(1), .crash(.node(NodeID(3)), downTime: .seconds(1), keepsDisk: false)),
        Fault(at: seconds(2.5), .crash(.node(NodeID(1)), downTime: .seconds(1), keepsDisk: true)),
      ]
      setting.timeout = .milliseconds(500)
      setting.arrivals = .poisson(rate: 60)
      setting.record = .fixed(70_000)
      setting.costs = CostSheet(
        message: .microseconds(10), byte: 1, request: .microseconds(5), execution: .zero,
        sign: .zero, verify: .zero, mac: .zero, hash: .microseconds(1), hashByte: 100)
      setting.batch = 10
      setting.interval = .milliseconds(200)
      setting.until = seconds(4)
      let run = setting.run()
      run.world.usesReferenceLanes = isReference
      return run.result(at: seconds(60))
    }
    #expect(outcomes[0].metrics == outcomes[1].metrics)
    #expect(outcomes[0].latencies == outcomes[1].latencies)
  }

  @Test("copies beyond the acknowledgements needed are sent too, even after a crash in between")
  func stragglers() {
    var setting = StoreWorld()
    setting.world.faults = [
      Fault(at: seconds(0.5), .crash(.node(NodeID(4)), downTime: .seconds(4), keepsDisk: true)),
      Fault(at: seconds(1), .crash(.node(NodeID(1)), downTime: .seconds(1), keepsDisk: true)),
    ]
    setting.replicas = 3
    setting.acks = 1
    setting.timeout = .seconds(3)
    setting.arrivals = .poisson(rate: 20)
    setting.until = seconds(3)
    let run = setting.run()
    let result = run.result(at: seconds(100))
    run.expectAllAnchored(result)
    let total = Double(run.records.count) * 1e6
    #expect(result["store.storage_bytes_per_node_max"] == total)
    let stored = run.store?.occupancy.map { Double($0.stored) } ?? []
    #expect(stored == [0, total, total, total])
  }

  @Test("placement by rendezvous hashing spreads copies evenly")
  func placement() {
    var setting = StoreWorld()
    setting.world.nodes = 7
    setting.record = .fixed(1)
    setting.arrivals = .poisson(rate: 1_000)
    setting.batch = 1_000
    setting.until = seconds(10)
    let run = setting.run()
    run.run(until: seconds(20))
    let records = Double(run.records.count)
    for part in run.store?.occupancy.dropFirst() ?? [] {
      // Two of five nodes each.
      #expect(abs(Double(part.stored) - 0.4 * records) < 4 * (0.24 * records).squareRoot())
    }
  }

  @Test("a copy of a run goes on to the same outcome, whenever it is made")
  func copies() {
    var setting = StoreWorld()
    setting.world.loss = 0.1
    setting.timeout = .milliseconds(100)
    setting.record = .drawn(.pareto(scale: 500, shape: 1.2), atMost: 1_000_000)
    setting.arrivals = .poisson(rate: 200)
    setting.batch = 20
    setting.interval = .milliseconds(100)
    setting.until = seconds(4)
    for time in [0.0, 0.7, 1.9, 3.3] {
      let run = setting.run()
      run.run(until: seconds(time))
      let copy = run.copy()
      let (a, b) = (run.result(at: seconds(20)), copy.result(at: seconds(20)))
      #expect(a == b)
      #expect(a.digests == setting.run().result(at: seconds(20)).digests)
    }
  }

  @Test("a store pays for its nodes, its bytes, and the chain in proportion to its anchors")
  func costs() {
    var setting = StoreWorld()
    setting.arrivals = .poisson(rate: 10)
    setting.until = seconds(100)
    let run = setting.run()
    run.run(until: seconds(200))
    let costs = CostSettings(
      prices: PriceSheet(
        usdPerInstanceHour: [0.36], usdPerGBMonth: 0, billedCopies: 1, usdPerGBInternet: 0,
        usdPerGBInterRegion: 0.02, usdPerGBIntraRegion: 0),
      energy: nil, classes: [NodeClass(vCPUs: 1, memoryGB: 1)], classOf: [0, 0, 0, 0, 0],
      retentionMonths: 1)
    let result = run.outcome(until: seconds(200), measuring: Measuring(), costs: costs)
    let records = result["store.confirmed"] ?? 0
    func usd(_ name: String) -> Double { (result["store.usd_\(name)_per_record"] ?? 0) * records }
    let chain = (result["main.usd_per_tx"] ?? 0) * (result["main.confirmed"] ?? 0)
    #expect(result["main.confirmed"] == records)
    #expect(abs(usd("anchoring") - chain) < 1e-9)
    // Five nodes for 200 s at 0.36 USD an hour, the chain's among them.
    #expect(abs(usd("compute") - 5 * 0.02) < 1e-9)
    let bytes = records * (2 * (1_000_100 + 50) + 160 + 50)
    #expect(abs(usd("egress") - bytes / 1e9 * 0.02) < 1e-9)
    #expect(result["store.usd_per_gb"] != nil && result["main.gini"] == 0)
  }
}
