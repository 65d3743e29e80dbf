import Consensus
import Kernel
import Metrics
import Statistics

extension SettlementPlan {
  /// Confirmations that are needed for `finality`, so that the adversary reverts a payment with at
  /// most the stated probability; 0 where decided is final, `nil` where nothing is known or nothing
  /// is enough. Of sampling: successful polls in a row, if the adversary's share is of `nodes`.
  public func confirmations(for finality: FinalityRule, nodes: Int) -> Int? {
    switch finality {
    case .deterministic: 0
    case .unknown: nil
    case .hashing, .keyBlocks:
      DoubleSpend.confirmations(atMost: error) { DoubleSpend.exact(q: adversary, z: $0) }
    case .slots(let active):
      DoubleSpend.confirmations(atMost: error) {
        DoubleSpend.bySlots(
          adversary: Self.leads(adversary, active), honest: Self.leads(1 - adversary, active), z: $0
        )
      }
    case .sampling(let sample, let alphaPreference, let alphaConfidence, _):
      RepeatedSampling(
        // Replicas are whole; the share may be a little off, as fractions of two are.
        replicas: nodes, adversaries: Int(adversary * Double(nodes) + 1e-9), sample: sample,
        alphaPreference: alphaPreference, alphaConfidence: alphaConfidence
      ).rowLength(atMost: error)
    }
  }

  /// Probability that the adversary reverts a payment with `confirmations`, as
  /// `confirmations(for:)` reckons it: 0 where decided is final, `nil` where the rule gives no
  /// number.
  public func reversal(after confirmations: Int, _ finality: FinalityRule) -> Double? {
    switch finality {
    case .deterministic: 0
    case .unknown, .sampling: nil
    case .hashing, .keyBlocks: DoubleSpend.exact(q: adversary, z: confirmations)
    case .slots(let active):
      DoubleSpend.bySlots(
        adversary: Self.leads(adversary, active), honest: Self.leads(1 - adversary, active),
        z: confirmations)
    }
  }

  /// What the probability of a reversal rests on, in words.
  public static func basis(of finality: FinalityRule) -> String {
    switch finality {
    case .deterministic: "final within the faults it tolerates"
    case .hashing: "exact: race of miners without delays"
    case .keyBlocks: "exact: race of miners of key blocks without delays"
    case .slots: "exact: lottery of slots without delays"
    case .sampling: "exact: polls in a row"
    case .unknown: "nothing known bounds a reversal"
    }
  }

  /// Probability that a part of the stake leads a slot.
  private static func leads(_ part: Double, _ active: Double) -> Double {
    1 - Elementary.pow(1 - active, part)
  }
}

extension Scenario {
  /// Mean time from submission until the stated adversary reverts with at most the stated
  /// probability, of every chain that confirms transactions; see Scenarios.md for the formulas.
  func reportSettlement(_ outcome: inout Outcome) {
    for chain in chains where outcome["\(chain.name).confirmed"] != nil {
      let name = chain.name
      let finality = chain.consensus.entry.finality(with: chain.consensus.values)
      let needed = settlement.confirmations(for: finality, nodes: chain.nodes)
      if let needed, needed > 0 {
        outcome.metrics.append(.init("\(name).settlement_confirmations", "1", Double(needed)))
      }
      outcome.metrics.append(
        .init(
          "\(name).settlement_latency", "s",
          needed.flatMap { settlementLatency(of: name, finality, $0, outcome) }))
    }
  }

  /// Inclusion, and what follows until `needed` confirmations are there; `nil` if nothing was final
  /// in the run or no block confirms.
  private func settlementLatency(
    of name: String, _ finality: FinalityRule, _ needed: Int, _ outcome: Outcome
  ) -> Double? {
    func value(_ metric: String) -> Double? { outcome["\(name).\(metric)"] }
    guard let ingest = value("ingest_mean"), let include = value("include_mean") else { return nil }
    switch finality {
    case .unknown: return nil
    case .deterministic: return value("decide_mean").map { ingest + include + $0 }
    case .sampling(_, _, _, let beta):
      // Who decides polls no more: it has what it needs then, or never.
      return needed <= beta ? value("decide_mean").map { ingest + include + $0 } : nil
    case .hashing, .slots:
      return value("block_interval").map { ingest + include + Double(needed - 1) * $0 }
    case .keyBlocks:
      // The block of the transaction has no work, and key blocks come without memory.
      guard let interval = value("block_interval"), let height = value("chain_height"),
        let keys = value("key_blocks"), let stale = value("key_stale_rate"), keys * (1 - stale) > 0
      else { return nil }
      return ingest + include + Double(needed) * interval * height / (keys * (1 - stale))
    }
  }
}
