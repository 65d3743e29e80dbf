import Ledger

/// RapidChain's way (Zamani et al., CCS '18, §4.4): the client tells the output committee, whose
/// leader has every input committee move its money over (yank); it completes the transfer when all
/// of it has come. If an input cannot be moved, those that were go back.
///
/// The output committee is that of the first part that only receives, or of the last that pays if
/// there is none. Work in operations: one for each input part elsewhere, one at the output
/// committee, one for each further output part.
extension ShardLedger {
  /// The part whose shard is the output committee.
  public func outputPart(of transfer: Int) -> Int {
    let receiving = transfers.receivingParts(of: transfer)
    return receiving.isEmpty ? transfers.parts(of: transfer).upperBound - 1 : receiving.lowerBound
  }

  /// Input parts of other committees.
  public func yankedParts(of transfer: Int) -> Range<Int> {
    let paying = transfers.payingParts(of: transfer)
    return paying.lowerBound..<min(paying.upperBound, outputPart(of: transfer))
  }

  /// What the output committee asks the input committees for; it has given `voted` (a bit for each
  /// part of the transfer) up, whose votes are there.
  public func drive(_ transfer: Int, voted: UInt64 = 0, _ effects: inout CommitEffects) {
    let first = Int(transfers[transfer].firstPart)
    for part in yankedParts(of: transfer) where voted >> UInt64(part - first) & 1 == 0 {
      effects.request(.yank, part, at: transfers.parts[part].shard)
    }
  }

  mutating func yank(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    guard transfers.parts[part].state == .idle else { return .isStale }
    let transfer = Int(transfers.parts[part].transfer)
    let output = outputPart(of: transfer)
    let inputs = yankedParts(of: transfer)
    let verdict = problem(with: part)
    if verdict == .accepted { hold(part) } else { transfers.parts[part].state = .refused }
    let shard = transfers.parts[output].shard
    // The first input's committee gives the completion its identity; all tell what they did.
    if part == inputs.lowerBound {
      effects.request(
        .complete, output, at: shard,
        votes: settings.weakness == .unlocksWithoutProof ? 1 : inputs.count)
    }
    effects.votes.append(.init(shard: shard, part: UInt32(part), accepts: verdict == .accepted))
    return verdict
  }

  mutating func complete(_ part: Int, _ effects: inout CommitEffects) -> Verdict {
    let transfer = Int(transfers.parts[part].transfer)
    guard transfers.parts[part].state == .idle else { return .isStale }
    let inputs = yankedParts(of: transfer)
    let isRefused = inputs.contains { transfers.parts[$0].state == .refused }
    let haveAll = inputs.allSatisfy { transfers.parts[$0].state == .held }
    guard isRefused || haveAll || settings.weakness == .unlocksWithoutProof else {
      return .lacksProof
    }
    let verdict = isRefused ? .accepted : problem(with: part)
    if isRefused || verdict != .accepted {
      transfers.parts[part].state = .refused
      for input in inputs where transfers.parts[input].state == .held {
        effects.request(.refund, input, at: transfers.parts[input].shard)
      }
      return verdict
    }
    apply(part)
    // What was moved is spent here. An input committee has something left to do only if one of its
    // accounts receives.
    for input in inputs where transfers.parts[input].state == .held {
      if transfers.legs(of: input).contains(where: { transfers.legs[$0].amount > 0 }) {
        effects.request(.deposit, input, at: transfers.parts[input].shard)
      } else {
        finishHeld(input)
      }
    }
    for other in transfers.receivingParts(of: transfer) where other != part {
      effects.request(.deposit, other, at: transfers.parts[other].shard)
    }
    return .accepted
  }

  mutating func refund(_ part: Int) -> Verdict {
    guard transfers.parts[part].state == .held else { return .isStale }
    release(part)
    return .accepted
  }
}
