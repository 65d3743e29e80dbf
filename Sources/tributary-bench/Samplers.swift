import Kernel

/// What a random number of each kind takes.
enum Samplers {
  static let bench = Bench(name: "samplers") { report in
    func measure(_ what: String, _ draw: (inout RandomStream) -> Double) {
      let count = 4_000_000
      var stream = RandomStream(seed: 1, purpose: "samplers")
      var sum = 0.0
      let seconds = Usage.least(of: 3) {
        for _ in 0..<count { sum += draw(&stream) }
      }
      keep(sum)
      report(Row(bench: "samplers", what: what, seconds: seconds, count: count, unit: "samples"))
    }
    measure("64 bits") { Double($0.next() & 1) }
    measure("uniform") { $0.unit() }
    measure("below 1000") { Double($0.below(1000)) }
    measure("exponential") { $0.exponential() }
    measure("normal") { $0.normal() }
    measure("Poisson, mean 100") { Double($0.poisson(mean: 100)) }
    measure("binomial, 1000 at 0.1") { Double($0.binomial(n: 1000, p: 0.1)) }
    for (name, distribution) in distributions {
      measure(name) { distribution.sample(using: &$0) }
    }
    let table = AliasTable((1...1000).map { Double($0) })
    measure("weighted, of 1000") { Double(table.sample(using: &$0)) }
  }

  private static let distributions: [(String, Distribution)] = [
    ("constant", .constant(1)),
    ("normal, truncated", .normal(mean: 1, deviation: 0.2, min: 0)),
    ("lognormal", .lognormal(median: 1, sigma: 0.5)),
    ("Pareto", .pareto(scale: 1, shape: 20)),
    ("gamma, shape 2.5", .gamma(mean: 1, shape: 2.5)),
  ]
}
