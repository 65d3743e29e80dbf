/// What keeps a decided transaction decided, as far as the settlement of payments goes.
public enum FinalityRule: Sendable, Equatable {
  /// Decided is final, within the protocol's own assumptions: a quorum has voted for it.
  case deterministic
  /// Each block that is found by hashing is a confirmation (Nakamoto 2008, §11).
  case hashing
  /// Only some blocks are found by hashing, and those alone confirm: key blocks, as Bitcoin-NG
  /// calls them. The protocol has the figures `key_blocks` and `key_stale_rate`.
  case keyBlocks
  /// A lottery in each time slot: all stake together leads one with probability `active`, a part a
  /// of it with 1 - (1 - active)^a, independently of the rest.
  case slots(active: Double)
  /// Samples of `sample` replicas are asked; `beta` polls in a row decide, in each of which
  /// `alphaConfidence` answers were alike, where `alphaPreference` move a preference.
  case sampling(sample: Int, alphaPreference: Int, alphaConfidence: Int, beta: Int)
  /// Nothing is known that bounds how a block may be reverted.
  case unknown
}
