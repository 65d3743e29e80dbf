import Kernel

/// A Merkle tree over a list of digests, as RFC 9162 §2.1 has it.
///
/// Leaves and inner nodes are hashed in different domains, so that no inner node can be passed off
/// as a leaf. A tree of n > 1 leaves is split at the largest power of two below n; level by level
/// that is: neighbours are paired, and an odd one out rises as it is. Nothing is duplicated, so no
/// two lists have the same root (as happened in Bitcoin, CVE-2012-2459).
public struct MerkleTree: Sendable {
  /// From the hashed leaves to the root.
  private let levels: [[Digest]]

  /// Builds the tree; O(n).
  public init(_ leaves: some Sequence<Digest>) {
    var levels = [leaves.map(Self.leaf)]
    while let level = levels.last, level.count > 1 {
      var next: [Digest] = []
      next.reserveCapacity((level.count + 1) / 2)
      for i in stride(from: 0, to: level.count - 1, by: 2) {
        next.append(Self.node(level[i], level[i + 1]))
      }
      if level.count % 2 == 1 { next.append(level[level.count - 1]) }
      levels.append(next)
    }
    self.levels = levels
  }

  /// Number of leaves.
  public var count: Int { levels[0].count }

  /// What stands for the whole list; that of no leaves is a value of its own.
  public var root: Digest {
    levels[levels.count - 1].first ?? Digest(RunDigest(Domain.empty.rawValue).value)
  }

  /// The siblings on the way from leaf `index` to the root, lowest first; O(log n).
  ///
  /// - Precondition: `index` is in 0..<count.
  public func proof(of index: Int) -> [Digest] {
    precondition(index >= 0 && index < count, "leaf \(index) of \(count)")
    var proof: [Digest] = []
    var i = index
    for level in levels.dropLast() {
      let sibling = i ^ 1
      if sibling < level.count { proof.append(level[sibling]) }
      i /= 2
    }
    return proof
  }

  /// Whether `leaf` is number `index` of the `count` leaves under `root` (RFC 9162 §2.1.3.2).
  public static func verify(
    _ leaf: Digest, at index: Int, of count: Int, proof: [Digest], root: Digest
  ) -> Bool {
    guard index >= 0, index < count else { return false }
    var position = index
    var last = count - 1
    var hash = Self.leaf(leaf)
    for sibling in proof {
      guard last > 0 else { return false }
      if position % 2 == 1 || position == last {
        hash = node(sibling, hash)
        // The last one rises until it has a left sibling.
        while position % 2 == 0, position > 0 {
          position /= 2
          last /= 2
        }
      } else {
        hash = node(hash, sibling)
      }
      position /= 2
      last /= 2
    }
    return last == 0 && hash == root
  }

  /// Length of the proof of leaf `index` of `count`.
  public static func proofLength(of index: Int, count: Int) -> Int {
    var length = 0
    var position = index
    var width = count
    while width > 1 {
      if position ^ 1 < width { length += 1 }
      position /= 2
      width = (width + 1) / 2
    }
    return length
  }

  private enum Domain: UInt64 {
    case leaf = 0
    case node
    case empty
  }

  private static func leaf(_ content: Digest) -> Digest {
    var digest = RunDigest(Domain.leaf.rawValue)
    digest.fold(content.value)
    return Digest(digest.value)
  }

  private static func node(_ left: Digest, _ right: Digest) -> Digest {
    var digest = RunDigest(Domain.node.rawValue)
    digest.fold(left.value, right.value)
    return Digest(digest.value)
  }
}
