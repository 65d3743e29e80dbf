import Ledger
import Testing

@Suite("Merkle trees")
struct MerkleTreeTests {
  func leaves(_ n: Int) -> [Digest] { (0..<n).map { Digest(UInt64($0) &* 0x9E37_79B9 &+ 1) } }

  @Test("every leaf of every size has a proof that verifies, of the stated length")
  func proofs() {
    for n in 1...70 {
      let tree = MerkleTree(leaves(n))
      for i in 0..<n {
        let proof = tree.proof(of: i)
        #expect(
          MerkleTree.verify(leaves(n)[i], at: i, of: n, proof: proof, root: tree.root),
          "leaf \(i) of \(n)")
        #expect(proof.count == MerkleTree.proofLength(of: i, count: n))
        #expect((1 << proof.count) < 2 * n || proof.isEmpty)
      }
    }
  }

  @Test("a tampered leaf, index, count, sibling or root does not verify")
  func tampering() {
    for n in [2, 3, 5, 8, 13] {
      let (list, tree) = (leaves(n), MerkleTree(leaves(n)))
      for i in 0..<n {
        let proof = tree.proof(of: i)
        func verifies(
          _ leaf: Digest? = nil, at index: Int? = nil, by siblings: [Digest]? = nil,
          root: Digest? = nil
        ) -> Bool {
          MerkleTree.verify(
            leaf ?? list[i], at: index ?? i, of: n, proof: siblings ?? proof,
            root: root ?? tree.root)
        }
        #expect(verifies())
        #expect(!verifies(Digest(77)))
        #expect(!verifies(root: Digest(77)))
        for other in -1...n where other != i { #expect(!verifies(at: other)) }
        for k in proof.indices {
          var forged = proof
          forged[k] = Digest(forged[k].value ^ 1)
          #expect(!verifies(by: forged))
        }
        #expect(!verifies(by: Array(proof.dropLast())) && !verifies(by: proof + [Digest(1)]))
      }
    }
  }

  @Test("lists that differ in content, order or length have different roots")
  func distinct() {
    var roots = (0...40).map { MerkleTree(leaves($0)).root }
    roots.append(MerkleTree(leaves(3).reversed()).root)
    // Repeating the last leaf must not look like the odd one out.
    roots.append(MerkleTree(leaves(3) + [leaves(3)[2]]).root)
    roots.append(MerkleTree(leaves(5) + [leaves(5)[4]]).root)
    #expect(zip(roots.sorted(), roots.sorted().dropFirst()).allSatisfy { $0 != $1 })
  }

  @Test("an inner node cannot pass for a leaf")
  func domains() {
    // The root of four leaves is not that of the two nodes below it taken as leaves.
    let list = leaves(4)
    let inner = [MerkleTree(list[0..<2]).root, MerkleTree(list[2..<4]).root]
    #expect(MerkleTree(inner).root != MerkleTree(list).root)
    #expect(MerkleTree([list[0]]).root != list[0])
  }
}
