import Ledger

/// BrokerChain's way (Huang et al., INFOCOM '22, §V; arXiv 2412.07202): a broker has money on each
/// shard. The payer pays the broker on its own shard (Theta 1), which holds the money; the broker
/// pays the receiver on the other (Theta 2), up to a height of that shard's chain; with the proof
/// of it the first shard lets the broker have what it holds. If the height has passed without
/// Theta 2, the second shard says so, refuses it from then on, and the payer gets its money back.
///
/// A transfer has two parts, of payer and broker and of broker and receiver. Work in operations:
/// three, two of them on the payer's shard; one more for each time that a broker is short or that
/// somebody asks for the end of a lock too early.
extension ShardLedger {
  /// The part of the payer.
  public func sourcePart(of transfer: Int) -> Int {
    let parts = transfers.parts(of: transfer)
    let pays = transfers.legs(of: parts.lowerBound).contains {
      transfers.legs[$0].amount < 0 && Int(transfers.legs[$0].account.index) < firstBroker
    }
    return pays ? parts.lowerBound : parts.upperBound - 1
  }

  /// The part of the receiver.
  public func goalPart(of transfer: Int) -> Int {
    let parts = transfers.parts(of: transfer)
    return parts.lowerBound + parts.upperBound - 1 - sourcePart(of: transfer)
  }

  mutating func payBroker(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let verdict = problem(with: part)
    guard verdict == .accepted else {
      transfers.parts[part].state = .refused
      return verdict
    }
    hold(part)
    return .accepted
  }

  mutating func brokerPays(_ part: Int, in slot: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    let source = sourcePart(of: transfer)
    guard hasPaid(source) || settings.weakness == .unlocksWithoutProof else { return .lacksProof }
    if slot > Int(transfers[transfer].deadline), settings.weakness != .ignoresExpiry {
      refuse(part, source, &effects)
      return .hasExpired
    }
    let verdict = problem(with: part)
    if verdict != .accepted {
      guard verdict == .lacksFunds, settings.shortage == .relay else { return verdict }
      leaveBrokerOut(transfer)
    }
    apply(part)
    effects.request(.settle, source, at: transfers.parts[source].shard)
    return .accepted
  }

  mutating func expire(_ part: Int, in slot: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    let source = sourcePart(of: transfer)
    guard hasPaid(source) else { return .lacksProof }
    guard slot > Int(transfers[transfer].deadline) else { return .isEarly }
    refuse(part, source, &effects)
    return .accepted
  }

  mutating func settle(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .held else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    guard transfers.parts[goalPart(of: transfer)].state == .done else { return .lacksProof }
    finishHeld(part)
    monitor.close(transfer, committed: true, transfers)
    return .accepted
  }

  /// The proof that the payer has paid does not go away when it gets its money back.
  private func hasPaid(_ source: Int) -> Bool {
    switch transfers.parts[source].state {
    case .held, .done, .released: true
    case .idle, .refused: false
    }
  }

  private mutating func refuse(_ part: Int, _ source: Int, _ effects: inout CommitEffects) {
    if settings.weakness != .ignoresExpiry { transfers.parts[part].state = .refused }
    effects.request(.refund, source, at: transfers.parts[source].shard)
  }

  /// Whether there is a proof that the broker has not paid in time.
  func isRefusedByBroker(_ source: Int) -> Bool {
    let goal = goalPart(of: Int(transfers.parts[source].transfer))
    return transfers.parts[goal].state == .refused || settings.weakness == .ignoresExpiry
  }

  /// What is held is for nobody: it has been moved.
  private mutating func leaveBrokerOut(_ transfer: Int) {
    for part in transfers.parts(of: transfer) {
      for leg in transfers.legs(of: part)
      where Int(transfers.legs[leg].account.index) >= firstBroker {
        transfers.legs[leg].amount = 0
      }
    }
    monitor.relayed += 1
  }

  /// A transfer is done for payer and receiver once the broker has paid.
  mutating func noteBrokered(_ transfer: Int) {
    let source = transfers.parts[sourcePart(of: transfer)].state
    let goal = transfers.parts[goalPart(of: transfer)].state
    if goal == .done {
      transfers[transfer].fate = .committed
    } else if source == .refused || (source == .released && goal != .idle) {
      transfers[transfer].fate = .aborted
      monitor.close(transfer, committed: false, transfers)
    }
  }
}
