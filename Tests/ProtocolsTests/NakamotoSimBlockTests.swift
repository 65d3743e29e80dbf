import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Statistics
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

/// Medians over 101 blocks of the time in milliseconds until 300 and 540 of 600 nodes have a block,
/// as SimBlock itself gives them for the seeds 1 to 60 (with compact relay) and 1 to 100 (without:
/// `CBR_USAGE_RATE` 0); sorted.
enum SimBlockMedians {
  static let compactHalf: [Double] = [
    620, 631, 632, 637, 638, 640.5, 649, 658, 668, 672, 674, 675, 681, 684, 685, 715, 747, 763, 774,
    806, 818, 822, 834, 834, 835, 841, 845, 849, 853, 854, 855, 860, 860, 861, 861, 862, 867, 868,
    873, 875, 875.5, 878, 879, 886, 889, 890, 891, 897, 900, 906, 910.5, 920, 925, 943, 945, 949,
    964, 964, 1025, 1032,
  ]
  static let compactMost: [Double] = [
    1749, 1778.5, 1785, 1799, 1803, 1806, 1811, 1812, 1814, 1814, 1814.5, 1821, 1829.5, 1833, 1836,
    1838, 1838.5, 1844, 1850, 1852, 1866, 1877, 1890, 1923, 1924, 1931, 1931, 1942, 1945, 1951,
    1963, 1965, 1966, 1968, 1980, 1986, 1988, 1991, 2003, 2004, 2013, 2013, 2027, 2028, 2034, 2037,
    2046, 2054, 2061, 2066, 2078.5, 2081, 2092, 2104, 2107, 2118, 2131, 2140, 2155, 2252,
  ]
  static let fullHalf: [Double] = [
    2335, 2340, 2341.5, 2346, 2347, 2347, 2348, 2349, 2349, 2350, 2351, 2351, 2352, 2353, 2353,
    2353, 2353, 2355, 2355, 2356, 2356, 2356, 2356, 2356.5, 2359, 2360, 2360, 2364, 2366, 2369,
    2369, 2372, 2374, 2376, 2385, 2387, 2389, 2393, 2393, 2394, 2399.5, 2403, 2406, 2412, 2480,
    2570.5, 2661, 2702, 2715, 2733, 2739, 2752, 2761, 2764, 2772, 2775, 2775, 2779.5, 2781, 2783,
    2786, 2787, 2788, 2790, 2792, 2792, 2793, 2793, 2793, 2794, 2794, 2797, 2798, 2798, 2799, 2800,
    2803, 2804, 2804.5, 2805.5, 2805.5, 2814, 2814, 2815, 2815.5, 2816, 2818, 2826, 2827, 2829,
    2831, 2832, 2837, 2841, 2841, 2850, 2850, 2856, 2857, 2859,
  ]
  static let fullMost: [Double] = [
    4260, 4262, 4273, 4275, 4282, 4284, 4288, 4290, 4315, 4316, 4318, 4320, 4320, 4323, 4329, 4330,
    4330, 4368, 4388, 4392, 4392.5, 4393, 4395, 4398, 4403, 4404.5, 4410, 4419, 4423, 4425.5, 4429,
    4431, 4436, 4437, 4444, 4453, 4455, 4474, 4507, 4510, 4511.5, 4514, 4522, 4530, 4538, 4540,
    4543, 4562, 4565, 4568, 4570, 4579, 4581, 4581, 4585, 4587, 4594, 4598, 4604.5, 4606, 4617,
    4617, 4620, 4621, 4623, 4632, 4632, 4636, 4644, 4645, 4647, 4648, 4653.5, 4662, 4678.5, 4681,
    4692, 4693, 4694, 4702, 4705, 4708, 4710, 4712, 4713, 4714.5, 4721, 4722.5, 4746, 4760, 4771,
    4774, 4774, 4782, 4786, 4796.5, 4810, 4857, 4863, 4947.5,
  ]
}

extension [Double] {
  fileprivate var range: ClosedRange<Double> { (self.min() ?? 0)...(self.max() ?? 0) }
}

@Suite("Nakamoto: SimBlock's network")
struct NakamotoSimBlockTests {
  /// Of the seeds 1 to `seeds`, in their order.
  private func medians(isCompact: Bool, seeds: Int) -> (half: [Double], most: [Double]) {
    var half: [Double] = []
    var most: [Double] = []
    for seed in 1...seeds {
      let run = SimBlock.makeRun(nodes: 600, blocks: 100, seed: UInt64(seed), isCompact: isCompact)
      run.simulation.run()
      let outcome = run.outcome()
      half.append((outcome["chain.propagation_half"] ?? .nan) * 1e3)
      most.append((outcome["chain.propagation_most"] ?? .nan) * 1e3)
      #expect(run.simulation.world.violations.isEmpty)
    }
    return (half, most)
  }

  private func expectSame(_ ours: [Double], _ theirs: [Double], _ what: String) {
    let test = TestOfFit.kolmogorovSmirnov(ours, theirs)
    let (range, first) = (ours.range, Array(ours.prefix(20)).range)
    print("SimBlock, \(what): \(range), of 20 seeds \(first), p = \(test.pValue)")
    #expect(test.pValue > 0.01, "\(what)")
  }

  @Test("with compact relay, its medians of seeds 10 and 11 are among ours over 20 seeds")
  func compactRelay() {
    let (half, most) = medians(isCompact: true, seeds: 60)
    let first = (half: Array(half.prefix(20)).range, most: Array(most.prefix(20)).range)
    for published in [859.5, 692.5] { #expect(first.half.contains(published)) }
    for published in [1945.5, 1833] { #expect(first.most.contains(published)) }
    expectSame(half, SimBlockMedians.compactHalf, "compact relay, half")
    expectSame(most, SimBlockMedians.compactMost, "compact relay, most")
  }

  /// Of the two published values without compact relay, 2859 and 4863 ms at seed 10, the first is
  /// the largest and the second the second largest of SimBlock's own 100 seeds: 20 seeds rarely
  /// reach so far, so that as many of ours are looked at.
  @Test("without it, those of seed 10 are among ours over 100 seeds")
  func fullBlocks() {
    let (half, most) = medians(isCompact: false, seeds: 100)
    #expect(half.range.contains(2859))
    #expect(most.range.contains(4863))
    expectSame(half, SimBlockMedians.fullHalf, "full blocks, half")
    expectSame(most, SimBlockMedians.fullMost, "full blocks, most")
  }
}
