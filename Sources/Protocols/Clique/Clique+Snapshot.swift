import Ledger

extension Clique {
  /// A signer's opinion that somebody should sign, or should not.
  public struct Vote: Sendable, Equatable, BitwiseCopyable {
    /// EIP-225: beneficiary.
    public var target: UInt16
    /// EIP-225: the nonce is `NONCE_AUTH`; otherwise `NONCE_DROP`.
    public var authorizes: Bool

    public init(target: UInt16, authorizes: Bool) {
      self.target = target
      self.authorizes = authorizes
    }

    /// As a block carries it; 0 is no vote.
    var word: UInt64 { UInt64(target) + 1 | (authorizes ? 1 << 32 : 0) }

    init?(word: UInt64) {
      guard word != 0 else { return nil }
      self.init(
        target: UInt16(truncatingIfNeeded: word & 0xffff_ffff - 1), authorizes: word >> 32 == 1)
    }
  }

  /// Why a block is not valid.
  public enum Refusal: Sendable, Equatable {
    case unauthorized, signedRecently, wrongDifficulty, voteAtCheckpoint
  }

  /// Who may sign after a block, who has signed of late, and the votes that are open: a function of
  /// the chain alone.
  public struct Snapshot: Sendable {
    public private(set) var height: UInt32 = 0
    /// In ascending order.
    public private(set) var signers: [UInt16]
    private var recents: [(height: UInt32, signer: UInt16)] = []
    private var votes: [(signer: UInt16, vote: Vote)] = []

    public init(signers: [UInt16]) {
      self.signers = signers.sorted()
      self.signers.reserveCapacity(2 * signers.count + 8)
      recents.reserveCapacity(signers.count + 8)
      votes.reserveCapacity(4 * signers.count + 8)
    }

    /// Becomes equal to `other` in its own storage.
    mutating func assign(_ other: Snapshot) {
      height = other.height
      signers.removeAll(keepingCapacity: true)
      signers.append(contentsOf: other.signers)
      recents.removeAll(keepingCapacity: true)
      recents.append(contentsOf: other.recents)
      votes.removeAll(keepingCapacity: true)
      votes.append(contentsOf: other.votes)
    }

    /// SIGNER_LIMIT: of so many blocks in a row a signer may sign one; also the votes that decide.
    public var limit: Int { signers.count / 2 + 1 }

    public func isTurn(of signer: UInt16, at height: UInt32) -> Bool {
      !signers.isEmpty && signers[Int(height) % signers.count] == signer
    }

    /// Whether `signer` may sign the next block.
    public func mayBeFollowed(by signer: UInt16) -> Bool {
      signers.contains(signer) && !hasSignedRecently(signer)
    }

    private func hasSignedRecently(_ signer: UInt16) -> Bool {
      let next = Int(height) + 1
      return recents.contains { $0.signer == signer && Int($0.height) > next - limit }
    }

    /// Whether `vote` would change something.
    public func isMeaningful(_ vote: Vote) -> Bool {
      signers.contains(vote.target) != vote.authorizes
    }

    /// What is wrong with `block` as the next; nil if nothing is.
    public func refusal(of block: Block, epoch: UInt32) -> Refusal? {
      let signer = UInt16(truncatingIfNeeded: block.miner)
      guard signers.contains(signer), block.height == height + 1 else { return .unauthorized }
      if hasSignedRecently(signer) { return .signedRecently }
      let difficulty = isTurn(of: signer, at: block.height) ? Clique.inTurn : Clique.outOfTurn
      if block.work != difficulty { return .wrongDifficulty }
      return block.fold != 0 && block.height % epoch == 0 ? .voteAtCheckpoint : nil
    }

    /// Takes a valid block.
    public mutating func apply(_ block: Block, epoch: UInt32) {
      height = block.height
      if height % epoch == 0 { votes.removeAll(keepingCapacity: true) }
      shiftOut()
      let signer = UInt16(truncatingIfNeeded: block.miner)
      recents.append((height, signer))
      guard let vote = Vote(word: block.fold) else { return }
      // Of a signer's votes on one target the latest counts.
      votes.removeAll { $0.signer == signer && $0.vote.target == vote.target }
      if isMeaningful(vote) { votes.append((signer, vote)) }
      decide(on: vote.target)
    }

    /// The oldest signature that still bars its signer is that of `limit` - 1 blocks ago.
    private mutating func shiftOut() {
      let oldest = Int(height) - limit
      recents.removeAll { Int($0.height) <= oldest }
    }

    /// The target of a block's vote, and nobody else, comes or goes if a majority says so.
    private mutating func decide(on target: UInt16) {
      let count = votes.count { $0.vote.target == target }
      guard count >= limit, let vote = votes.first(where: { $0.vote.target == target })?.vote
      else { return }
      if vote.authorizes {
        signers.append(target)
        signers.sort()
      } else {
        signers.removeAll { $0 == target }
        shiftOut()
        votes.removeAll { $0.signer == target }
      }
      votes.removeAll { $0.vote.target == target }
    }
  }
}
