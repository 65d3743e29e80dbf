import Consensus
import Kernel
import Ledger

/// Gasper as a scenario names it: its settings with defaults, ranges and sources.
extension Gasper: ScenarioChainProtocol {
  public static var mines: Bool { false }

  /// What it decides is finalised.
  public static func finality(_ values: ParameterValues) -> FinalityRule { .deterministic }

  public static var parameters: [Parameter] {
    time + committees + forkChoice + balances + registry + costs + misbehaviour
  }

  private static let config = "consensus-specs a08d8a6e, configs/mainnet.yaml"
  private static let preset = "consensus-specs a08d8a6e, presets/mainnet"

  private static var time: [Parameter] {
    [
      Parameter(
        "validators", .count(1024, in: 1...10_000_000), "Validators, of 32 ETH each at first.",
        source: "assumption; mainnet has about a million"),
      Parameter(
        "slot", .duration(.milliseconds(12_000), in: .milliseconds(100) ... .seconds(3600)),
        "Length of a time slot.", source: config),
      Parameter(
        "slots-per-epoch", .count(32, in: 4...1024), "Time slots in an epoch.", source: preset),
      Parameter(
        "attestation-due", .fraction(0.3333, in: 0.0001...1),
        "Part of a slot after which validators attest, block or not.", source: config),
      Parameter(
        "aggregate-due", .fraction(0.6667, in: 0.0001...1),
        "Part of a slot after which aggregators send what they have.", source: config),
    ]
  }

  private static var committees: [Parameter] {
    [
      Parameter(
        "committees", .count(64, in: 1...64), "Committees of a slot, at most.", source: preset),
      Parameter(
        "committee-size", .count(128, in: 1...2048), "Validators of a committee, aimed at.",
        source: preset),
      Parameter(
        "shuffle-rounds", .count(90, in: 1...255), "Rounds of the swap-or-not shuffle.",
        source: preset),
      Parameter(
        "aggregators", .count(16, in: 1...2048), "Aggregators of a committee, aimed at.",
        source: "consensus-specs a08d8a6e, phase0/validator.md"),
      Parameter(
        "subnets", .count(64, in: 1...4096), "Topics over which single votes spread.",
        source: config),
      Parameter(
        "subnets-per-node", .count(2, in: 1...4096), "Topics that a node hears all the time.",
        source: "consensus-specs a08d8a6e, phase0/p2p-interface.md"),
      Parameter(
        "attestations", .count(8, in: 1...128), "Different votes in a block, at most.",
        source: preset),
    ]
  }

  private static var forkChoice: [Parameter] {
    [
      Parameter(
        "boost", .fraction(0.4, in: 0...10),
        "Weight of a timely block, over that of one slot's committees.", source: config),
      Parameter(
        "reorg-head", .fraction(0.2, in: 0...10),
        "A late head with less weight is not built on; 0: never.", source: config),
      Parameter(
        "reorg-parent", .fraction(1.6, in: 0...10), "If its parent has more weight than this.",
        source: config),
      Parameter(
        "reorg-cutoff", .fraction(0.1667, in: 0...1),
        "And the proposal is not later than this part of its slot.", source: config),
      Parameter(
        "reorg-epochs", .count(2, in: 0...1_000_000),
        "And the last final epoch is not longer ago.",
        source: config),
    ]
  }

  private static var balances: [Parameter] {
    [
      Parameter(
        "largest-balance", .count(2048, in: 32...1_000_000),
        "ETH over which proposers are drawn; 32 makes every draw succeed at once.",
        source: "\(preset)/electra.yaml; 32 before Electra"),
      Parameter(
        "leak-after", .count(4, in: 1...1_000_000),
        "Epochs without finality after which balances of the absent leak.", source: preset),
      Parameter(
        "leak-quotient", .count(16_777_216, in: 1024...1_000_000_000_000),
        "Divisor of the leak: the smaller, the faster.", source: "\(preset)/bellatrix.yaml"),
    ]
  }

  private static var registry: [Parameter] {
    let none = "nobody enters or leaves"
    let times = SimDuration.zero ... .seconds(1_000_000_000)
    let gaps = SimDuration.zero ... .seconds(3600)
    return [
      Parameter(
        "entrants", .count(0, in: 0...1_000_000), "Validators that make a deposit during the run.",
        source: none),
      Parameter(
        "entrants-at", .duration(.zero, in: times), "When the first of them does.", source: none),
      Parameter(
        "entrants-every", .duration(.zero, in: gaps), "How much later each other does.",
        source: none),
      Parameter(
        "leavers", .count(0, in: 0...1_000_000),
        "Validators of genesis that ask to leave, spread evenly.", source: none),
      Parameter(
        "leavers-at", .duration(.seconds(98_304), in: times), "When the first of them does.",
        source: "service, in slots of 12 s"),
      Parameter(
        "leavers-every", .duration(.zero, in: gaps), "How much later each other does.",
        source: none),
      Parameter(
        "service", .count(256, in: 0...1_000_000),
        "Epochs for which a validator must be active before it may leave.", source: config),
      Parameter(
        "least-churn", .count(128, in: 32...1_000_000),
        "ETH that may become active, and leave, in an epoch, at least.", source: config),
      Parameter(
        "most-churn", .count(256, in: 32...1_000_000), "The same, at most.", source: config),
      Parameter(
        "deposits-per-epoch", .count(16, in: 1...1_000_000),
        "Deposits taken into the registry in an epoch, at most.",
        source: "\(preset)/electra.yaml"),
      Parameter(
        "deposit-size", .bytes(540, in: 0...1_000_000),
        "The transaction of a deposit; a block holds 192 B more.",
        source: "assumption: type 2 (EIP-1559), with the 420 B of calldata of deposit()"),
    ]
  }

  private static var costs: [Parameter] {
    let range = SimDuration.zero ... .seconds(10)
    let measured = "measured: blspy 2.0.3 on a Zen 4 core"
    return [
      Parameter(
        "sign", .duration(.nanoseconds(432_515), in: range), "A BLS12-381 signature.",
        source: measured),
      Parameter(
        "check-signature", .duration(.nanoseconds(1_579_228), in: range), "Checking one.",
        source: measured),
      Parameter(
        "aggregate", .duration(.nanoseconds(2_380), in: range),
        "Adding a signature to an aggregate.", source: measured),
      Parameter(
        "add-key", .duration(.nanoseconds(776), in: range),
        "Adding a public key when an aggregate is checked.", source: measured),
    ]
  }

  private static var misbehaviour: [Parameter] {
    let none = "nobody misbehaves"
    let epochs = 0...1_000_000_000
    func share(_ name: String, _ sentence: String) -> [Parameter] {
      [
        Parameter(name, .fraction(0, in: 0...1), sentence, source: none),
        Parameter(
          "\(name)-from", .count(0, in: epochs), "The epoch in which that begins.", source: none),
        Parameter(
          "\(name)-until", .count(1_000_000_000, in: epochs), "The epoch in which it ends.",
          source: none),
      ]
    }
    return share("offline", "Share of the validators that do nothing.")
      + share("double-voters", "Share of the validators that vote twice.")
      + share("equivocators", "Share of the validators that propose two blocks.")
      + share("late", "Share of the validators that propose late.") + [
        Parameter(
          "late-by", .duration(.seconds(6), in: .zero ... .seconds(3600)), "How late.",
          source: "assumption: after the attestation deadline"),
        Parameter(
          "adversary", .fraction(0, in: 0...0.9),
          "Share of the stake at the first node, which balances two branches.", source: none),
        Parameter(
          "adversary-from", .count(2, in: epochs), "The epoch in which it begins.",
          source: "assumption"),
        Parameter(
          "adversary-lead", .duration(.milliseconds(50), in: .zero ... .seconds(3600)),
          "How long before it matters it sends; less than a delay.", source: "assumption"),
        Parameter(
          "adversary-delay", .duration(.milliseconds(200), in: .zero ... .seconds(3600)),
          "The delay that it counts on.", source: "assumption"),
        Parameter(
          "weakness", .choice(Weakness.none.rawValue, of: Weakness.allCases.map(\.rawValue)),
          "A rule left out, for tests of the monitors.", source: "none"),
      ]
  }

  public static func problem(with values: ParameterValues, nodes: Int) -> String? {
    if values.count("validators") < values.count("slots-per-epoch") {
      return "validators are fewer than slots-per-epoch, so that slots would have no committee"
    }
    if values.count("validators") < nodes { return "validators are fewer than nodes" }
    if values.fraction("attestation-due") >= values.fraction("aggregate-due") {
      return "aggregate-due is not after attestation-due"
    }
    if values.count("subnets-per-node") > values.count("subnets") {
      return "subnets-per-node are more than subnets"
    }
    if let problem = registryProblem(values) { return problem }
    guard values.fraction("adversary") > 0 else { return nil }
    if nodes < 5 { return "adversary: two halves of the nodes are too few with \(nodes) nodes" }
    return values.duration("adversary-lead") >= values.duration("slot")
      ? "adversary-lead is not less than slot" : nil
  }

  private static func registryProblem(_ values: ParameterValues) -> String? {
    if values.count("most-churn") < values.count("least-churn") {
      return "most-churn is less than least-churn"
    }
    let leavers = values.count("leavers")
    guard leavers > 0 else { return nil }
    if leavers > values.count("validators") { return "leavers are more than validators" }
    // In microseconds, of which the longest service has 4e18.
    let service =
      values.duration("slot").nanoseconds / 1000 * Int64(values.count("slots-per-epoch"))
      * Int64(values.count("service"))
    return values.duration("leavers-at").nanoseconds / 1000 < service
      ? "leavers-at is before the service of validators is over, at \(service / 1_000_000) s" : nil
  }

  public static func make(
    _ values: ParameterValues, _ context: ChainContext
  ) -> (nodes: [Gasper], genesis: BlockArena) {
    let settings = Settings(values)
    let starts = split(
      settings.validators, shares: context.shares, adversary: settings.adversary)
    let nodes = context.shares.indices.map {
      Gasper(settings: settings, me: $0, firstValidator: starts, seed: context.seed)
    }
    return (nodes, BlockArena(nonce: context.seed))
  }
}

extension Gasper.Settings {
  init(_ values: ParameterValues) {
    self.init()
    func basisPoints(_ name: String) -> Int { Int(values.fraction(name) * 10_000 + 0.5) }
    func percent(_ name: String) -> Int { Int(values.fraction(name) * 100 + 0.5) }
    func misbehaviour(_ name: String) -> Gasper.Misbehaviour {
      Gasper.Misbehaviour(
        share: values.fraction(name), from: UInt32(values.count("\(name)-from")),
        until: UInt32(values.count("\(name)-until")))
    }
    func movement(_ name: String) -> Gasper.Movement {
      Gasper.Movement(
        count: values.count(name), at: values.duration("\(name)-at"),
        every: values.duration("\(name)-every"))
    }
    validators = values.count("validators")
    slot = values.duration("slot")
    slotsPerEpoch = values.count("slots-per-epoch")
    maxCommittees = values.count("committees")
    targetCommitteeSize = values.count("committee-size")
    shuffleRounds = values.count("shuffle-rounds")
    targetAggregators = values.count("aggregators")
    subnets = values.count("subnets")
    subnetsPerNode = values.count("subnets-per-node")
    attestationDue = basisPoints("attestation-due")
    aggregateDue = basisPoints("aggregate-due")
    reorgCutoff = basisPoints("reorg-cutoff")
    boost = percent("boost")
    reorgHead = percent("reorg-head")
    reorgParent = percent("reorg-parent")
    reorgEpochs = values.count("reorg-epochs")
    maxAttestations = values.count("attestations")
    rewards.largest = UInt64(values.count("largest-balance")) * 1_000_000_000
    rewards.leakAfter = UInt32(values.count("leak-after"))
    rewards.inactivityQuotient = UInt64(values.count("leak-quotient"))
    rewards.minChurn = UInt64(values.count("least-churn")) * 1_000_000_000
    rewards.maxChurn = UInt64(values.count("most-churn")) * 1_000_000_000
    rewards.servicePeriod = UInt32(values.count("service"))
    rewards.depositsPerEpoch = values.count("deposits-per-epoch")
    depositBytes = values.bytes("deposit-size")
    entrants = movement("entrants")
    leavers = movement("leavers")
    costs.sign = values.duration("sign")
    costs.verify = values.duration("check-signature")
    costs.aggregate = values.duration("aggregate")
    costs.addKey = values.duration("add-key")
    offline = misbehaviour("offline")
    doubleVoters = misbehaviour("double-voters")
    equivocators = misbehaviour("equivocators")
    late = misbehaviour("late")
    lateBy = values.duration("late-by")
    adversary = values.fraction("adversary")
    adversaryFrom = UInt32(values.count("adversary-from"))
    adversaryLead = values.duration("adversary-lead")
    adversaryDelay = values.duration("adversary-delay")
    weakness = Gasper.Weakness(rawValue: values.choice("weakness")) ?? .none
  }
}
