import Consensus
import Kernel
import Ledger

/// What the votes, aggregates and blocks of a run hold, and what follows from each chain: stored
/// once, named by number.
///
/// No node reads it but through what it has: a vote whose note or block came to it, its own row of
/// a pool, the state of a block that it has with all ancestors.
public struct GasperContent: ChainContent {
  public static var noteKinds: [String] {
    ["attestation", "aggregate", "evidence", "deposit", "exit"]
  }
  /// ATTESTATION_PROPAGATION_SLOT_RANGE of 32 slots of 12 s.
  public static var noteLifetime: SimDuration { .seconds(384) }
  static var none: UInt32 { .max }

  /// Votes alike; their committees' pools are numbered from `firstPool` on.
  struct Vote: Sendable, BitwiseCopyable {
    var data: AttestationData
    var firstPool: Int
    /// The vote of the same slot that was made before it.
    var older: UInt32
    var digest: UInt64
  }

  /// The votes of one committee for one thing: what each node knows of them stands in a row.
  struct Pool: Sendable, BitwiseCopyable {
    var vote: UInt32
    var committee: UInt32
    var row: UInt32
  }

  /// One validator's vote, as it is gossiped.
  struct Single: Sendable, BitwiseCopyable {
    var pool: UInt32
    var bit: UInt32
  }

  /// Votes of one committee under one signature.
  struct Aggregate: Sendable, BitwiseCopyable {
    var pool: UInt32
    var count: UInt32
    var firstWord: Int
  }

  /// Two contradictory statements of one validator: votes, or blocks.
  struct Evidence: Sendable, BitwiseCopyable {
    var validator: UInt32
    var isOfBlocks: Bool
    var a: UInt32
    var b: UInt32
    /// The evidence against the same validator that was found before it.
    var older: UInt32
  }

  /// What a block holds beside transactions, and what its state says of finality.
  public struct Body: Sendable, BitwiseCopyable {
    var firstPart = 0
    var partCount = 0
    var firstEvidence = 0
    var evidenceCount = 0
    var firstOperation = 0
    var operationCount = 0
    /// The validator that made it, and the block of the same slot made before it.
    public var proposer: UInt32 = .max
    var olderInSlot = BlockID.none
    var reveal = Hash256.zero
    /// Of its state, and of its state as it will be at the end of its epoch.
    public var realized = Finality()
    public var unrealized = Finality()
  }

  /// The votes of one committee in a block.
  struct Part: Sendable, BitwiseCopyable {
    var pool: UInt32
    var vote: UInt32
    var committee: UInt32
    var firstWord: Int
  }

  /// A vote that a block may hold, and how many validators lack a flag that it earns them.
  struct Candidate: Sendable, BitwiseCopyable {
    var vote: UInt32
    var fresh: Int
    /// Newer ones come first.
    var place: Int
  }

  /// An epoch on a chain: its state at the beginning, its committees and its proposers.
  struct EpochContext: Sendable {
    var epoch: UInt32
    /// The last block before the epoch.
    var base: BlockID
    var state: BeaconState
    var shuffling: UInt32
    var proposers: [UInt32]
  }

  /// Fork-choice weights of all validators at a checkpoint: 0 if slashed or not active.
  struct Weights: Sendable {
    var checkpoint: Checkpoint
    var weights: [UInt64]
    /// `get_total_active_balance` over SLOTS_PER_EPOCH.
    var perSlot: UInt64
  }

  var settings = Gasper.Settings()
  var seed: UInt64 = 0
  var nodes = 0
  /// First validator of each node; one more entry at the end.
  var firstValidator: [UInt32] = []
  /// First subnet to which each node is subscribed.
  var firstSubnets: [UInt32] = []
  /// Node of each validator.
  var owner: [UInt32] = []

  var votes: [Vote] = []
  /// Newest vote of each slot.
  var voteOfSlot: [UInt32] = []
  var pools = SlidingArray<Pool>()
  /// Rows of pools: for each node the bits it knows, the bits it holds single signatures of, and
  /// the best aggregate that it has.
  var rows: [UInt64] = []
  var freeRows: [UInt32] = []
  var words = 1
  var singles = SlidingArray<Single>()
  var aggregates = SlidingArray<Aggregate>()
  var aggregateWords = SlidingArray<UInt64>()
  var evidence: [Evidence] = []
  var evidenceOf: [UInt32] = []

  var bodies = SlidingArray<Body>()
  var parts = SlidingArray<Part>()
  var partWords = SlidingArray<UInt64>()
  var partEvidence = SlidingArray<UInt32>()
  var partOperations = SlidingArray<UInt32>()
  var blockOfSlot: [BlockID] = []
  /// The body under construction.
  var opened = Body()

  var shufflings: [Shuffling?] = []
  var contexts: [EpochContext] = []
  var weights: [Weights] = []
  /// States of blocks, from block `stateBase` on. Those before `statePruned` are gone, but for the
  /// ends of chains.
  var states: [BeaconState?] = []
  var stateBase = 0
  var statePruned = 0
  /// States that are gone, whose memory is used again.
  var spareStates: [BeaconState] = []
  /// Buffers of the fork choice.
  var branchWeight: [UInt64] = []
  var isViable: [Bool] = []
  var members: [UInt32] = []
  var candidates: [Candidate] = []
  /// A bit for each validator.
  var marks: [UInt64] = []

  /// What the observer notes of each validator: its last votes, and the first slot, plus 1,
  /// in which it contradicted one of them. No node reads it.
  var cast: [UInt32] = []
  var slashableSince: [UInt32] = []
  static var castKept: Int { 4 }

  public init() {}

  /// Fills an empty content with genesis; what was filled stays as it is.
  mutating func begin(_ settings: Gasper.Settings, firstValidator: [UInt32], seed: UInt64) {
    guard nodes == 0 else { return }
    self.settings = settings
    self.seed = seed
    self.firstValidator = firstValidator
    nodes = firstValidator.count - 1
    for i in 0..<nodes {
      for _ in firstValidator[i]..<firstValidator[i + 1] { owner.append(UInt32(i)) }
    }
    firstSubnets = (0..<nodes).map {
      let hash = Hash256(seed, 1).hashed(with: UInt64($0), count: 8).a
      return UInt32(hash % UInt64(settings.subnets))
    }
    let hosts = (settings.adversary > 0 ? 1 : 0)..<nodes
    for k in 0..<settings.entrants.count {
      owner.append(UInt32(Gasper.host(ofEntrant: k, hosts)))
    }
    let all = settings.allValidators
    marks = Array(repeating: 0, count: all / 64 + 1)
    evidenceOf = Array(repeating: Self.none, count: all)
    cast = Array(repeating: Self.none, count: all * Self.castKept)
    slashableSince = Array(repeating: 0, count: all)
    let genesis = BeaconState(
      validators: settings.validators, settings: settings,
      seed: Hash256(seed).hashed(with: 0, count: 8))
    states = [genesis]
    weights = [
      Weights(
        checkpoint: .genesis, weights: genesis.effective,
        perSlot: genesis.totalActive / UInt64(settings.slotsPerEpoch))
    ]
    bodies.append(Body())
    blockOfSlot = [.genesis]
    // The largest that a committee can be while validators enter and leave: before there is one
    // committee more, or once there is one less, up to twice what is aimed at.
    let committees = max(
      1,
      min(
        settings.maxCommittees, all / settings.slotsPerEpoch / settings.targetCommitteeSize))
    let parts = committees * settings.slotsPerEpoch
    let largest = max(
      (all + parts - 1) / parts, committees > 1 ? 2 * settings.targetCommitteeSize : 1)
    words = (largest + 63) / 64
  }

  func epoch(of slot: UInt32) -> UInt32 { slot / UInt32(settings.slotsPerEpoch) }
  func start(of epoch: UInt32) -> UInt32 { epoch * UInt32(settings.slotsPerEpoch) }

  /// The last block of the chain of `block` whose slot is at most `slot`: `get_ancestor`.
  func ancestor(of block: BlockID, at slot: UInt32, _ blocks: BlockArena) -> BlockID {
    var walk = block
    while blocks[walk].slot > UInt64(slot), blocks.contains(blocks[walk].parent) {
      walk = blocks[walk].parent
    }
    return walk
  }

  /// What `block` holds beside transactions.
  public func body(of block: BlockID) -> Body { bodies[Int(block.index)] }
}

// MARK: - Votes and what nodes know of them

extension GasperContent {
  /// The number of `data`, whose pools are opened if nobody has voted so before.
  mutating func vote(for data: AttestationData, _ blocks: BlockArena) -> UInt32 {
    while voteOfSlot.count <= Int(data.slot) { voteOfSlot.append(Self.none) }
    var known = voteOfSlot[Int(data.slot)]
    while known != Self.none {
      if votes[Int(known)].data == data { return known }
      known = votes[Int(known)].older
    }
    var digest = RunDigest(blocks[data.head].digest.value)
    digest.fold(UInt64(data.slot), UInt64(data.source.epoch) << 32 | UInt64(data.target.epoch))
    let number = UInt32(votes.count)
    let count = committees(of: data)
    votes.append(
      Vote(
        data: data, firstPool: pools.endIndex, older: voteOfSlot[Int(data.slot)],
        digest: digest.value))
    voteOfSlot[Int(data.slot)] = number
    dropOldPools(at: data.slot)
    for committee in 0..<count {
      pools.append(Pool(vote: number, committee: UInt32(committee), row: takeRow()))
    }
    return number
  }

  private func committees(of data: AttestationData) -> Int {
    shufflings[Int(data.shuffling)]?.committeesPerSlot ?? 1
  }

  private var rowLength: Int { nodes * (2 * words + 1) }

  private mutating func takeRow() -> UInt32 {
    let row: UInt32
    if let free = freeRows.popLast() {
      row = free
      let first = Int(row) * rowLength
      for k in first..<first + rowLength { rows[k] = 0 }
    } else {
      row = UInt32(rows.count / rowLength)
      rows.append(contentsOf: repeatElement(0, count: rowLength))
    }
    return row
  }

  /// Votes are of use for two epochs: as long as a block may include them.
  private mutating func dropOldPools(at slot: UInt32) {
    let window = UInt32(2 * settings.slotsPerEpoch)
    while let first = pools.isEmpty ? nil : pools[pools.startIndex],
      votes[Int(first.vote)].data.slot + window < slot
    {
      freeRows.append(first.row)
      pools.dropFirst(before: pools.startIndex + 1)
    }
  }

  /// Where the bits that `node` knows of a pool begin in `rows`; what it holds single signatures of
  /// stands `words` on, its best aggregate behind that.
  @inline(__always)
  func place(of pool: Pool, _ node: Int) -> Int {
    Int(pool.row) * rowLength + node * (2 * words + 1)
  }

  /// Positions of the committee of a pool in the order of its shuffling.
  func committee(of vote: UInt32, _ committee: UInt32) -> Range<Int> {
    let data = votes[Int(vote)].data
    guard let shuffling = shufflings[Int(data.shuffling)] else { return 0..<0 }
    return shuffling.committee(
      Int(committee), at: Int(data.slot) % settings.slotsPerEpoch)
  }

  func validator(_ bit: Int, of vote: UInt32, _ committee: UInt32) -> Int {
    let data = votes[Int(vote)].data
    let first = self.committee(of: vote, committee).lowerBound
    return Int(shufflings[Int(data.shuffling)]?.order[first + bit] ?? 0)
  }

  /// Forgets singles and aggregates as their pools go.
  mutating func dropOldNotes() {
    while let first = singles.isEmpty ? nil : singles[singles.startIndex],
      Int(first.pool) < pools.startIndex
    {
      singles.dropFirst(before: singles.startIndex + 1)
    }
    while let first = aggregates.isEmpty ? nil : aggregates[aggregates.startIndex],
      Int(first.pool) < pools.startIndex
    {
      aggregates.dropFirst(before: aggregates.startIndex + 1)
      aggregateWords.dropFirst(
        before: aggregates.isEmpty
          ? aggregateWords.endIndex : aggregates[aggregates.startIndex].firstWord)
    }
  }

  /// The number of the evidence of two contradictory statements.
  mutating func evidence(
    against validator: Int, ofBlocks: Bool, _ a: UInt32, _ b: UInt32
  ) -> UInt32 {
    let (a, b) = (min(a, b), max(a, b))
    var known = evidenceOf[validator]
    while known != Self.none {
      let entry = evidence[Int(known)]
      if entry.isOfBlocks == ofBlocks, entry.a == a, entry.b == b { return known }
      known = entry.older
    }
    evidence.append(
      Evidence(
        validator: UInt32(validator), isOfBlocks: ofBlocks, a: a, b: b,
        older: evidenceOf[validator]))
    evidenceOf[validator] = UInt32(evidence.count - 1)
    return UInt32(evidence.count - 1)
  }
}
