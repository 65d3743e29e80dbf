import Statistics
import Testing

@Suite("sampling of data that is withheld")
struct SamplingFailureTests {
  @Test("EIP-7594's table: 10,000 nodes, 128 columns, 8 samples, to the printed digits")
  func table() {
    let printed = [
      (100, 38.36), (200, -20.04), (300, -101.55), (400, -198.24), (500, -306.34),
    ]
    for (deceived, exponent) in printed {
      let bound = SamplingFailure.log10Deceived(
        nodes: 10_000, deceived: deceived, columns: 128, samples: 8, .independent)
      #expect(abs(bound - exponent) <= 0.00501, "\(deceived): \(bound)")
      let sharper = SamplingFailure.log10Deceived(
        nodes: 10_000, deceived: deceived, columns: 128, samples: 8, .distinct)
      #expect(sharper < bound - 0.15 * Double(deceived))
    }
  }

  @Test("one node: by hand, and the published powers as the limit of many columns")
  func one() throws {
    #expect(near(SamplingFailure.accepts(columns: 4, available: 2, samples: 2), 1.0 / 6))
    #expect(SamplingFailure.accepts(columns: 128, available: 128, samples: 8) == 1)
    #expect(SamplingFailure.accepts(columns: 128, available: 7, samples: 8) == 0)
    let rows = try OwnFigures.rows("das_sampling_false_accept")
    #expect(rows.count == 12)
    for row in rows {
      let samples = Int(row[0])
      let half = SamplingFailure.accepts(
        columns: 2_000_000_000, available: 1_000_000_000, samples: samples)
      #expect(near(half, row[1], 1e-3), "\(row): \(half)")
      // (2k)^2 cells of which (k + 1)^2 are withheld: a quarter in the limit of large squares.
      let square = SamplingFailure.missesSquare(width: 30_000, samples: samples)
      #expect(near(square, row[2], 0.012), "\(row): \(square)")
    }
  }
}
