/// Who attests when: `compute_shuffled_permutation`, `compute_committee`, `compute_proposer_index`
/// and `is_aggregator` of the specification (phase0, electra).
public enum Shuffle {
  /// The swap-or-not permutation of 0..<count (Hoang, Morris and Rogaway, CRYPTO '12): entry i is
  /// `compute_shuffled_index(i, count, seed)`.
  public static func permutation(_ count: Int, seed: Hash256, rounds: Int) -> [UInt32] {
    var indices = (0..<UInt32(count)).map { $0 }
    guard count > 1 else { return indices }
    var bits = [UInt64](repeating: 0, count: (count + 255) / 256 * 4)
    for round in 0..<rounds {
      let pivot = UInt32(seed.hashed(with: UInt64(round), count: 1).leading % UInt64(count))
      for bucket in 0..<bits.count / 4 {
        let source = seed.hashed(with: UInt64(round) | UInt64(bucket) << 8, count: 5)
        // Bit p of the bucket is bit p % 8 of byte p / 8.
        bits[4 * bucket] = source.a.byteSwapped
        bits[4 * bucket + 1] = source.b.byteSwapped
        bits[4 * bucket + 2] = source.c.byteSwapped
        bits[4 * bucket + 3] = source.d.byteSwapped
      }
      let n = UInt32(count)
      for i in 0..<count {
        let index = indices[i]
        let flip = index <= pivot ? pivot - index : pivot + n - index
        let position = max(index, flip)
        if bits[Int(position >> 6)] >> UInt64(position & 63) & 1 == 1 { indices[i] = flip }
      }
    }
    return indices
  }

  /// One entry of the permutation: `pivots` are the hashes that begin each round.
  static func index(_ start: Int, of count: Int, seed: Hash256, pivots: [UInt64]) -> Int {
    var index = start
    for (round, hash) in pivots.enumerated() {
      let pivot = Int(hash % UInt64(count))
      let flip = (pivot + count - index) % count
      let position = max(index, flip)
      let source = seed.hashed(with: UInt64(round) | UInt64(position >> 8) << 8, count: 5)
      let bit = source.byte(position & 255 >> 3) >> UInt8(position & 7) & 1
      if bit == 1 { index = flip }
    }
    return index
  }

  /// `compute_proposer_index` of Electra: a candidate is taken with probability effective balance
  /// over `largest`, both in gwei.
  public static func proposer(
    of active: [UInt32], effective: [UInt64], seed: Hash256, largest: UInt64, rounds: Int
  ) -> UInt32 {
    let pivots = (0..<rounds).map { seed.hashed(with: UInt64($0), count: 1).leading }
    var i = 0
    var random = Hash256.zero
    while true {
      let candidate = active[index(i % active.count, of: active.count, seed: seed, pivots: pivots)]
      if i & 15 == 0 { random = seed.hashed(with: UInt64(i / 16), count: 8) }
      let offset = (i & 15) * 2
      let value = UInt64(random.byte(offset)) | UInt64(random.byte(offset + 1)) << 8
      let product = effective[Int(candidate)].multipliedFullWidth(by: 65_535)
      let threshold = largest.multipliedFullWidth(by: value)
      if (product.high, product.low) >= (threshold.high, threshold.low) { return candidate }
      i += 1
    }
  }
}

/// The committees of one epoch on one chain.
public struct Shuffling: Sendable {
  public let epoch: UInt32
  public let seed: Hash256
  /// Active validators, in shuffled order; committee k of the epoch is a stretch of it.
  public let order: [UInt32]
  /// Where each validator stands in `order`; `.max` if it does not.
  let places: [UInt32]
  public let committeesPerSlot: Int
  public let slotsPerEpoch: Int
  /// Positions in `order`, by slot of the epoch and then by node; and where each node's begin.
  let duties: [UInt32]
  let dutyStarts: [UInt32]
  let nodes: Int
  /// Topic of each committee of the epoch.
  var topics: [UInt32] = []

  public init(
    epoch: UInt32, seed: Hash256, active: [UInt32], settings: Gasper.Settings,
    owner: (Int) -> Int, nodes: Int
  ) {
    self.epoch = epoch
    self.seed = seed
    self.nodes = nodes
    slotsPerEpoch = settings.slotsPerEpoch
    let permutation = Shuffle.permutation(
      active.count, seed: seed, rounds: settings.shuffleRounds)
    order = permutation.map { active[Int($0)] }
    var places = [UInt32](repeating: .max, count: Int(active.max() ?? 0) + 1)
    for p in order.indices { places[Int(order[p])] = UInt32(p) }
    self.places = places
    committeesPerSlot = max(
      1,
      min(
        settings.maxCommittees,
        active.count / settings.slotsPerEpoch / settings.targetCommitteeSize))
    // Counting sort of each slot's positions by node.
    var starts = [UInt32](repeating: 0, count: slotsPerEpoch * nodes + 1)
    var sorted = [UInt32](repeating: 0, count: order.count)
    for s in 0..<slotsPerEpoch {
      for p in Self.range(s, slotsPerEpoch, order.count) {
        starts[s * nodes + owner(Int(order[p])) + 1] += 1
      }
    }
    for k in 1..<starts.count { starts[k] += starts[k - 1] }
    var next = starts
    for s in 0..<slotsPerEpoch {
      for p in Self.range(s, slotsPerEpoch, order.count) {
        let k = s * nodes + owner(Int(order[p]))
        sorted[Int(next[k])] = UInt32(p)
        next[k] += 1
      }
    }
    duties = sorted
    dutyStarts = starts
  }

  /// Stretch `index` of `count` equal ones: `compute_committee`.
  static func range(_ index: Int, _ count: Int, _ total: Int) -> Range<Int> {
    total * index / count..<total * (index + 1) / count
  }

  /// Positions of committee `index` of the slot that is `slot` slots into the epoch.
  public func committee(_ index: Int, at slot: Int) -> Range<Int> {
    Self.range(
      slot * committeesPerSlot + index, committeesPerSlot * slotsPerEpoch, order.count)
  }

  /// Positions of validators of `node` that attest in the slot, in order.
  func duties(of node: Int, at slot: Int) -> Range<Int> {
    let k = slot * nodes + node
    return Int(dutyStarts[k])..<Int(dutyStarts[k + 1])
  }

  /// The committee of the slot in which `position` is.
  func committee(of position: Int, at slot: Int) -> Int {
    let slots = Self.range(slot, slotsPerEpoch, order.count)
    var index = (position - slots.lowerBound) * committeesPerSlot / max(slots.count, 1)
    while committee(index, at: slot).upperBound <= position { index += 1 }
    while committee(index, at: slot).lowerBound > position { index -= 1 }
    return index
  }

  /// Slot, committee and bit of `validator`; nil if it is not active.
  func seat(of validator: Int) -> (slot: Int, committee: Int, bit: Int)? {
    guard validator < places.count, places[validator] != .max else { return nil }
    let position = Int(places[validator])
    let all = committeesPerSlot * slotsPerEpoch
    var index = position * all / order.count
    while Self.range(index, all, order.count).upperBound <= position { index += 1 }
    while Self.range(index, all, order.count).lowerBound > position { index -= 1 }
    return (
      index / committeesPerSlot, index % committeesPerSlot,
      position - Self.range(index, all, order.count).lowerBound
    )
  }

  /// Words of bits that the largest committee takes.
  var words: Int {
    let committees = committeesPerSlot * slotsPerEpoch
    return ((order.count + committees - 1) / committees + 63) / 64
  }
}
