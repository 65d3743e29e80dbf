import Kernel
import Simulation

/// One entry of a scenario's adversaries.
public struct AdversaryPlan: Sendable, Equatable {
  public var chain: String
  public var adversary: Adversary
  /// Censored hosts of the chain's clients, by number; `nil`: all.
  public var clients: [Int]?
}

extension AdversaryPlan {
  private typealias Behaviour = (behaviour: Adversary.Behaviour, clients: [Int]?)

  init(_ section: Section, chains: [ChainPlan], network: NetworkPlan) throws {
    let names = chains.isEmpty ? ["main"] : chains.map(\.name)
    let name = section.choice("chain", names, default: names[0], "where they misbehave")
    let plan = chains.first { $0.name == name }
    let count = plan?.nodes ?? 1
    let nodes = section.nodes("nodes", below: count, "nodes of the chain that misbehave")
    let range = SimDuration.zero...FaultPlan.longest
    let from = section.duration("from", default: .zero, in: range, "since when")
    let until = section.optional("until") {
      $0.duration($1, in: range, "until when; default until the end")
    }
    section.require(until.map { $0 > from } ?? true, "until", "is not after 'from'")
    let read: Behaviour = try section.variant(
      "behaviour", Self.behaviours(nodes: count, clients: plan?.workload?.hosts ?? 1),
      "what they do, without their protocol knowing")
    chain = name
    clients = read.clients
    adversary = Adversary(
      read.behaviour, roles: nodes, from: .zero + from,
      until: until.map { .zero + $0 } ?? .never)
    if let plan {
      let problem = adversary.problem(for: plan, network)
      section.require(problem == nil, "behaviour", problem ?? "")
    }
  }

  private static func behaviours(nodes: Int, clients: Int) -> [Alternative<Behaviour>] {
    [
      Alternative(
        "silent", "handles everything, sends nothing", section: { _ in (.silent, nil) }),
      Alternative(
        "delay", "what it sends leaves later",
        value: {
          (.delay($0.random($1, of: .duration, "how much, for each message").distribution), nil)
        }),
      Alternative(
        "withhold", "what it sends reaches a drawn part of the others",
        section: {
          let share = $0.fraction("reaches", in: 0...0.999, "share of the others, drawn each time")
          let only = $0.flag("proposals-only", default: false, "it withholds only proposals")
          return (.withhold(share: share, proposalsOnly: only), nil)
        }),
      Alternative(
        "censor", "does not see some transactions",
        section: {
          let share = $0.fraction(
            "share", default: 1, in: 0.001...1, "share of the transactions, the same ones always")
          let hosts = $0.optional("clients") {
            $0.nodes($1, below: clients, "only of these hosts of clients")
          }
          return (.censor(populations: nil, share: share), hosts)
        }),
      Alternative(
        "invalid", "sends proposals that must be refused", section: { _ in (.invalid, nil) }),
      Alternative("crash-at", "crashes at the worst moment", section: { (crash($0, nodes), nil) }),
      Alternative(
        "twins", "two copies with one identity: equivocates and votes twice",
        section: { (.twins(twins($0, nodes)), nil) }),
    ]
  }

  private static func crash(_ section: Section, _ nodes: Int) -> Adversary.Behaviour {
    .crash(
      proposal: section.count("proposal", in: 1...1_000_000_000, "over its proposal number"),
      reach: section.count(
        "reaches", default: 1, in: 0...max(nodes - 1, 1), "replicas that still get it",
        source: "one replica that knows more than all others"),
      downTime: section.optional("for") {
        $0.duration(
          $1, in: .nanoseconds(1)...FaultPlan.longest, "how long it is down; default for ever")
      },
      keepsDisk: section.flag(
        "keeps-disk", default: true, "what was on the disk is there after the restart"))
  }

  private static func twins(_ section: Section, _ nodes: Int) -> Adversary.Twins {
    let first = section.optional("first") {
      $0.nodes($1, below: nodes, "to whom the first copies talk, the second to the rest")
    }
    let period = section.optional("period") {
      $0.duration(
        $1, in: .microseconds(1)...FaultPlan.longest,
        "the two parts are drawn anew so often; default 1 s unless first is given")
    }
    section.require(
      first == nil || period == nil, "period", "parts are given or drawn, not both",
      allowed: "first, period")
    let given = first.map { first in (0..<nodes).map { !first.contains($0) } }
    let hears = section.choice(
      "hears", ["own", "all"], default: "own", "whom a copy hears: its own part or everybody",
      source: "Bano et al. 2020: a copy is in one part of the network")
    return Adversary.Twins(
      parts: given.map { .given($0) } ?? .drawn(every: period ?? .seconds(1)),
      hearsAll: hears == "all",
      overlooks: section.fraction(
        "overlooks", default: 0.5,
        "share of transactions that the second copy does not see, so that proposals conflict",
        source: "assumption: half"))
  }
}

extension Adversary {
  /// What is wrong with this behaviour in that chain, as a sentence.
  func problem(for chain: ChainPlan, _ network: NetworkPlan) -> String? {
    let entry = chain.consensus.entry
    switch behaviour {
    case .silent, .delay: return nil
    case .withhold(_, let proposalsOnly):
      guard proposalsOnly else { return nil }
      if entry.spreads { return "\(entry.name) spreads blocks: nothing else can be withheld" }
      return entry.marksProposals ? nil : "\(entry.name) does not say which messages propose"
    case .censor, .twins:
      return entry.spreads ? "only replicas of a committee can do that, not of \(entry.name)" : nil
    case .invalid:
      return entry.hasInvalidProposals ? nil : "\(entry.name) has no invalid proposals"
    case .crash:
      if entry.spreads || !entry.marksProposals {
        return "\(entry.name) does not say which messages propose"
      }
      let uplink = network.uplinkDiscipline
      return uplink.chunk == nil && !uplink.urgentFirst
        ? nil : "crash-at needs uplink-order fifo without votes-first"
    }
  }
}

extension Scenario {
  /// Adversaries of chain number `c`, as the engine knows them.
  ///
  /// - Parameter populations: of all those who submit, to find censored hosts among them.
  func adversaries(of c: Int, _ sources: [PlannedSource]) -> [Adversary] {
    adversaries.filter { $0.chain == chains[c].name }.map { plan in
      var adversary = plan.adversary
      guard case .censor(_, let share) = adversary.behaviour, let hosts = plan.clients else {
        return adversary
      }
      let first = sources.first {
        if case .clients = $0.kind { $0.chain == c } else { false }
      }?.populations.lowerBound
      adversary.behaviour = .censor(
        populations: first.map { first in hosts.map { UInt32(first + $0) } } ?? [], share: share)
      return adversary
    }
  }

  /// Combinations of entries that cannot work.
  func checkAdversaries(_ section: Section) {
    for chain in chains {
      let own = adversaries.filter { $0.chain == chain.name }.map(\.adversary)
      let twins = own.twins
      if Set(twins).count < twins.count {
        section.fail("adversaries", "a node of '\(chain.name)' has twins twice")
      }
      let liars = Set(
        own.flatMap { adversary -> [Int] in
          if case .crash = adversary.behaviour { [] } else { adversary.roles }
        })
      if liars.count >= chain.nodes {
        section.fail("adversaries", "no node of '\(chain.name)' is correct")
      }
    }
  }
}
