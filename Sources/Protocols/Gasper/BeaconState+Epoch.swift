import Ledger

// `process_epoch` of the specification: justification, inactivity, rewards, registry, slashings,
// deposits, effective balances and flags, in that order.

extension BeaconState {
  mutating func processEpoch(_ epoch: UInt32, _ settings: Gasper.Settings) {
    finality = justified(at: epoch, settings)
    if epoch > 0 {
      let previous = epoch - 1
      let delay = previous - min(finality.finalized.epoch, previous)
      let isLeaking = delay > settings.rewards.leakAfter
      updateScores(previous, isLeaking, settings.rewards)
      applyDeltas(previous, isLeaking, settings)
    }
    updateRegistry(epoch, settings)
    applySlashings(epoch, settings.rewards)
    processDeposits(epoch, settings)
    updateEffective(settings.rewards)
    dropSlashings(before: epoch + 1, settings.rewards)
    previousFlags = currentFlags
    currentFlags = Array(repeating: 0, count: balances.count)
    var total: UInt64 = 0
    for v in balances.indices where isActive(v, in: epoch + 1) { total += effective[v] }
    totalActive = max(total, settings.rewards.increment)
  }

  /// `get_eligible_validator_indices`, as a predicate.
  private func isEligible(_ v: Int, _ previous: UInt32) -> Bool {
    isActive(v, in: previous) || (slashed[v] && previous + 1 < withdrawable[v])
  }

  /// Whether a validator is among `get_unslashed_participating_indices` of the previous epoch.
  private func participates(_ v: Int, _ flag: UInt8, _ previous: UInt32) -> Bool {
    previousFlags[v] & flag != 0 && !slashed[v] && isActive(v, in: previous)
  }

  /// `process_inactivity_updates`.
  private mutating func updateScores(
    _ previous: UInt32, _ isLeaking: Bool, _ rewards: Gasper.Rewards
  ) {
    for v in balances.indices where isEligible(v, previous) {
      let before = scores[v]
      var score = before
      if participates(v, 2, previous) {
        score -= min(1, score)
      } else {
        score += rewards.scoreBias
      }
      if !isLeaking { score -= min(rewards.scoreRecovery, score) }
      if score != before { scores[v] = score }
    }
  }

  /// `process_rewards_and_penalties`: source, target, head, then inactivity; a balance never falls
  /// below 0 in between.
  private mutating func applyDeltas(
    _ previous: UInt32, _ isLeaking: Bool, _ settings: Gasper.Settings
  ) {
    let rewards = settings.rewards
    let perIncrement = baseRewardPerIncrement(settings)
    let activeIncrements = totalActive / rewards.increment
    let denominator = activeIncrements * Gasper.weightDenominator
    let participating = [1, 2, 4].map {
      balance(with: $0, previousFlags, in: previous, least: rewards.increment) / rewards.increment
    }
    for v in balances.indices where isEligible(v, previous) {
      let base = effective[v] / rewards.increment * perIncrement
      for flag in 0..<3 {
        let weighted = base * Gasper.flagWeights[flag]
        if participates(v, 1 << UInt8(flag), previous) {
          if !isLeaking { balances[v] += weighted * participating[flag] / denominator }
        } else if flag < 2 {
          decrease(v, by: weighted / Gasper.weightDenominator)
        }
      }
      if !participates(v, 2, previous), scores[v] > 0 {
        decrease(
          v, by: effective[v] * scores[v] / (rewards.scoreBias * rewards.inactivityQuotient))
      }
    }
  }

  /// `process_slashings` of Electra: in the middle of its withdrawal delay a slashed validator pays
  /// in proportion to what was slashed around it.
  private mutating func applySlashings(_ epoch: UInt32, _ rewards: Gasper.Rewards) {
    guard !slashings.isEmpty else { return }
    let sum = slashings.reduce(UInt64(0)) { $0 + $1.gwei }
    let adjusted = min(sum * rewards.slashingMultiplier, totalActive)
    let perIncrement = adjusted / (totalActive / rewards.increment)
    for v in balances.indices
    where slashed[v] && epoch + rewards.slashingsVector / 2 == withdrawable[v] {
      decrease(v, by: perIncrement * (effective[v] / rewards.increment))
    }
  }

  private mutating func dropSlashings(before next: UInt32, _ rewards: Gasper.Rewards) {
    guard let oldest = slashings.first, oldest.epoch + rewards.slashingsVector <= next else {
      return
    }
    slashings.removeAll { $0.epoch + rewards.slashingsVector <= next }
  }

  /// `process_effective_balance_updates`, with hysteresis.
  private mutating func updateEffective(_ rewards: Gasper.Rewards) {
    let step = rewards.increment / rewards.hysteresis.quotient
    let (down, up) = (step * rewards.hysteresis.down, step * rewards.hysteresis.up)
    for v in balances.indices {
      let balance = balances[v]
      guard balance + down < effective[v] || effective[v] + up < balance else { continue }
      let next = min(balance - balance % rewards.increment, rewards.initial)
      if next != effective[v] { effective[v] = next }
    }
  }
}
