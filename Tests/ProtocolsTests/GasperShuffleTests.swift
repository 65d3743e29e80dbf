import Protocols
import Statistics
import Testing

@Suite("Gasper: who attests and proposes")
struct GasperShuffleTests {
  static func seed(_ bytes: [UInt8]) -> Hash256 {
    var words = [UInt64](repeating: 0, count: 4)
    for (i, byte) in bytes.enumerated() { words[i / 8] |= UInt64(byte) << UInt64(56 - 8 * (i % 8)) }
    return Hash256(words[0], words[1], words[2], words[3])
  }

  @Test("SHA-256 of 32 zero bytes, of 33 and of 37, as any other implementation has it")
  func hash() {
    // hashlib.sha256(bytes(32)), (bytes(32) + b"\\x05"), (bytes(32) + b"\\x05\x01\x00\x00\x00").
    #expect(
      Hash256.zero.hashed()
        == Hash256(
          0x6668_7aad_f862_bd77, 0x6c8f_c18b_8e9f_8e20, 0x0897_1485_6ee2_33b3,
          0x902a_591d_0d5f_2925))
    #expect(Hash256.zero.hashed(with: 5, count: 1).a == 0x086f_b60b_d968_fe68)
    #expect(Hash256.zero.hashed(with: 0x105, count: 5).a == 0x4713_6be8_3fbf_e393)
  }

  @Test("the shuffle is the specification's: vectors of Prysm and of the reference code")
  func vectors() {
    // prysm v3.1.2, beacon-chain/core/helpers/shuffle_test.go, TestShuffleList_OK: where each goes.
    func places(_ seed: Hash256) -> [UInt32] {
      let from = Shuffle.permutation(10, seed: seed, rounds: 90)
      var to = [UInt32](repeating: 0, count: 10)
      for (i, entry) in from.enumerated() { to[Int(entry)] = UInt32(i) }
      return to
    }
    #expect(places(Self.seed([1, 128, 12])) == [0, 7, 8, 6, 3, 9, 4, 5, 2, 1])
    #expect(places(Self.seed([2, 128, 12])) == [0, 5, 2, 1, 6, 8, 7, 3, 4, 9])
    // compute_shuffled_permutation of consensus-specs@a08d8a6e, run in Python: 1,000 indices.
    let long = Shuffle.permutation(1000, seed: Self.seed([1, 128, 12]), rounds: 90)
    #expect(Array(long.prefix(8)) == [737, 542, 880, 400, 685, 139, 844, 794])
    var digest: UInt64 = 0
    for entry in long { digest = digest &* 1_000_003 &+ UInt64(entry) }
    #expect(digest == 0xabdf_f3bb_6016_7940)
  }

  /// Published cells of the committee table above 1e-4 (Ethereum wiki, Sharding-FAQ).
  @Test("attackers have half of a committee as often as the binomial law says")
  func committeeTable() {
    let validators = 24_000
    let cells: [(p: Double, n: Int)] = [
      (0.4, 50), (0.4, 100), (0.4, 150), (0.4, 250), (1.0 / 3, 50), (1.0 / 3, 100), (0.25, 50),
    ]
    var failures = [Int](repeating: 0, count: cells.count)
    let rounds = 200
    for round in 0..<rounds {
      let seed = Hash256(7, UInt64(round)).hashed()
      let order = Shuffle.permutation(validators, seed: seed, rounds: 90)
      for (c, cell) in cells.enumerated() {
        let attackers = UInt32(cell.p * Double(validators) + 0.5)
        for k in 0..<validators / cell.n {
          var bad = 0
          for i in k * cell.n..<(k + 1) * cell.n where order[i] < attackers { bad += 1 }
          if 2 * bad >= cell.n { failures[c] += 1 }
        }
      }
    }
    for (c, cell) in cells.enumerated() {
      let expected = Tail.binomial(atLeast: (cell.n + 1) / 2, of: cell.n, cell.p)
      let committees = Double(rounds * (validators / cell.n))
      let error = (expected * (1 - expected) / committees).squareRoot()
      // Drawn without replacement from 24,000, which is off by less than one error.
      #expect(abs(Double(failures[c]) / committees - expected) < 4 * error, "\(cell)")
    }
  }

  @Test("proposers are drawn by effective balance")
  func proposers() {
    var effective = [UInt64](repeating: 32_000_000_000, count: 64)
    for v in 0..<32 { effective[v] = 16_000_000_000 }
    let active = (0..<UInt32(64)).map { $0 }
    var light = 0
    let draws = 6_000
    for k in 0..<draws {
      let seed = Hash256(1, UInt64(k)).hashed()
      let proposer = Shuffle.proposer(
        of: active, effective: effective, seed: seed, largest: 32_000_000_000, rounds: 10)
      if proposer < 32 { light += 1 }
    }
    let share = 1.0 / 3
    #expect(
      abs(Double(light) / Double(draws) - share)
        < 4 * (share * (1 - share) / Double(draws)).squareRoot())
  }
}
