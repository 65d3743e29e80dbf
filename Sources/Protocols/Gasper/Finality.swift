import Ledger

/// A block at the beginning of an epoch: the last of its chain whose slot is not after the epoch's
/// first.
public struct Checkpoint: Sendable, Hashable, BitwiseCopyable {
  public var epoch: UInt32
  public var root: BlockID

  public init(epoch: UInt32, root: BlockID) {
    self.epoch = epoch
    self.root = root
  }

  public static var genesis: Checkpoint { Checkpoint(epoch: 0, root: .genesis) }
}

/// What Casper FFG keeps of a chain: `justification_bits` and the checkpoints of its state.
public struct Finality: Sendable, Equatable, BitwiseCopyable {
  /// Bit 0: the current epoch is justified; bit i: i epochs before it.
  public var bits: UInt8 = 0
  public var previousJustified = Checkpoint.genesis
  public var currentJustified = Checkpoint.genesis
  public var finalized = Checkpoint.genesis

  public init() {}

  /// `weigh_justification_and_finalization` at the end of `current`'s epoch.
  ///
  /// - Parameters:
  ///   - previous, current: the checkpoints of the last two epochs on this chain.
  ///   - total: active balance, in gwei.
  ///   - previousTarget, currentTarget: balance that voted for each as target.
  ///   - needs: numerator and denominator of the share that justifies.
  public mutating func weigh(
    previous: Checkpoint, current: Checkpoint, total: UInt64, previousTarget: UInt64,
    currentTarget: UInt64, needs: (UInt64, UInt64) = (2, 3)
  ) {
    let oldPrevious = previousJustified
    let oldCurrent = currentJustified
    previousJustified = currentJustified
    bits = bits << 1 & 0b1111
    if previousTarget * needs.1 >= total * needs.0 {
      currentJustified = previous
      bits |= 0b10
    }
    if currentTarget * needs.1 >= total * needs.0 {
      currentJustified = current
      bits |= 0b1
    }
    let epoch = current.epoch
    // The 2nd, 3rd and 4th most recent epochs are justified, the 2nd with the 4th as source.
    if bits & 0b1110 == 0b1110, oldPrevious.epoch + 3 == epoch { finalized = oldPrevious }
    // The 2nd and 3rd, the 2nd with the 3rd as source.
    if bits & 0b0110 == 0b0110, oldPrevious.epoch + 2 == epoch { finalized = oldPrevious }
    // The 1st, 2nd and 3rd, the 1st with the 3rd as source.
    if bits & 0b0111 == 0b0111, oldCurrent.epoch + 2 == epoch { finalized = oldCurrent }
    // The 1st and 2nd, the 1st with the 2nd as source.
    if bits & 0b0011 == 0b0011, oldCurrent.epoch + 1 == epoch { finalized = oldCurrent }
  }
}

/// What a validator votes for in its slot: a head (LMD-GHOST), and a link from source to target
/// (Casper FFG). `AttestationData` of the specification.
public struct AttestationData: Sendable, Equatable, BitwiseCopyable {
  public var slot: UInt32
  public var head: BlockID
  public var source: Checkpoint
  public var target: Checkpoint
  /// The shuffling that the committees of the vote are of.
  public var shuffling: UInt32

  public init(
    slot: UInt32, head: BlockID, source: Checkpoint, target: Checkpoint, shuffling: UInt32
  ) {
    self.slot = slot
    self.head = head
    self.source = source
    self.target = target
    self.shuffling = shuffling
  }

  /// `is_slashable_attestation_data`, in either order: a double vote, or one surrounds the other.
  public func contradicts(_ other: AttestationData) -> Bool {
    if target.epoch == other.target.epoch { return self != other }
    return surrounds(other) || other.surrounds(self)
  }

  private func surrounds(_ other: AttestationData) -> Bool {
    source.epoch < other.source.epoch && other.target.epoch < target.epoch
  }
}
