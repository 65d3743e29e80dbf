import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

/// SimBlock's model of Bitcoin in 2019 (dsg-titech/simblock@5fc7f9f, NetworkConfiguration.java,
/// SimulationConfiguration.java, Node.java), as it ships: six regions, Pareto latency, one upload
/// at a time, compact relay by 96.4 % of the nodes, 97.6 % of which come and go and so lack more.
enum SimBlock {
  /// Mean one-way latency in milliseconds, from a region (row) to another: North America, Europe,
  /// South America, Asia, Japan, Australia.
  static let latency: [[Double]] = [
    [32, 124, 184, 198, 151, 189], [124, 11, 227, 237, 252, 294], [184, 227, 88, 325, 301, 322],
    [198, 237, 325, 85, 58, 198], [151, 252, 301, 58, 12, 126], [189, 294, 322, 198, 126, 16],
  ]
  /// Bits per second.
  static let download: [Double] = [52e6, 40e6, 18e6, 22.8e6, 22.8e6, 29.9e6]
  static let upload: [Double] = [19.2e6, 20.7e6, 5.8e6, 15.7e6, 10.2e6, 11.3e6]
  static let regions: [Double] = [0.3316, 0.4998, 0.009, 0.1177, 0.0224, 0.0195]
  /// Cumulative shares of outbound degrees 1, 2, ...
  static let degrees: [Double] = [
    0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.97, 0.98,
    0.99, 0.995, 1.0,
  ]
  /// Of 945 blocks, how many lacked 1, 2, ... 100 per cent at a node that comes and goes.
  static let missingAtChurn: [Double] = [
    546, 66, 39, 27, 21, 17, 14, 12, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 5, 4,
    4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0,
  ]

  static var compact: CompactRelay {
    CompactRelay(
      users: 0.964,
      classes: [
        .init(share: 0.976, failure: 0.27, missing: missingAtChurn),
        .init(share: 0.024, failure: 0.13, missing: [1]),
      ],
      base: 18_000, perTransaction: 0)
  }

  /// As `makeRandomListFollowDistribution`: entry i as often as its share, in random order.
  static func quota(_ cumulative: [Double], _ n: Int, _ stream: inout RandomStream) -> [Int] {
    var list: [Int] = []
    for (i, share) in cumulative.enumerated() {
      while Double(list.count) <= Double(n) * share { list.append(i) }
    }
    while list.count < n { list.append(cumulative.count) }
    stream.shuffle(&list)
    return list
  }

  /// As `BitcoinCoreTable`: each node in turn opens its links to strangers, in random order.
  static func links(_ degrees: [Int], _ stream: inout RandomStream) -> [(Int, Int)] {
    let n = degrees.count
    var edges: [(Int, Int)] = []
    var linked = [[Int]](repeating: [], count: n)
    for a in 0..<n {
      var opened = 0
      var tried = 0
      while opened < degrees[a], tried < 100 * n {
        tried += 1
        let b = stream.range(0..<n)
        if b == a || linked[a].contains(b) { continue }
        linked[a].append(b)
        linked[b].append(a)
        edges.append((a, b))
        opened += 1
      }
    }
    return edges
  }

  static func makeRun(nodes n: Int, blocks: Int, seed: UInt64, isCompact: Bool) -> ChainRun<
    Nakamoto
  > {
    var stream = RandomStream(seed: seed, purpose: "simblock")
    var upTo = 0.0
    let shares = regions.map { share in
      upTo += share
      return upTo
    }
    let region = quota(shares, n, &stream).prefix(n).map { min($0, 5) }
    let degree = quota(degrees, n, &stream).prefix(n).map { $0 + 1 }
    let topology = Topology(nodes: n, edges: links(Array(degree), &stream))
    let power = (0..<n).map { _ in max(400_000 + 100_000 * stream.normal(), 1) }
    let total = power.reduce(0, +)
    let delays = latency.flatMap { row in
      row.map { Distribution.pareto(scale: ($0 - 5) * 1e6, shape: 0.2 * $0) }
    }
    var network = Network(regionOf: region.map { UInt16($0) }, regions: 6, delays: delays)
    network.reorders = true
    let machines = Machines(
      region.map { MachineSpec(uplink: upload[$0], downlink: download[$0]) })
    let world = World(
      seed: seed, machines: machines, network: network, uplink: UplinkDiscipline())
    var setup = ChainSetup(topology: topology, blocks: isCompact ? .compact(compact) : .announce)
    setup.settings.links = .oneUploadAtATime(
      control: .milliseconds(10), processing: .milliseconds(2))
    setup.settings.skipsAnnouncers = false
    setup.settings.blockFiller = 535_000
    setup.settings.sizes.blockHeader = 0
    setup.settings.sizes.transactionsHeader = 0
    // As SimBlock: the run ends when the block after the last is found.
    setup.settings.madeBlocks = blocks + 1
    let simulation = Simulation(world: world)
    let settings = Nakamoto.Settings(interval: .seconds(600), confirmations: 6)
    let chain = Blockchain(
      index: 1, name: "chain", nodes: (0..<n).map { NodeID($0) },
      lanes: (0..<n).map { simulation.world.machines.lane(of: NodeID($0), role: 0) },
      protocols: power.map { Nakamoto(settings: settings, hashRate: $0 / total) },
      genesis: Nakamoto.genesis(), settings: setup.settings, seed: seed)
    simulation.add(
      chain, connections: Blockchain<Nakamoto>.connections(of: topology, populations: 0),
      senders: Blockchain<Nakamoto>.senders(nodes: n))
    simulation.start()
    return ChainRun(simulation: simulation, chainIndex: 1)
  }
}

@Suite("Nakamoto: SimBlock's network")
struct NakamotoSimBlockTests {
  private func medians(isCompact: Bool) -> (half: [Double], most: [Double]) {
    var half: [Double] = []
    var most: [Double] = []
    for seed in 1...20 {
      let run = SimBlock.makeRun(nodes: 600, blocks: 100, seed: UInt64(seed), isCompact: isCompact)
      run.simulation.run()
      let outcome = run.outcome()
      half.append((outcome["chain.propagation_half"] ?? .nan) * 1e3)
      most.append((outcome["chain.propagation_most"] ?? .nan) * 1e3)
      #expect(run.simulation.world.violations.isEmpty)
    }
    print("compact \(isCompact): half \(half.sorted()), most \(most.sorted())")
    return (half.sorted(), most.sorted())
  }

  @Test("with compact relay, its medians of seeds 10 and 11 are among ours over 20 seeds")
  func compactRelay() {
    let (half, most) = medians(isCompact: true)
    for published in [859.5, 692.5] { #expect((half[0]...half[19]).contains(published)) }
    for published in [1945.5, 1833] { #expect((most[0]...most[19]).contains(published)) }
  }

  @Test("so are they without it")
  func fullBlocks() {
    let (half, most) = medians(isCompact: false)
    #expect((half[0]...half[19]).contains(2859))
    #expect((most[0]...most[19]).contains(4863))
  }
}
