import Statistics

/// How the making of blocks is spread over those who may make them.
public enum BlockProduction {
  /// The Gini coefficient and the Nakamoto coefficient (of one half) of a chain's makers.
  ///
  /// - Parameter counts: blocks of each maker on the chain; without a block there is no row.
  public static func metrics(of chain: String, byMaker counts: [Int]) -> [Outcome.Metric] {
    guard counts.contains(where: { $0 > 0 }) else { return [] }
    let shares = counts.map(Double.init)
    return [
      .init("\(chain).gini", "1", Concentration.gini(shares)),
      .init(
        "\(chain).nakamoto_coefficient", "1",
        Double(Concentration.nakamotoCoefficient(shares))),
    ]
  }
}
