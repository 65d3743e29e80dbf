import Consensus
import Kernel
import Ledger
import Machines
import Networking
import Protocols
import Simulation
import Testing

/// Hands blocks to one node in the order of a script, and writes down its head after each.
///
/// `b2:b1` is block b2 on block b1; `g` is genesis. `@7` gives its slot, `!3` its lottery output,
/// `*5` its work; 1 each, if nothing is said.
struct Timeline<P: ChainProtocol> {
  var node: P
  var effects: ChainEffectsOf<P.Content>
  var names = ["g"]

  init(_ node: P, genesis: BlockArena) {
    self.node = node
    effects = ChainEffectsOf(
      blocks: genesis, random: RandomStream(seed: 1, purpose: "timeline"))
    self.node.start(at: LocalTime(nanoseconds: 0), &effects)
  }

  private func number(after mark: Character, in word: Substring) -> UInt64 {
    guard let at = word.firstIndex(of: mark) else { return 1 }
    return UInt64(word[word.index(after: at)...].prefix { $0.isNumber }) ?? 1
  }

  mutating func play(_ script: String) -> String {
    var heads: [String] = []
    for word in script.split(separator: " ") {
      let ends = word.prefix { !"@!*".contains($0) }.split(separator: ":").map(String.init)
      guard let parent = names.firstIndex(of: ends[1]) else { return "no block \(ends[1])" }
      let slot = number(after: "@", in: word)
      let draft = BlockDraft(
        parent: BlockID(index: UInt32(parent)), work: number(after: "*", in: word), stamp: 0,
        slot: slot, salt: number(after: "!", in: word))
      let block = effects.blocks.seal(draft, by: 1, at: .zero, filler: 0)
      names.append(ends[0])
      let now = LocalTime(nanoseconds: Int64(slot) * 1_000_000_000)
      node.upon(block: block, at: now, &effects)
      heads.append(names[Int(node.head.index)])
    }
    return heads.joined(separator: " ")
  }
}

@Suite("Fork choice, step by step")
struct ChainTimelineTests {
  @Test("Nakamoto: the first seen of equals, then the chain with more work")
  func nakamoto() {
    let settings = Nakamoto.Settings(interval: .seconds(600), confirmations: 1)
    func heads(_ script: String) -> String {
      var line = Timeline(
        Nakamoto(settings: settings, hashRate: 0), genesis: Nakamoto.genesis())
      return line.play(script)
    }
    #expect(heads("a1:g b1:g b2:b1 a2:a1 a3:a2") == "a1 a1 b2 b2 a3")
    // §5 counts work, not blocks.
    #expect(heads("a1:g a2:a1 b1:g*3") == "a1 a2 b1")
    #expect(heads("a1:g*2 b1:g b2:b1 b3:b2") == "a1 a1 a1 b3")
  }

  @Test("Praos: the longest chain, equals by the tie rule, unless it forks more than k back")
  func praos() {
    func heads(_ script: String, k: Int = 100, _ ties: Praos.TieRule) -> (String, Int) {
      let node = Praos(
        settings: mainnet(k: k, ties: ties), stake: Stake(0), stakeholder: 0, seed: 1)
      var line = Timeline(node, genesis: Praos.genesis(seed: 1))
      let heads = line.play(script)
      return (heads, line.node.refused)
    }
    #expect(heads("a1:g@1!9 b1:g@1!4 c1:g@1!6", .firstSeen) == ("a1 a1 a1", 0))
    #expect(heads("a1:g@1!9 b1:g@1!4 c1:g@1!6", .lowestOutput) == ("a1 b1 b1", 0))
    // Work is not counted, only blocks are.
    #expect(heads("a1:g@1*9 b1:g@2 b2:b1@3", .firstSeen) == ("a1 a1 b2", 0))
    let race = "a1:g@1 a2:a1@2 a3:a2@3 b1:g@4 b2:b1@5 b3:b2@6 b4:b3@7"
    #expect(heads(race, k: 3, .firstSeen) == ("a1 a2 a3 a3 a3 a3 b4", 0))
    #expect(heads(race, k: 2, .firstSeen) == ("a1 a2 a3 a3 a3 a3 a3", 1))
  }

  @Test("Praos: runs repeat, copies go on alike, and both ways of handling agree, crashes included")
  func praosRuns() {
    func make(reference: Bool = false) -> ChainRun<Praos> {
      var settings = mainnet(confirmations: 10, epoch: 500)
      settings.prove = .microseconds(83)
      settings.sign = .microseconds(28)
      settings.checkProof = .microseconds(132)
      settings.checkSignature = .microseconds(66)
      let setup = NakamotoNetworkTests.busy {
        $0.faults = NakamotoNetworkTests.crashes
        $0.usesReferenceLanes = reference
      }
      return setup.makeRun(
        seed: 12, genesis: Praos.genesis(seed: 12),
        protocols: stakeholders(
          Array(repeating: 1 / 16, count: 16), settings, seed: 12))
    }
    let end = SimTime(nanoseconds: 4_000_000_000_000)
    let (a, b, slow) = (make(), make(), make(reference: true))
    a.simulation.run(until: SimTime(nanoseconds: 1_500_123_456_789))
    let copy = a.copy()
    for run in [a, b, slow, copy] { run.simulation.run(until: end) }
    #expect(a.simulation.digests == b.simulation.digests)
    #expect(a.simulation.digests == copy.simulation.digests)
    #expect(a.simulation.digests == slow.simulation.digests)
    #expect(a.outcome() == slow.outcome())
    #expect(a.simulation.world.violations.isEmpty)
    #expect(a.chain.books.made > 150)
  }
}
