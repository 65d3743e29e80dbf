// swift-tools-version: 6.1
import PackageDescription

// Generic hot paths cross module boundaries; without this flag a run is ten times slower and
// allocates (see Scripts/bench). Overlapping access to a variable is found in debug builds; to look
// for it at every event costs a tenth. Both are release only, so debug builds stay quick.
let hot: [SwiftSetting] = [
  .unsafeFlags(
    ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
    .when(configuration: .release))
]

/// - Parameter pages: what is written for readers beside the code.
func library(
  _ name: String, _ dependencies: [Target.Dependency], pages: [String] = [],
  resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: pages, resources: resources,
    swiftSettings: hot)
}

/// - Parameter data: files that the tests find beside themselves.
func tests(_ module: String, _ others: [String] = [], data: [String] = []) -> Target {
  let names = [module] + others.filter { $0 != module }
  return .testTarget(
    name: "\(module)Tests", dependencies: names.map { .init(stringLiteral: $0) }, exclude: data)
}

/// What a test or a benchmark that runs simulations imports.
let run = [
  "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Protocols",
  "Workloads", "Sharding", "Simulation",
]

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "tributary",
  products: [
    .executable(name: "tributary", targets: ["tributary"]),
    .executable(name: "tributary-bench", targets: ["tributary-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    library("Kernel", [], pages: ["Kernel.md"]),
    library("Statistics", ["CGSL"], pages: ["Statistics.md"]),
    library("Ledger", ["Kernel"], pages: ["Ledger.md"]),
    library("Machines", ["Kernel"], pages: ["Machines.md"]),
    library("Networking", ["Kernel", "Machines"], pages: ["Networking.md"]),
    library("Metrics", ["Kernel", "Statistics", "Ledger"], pages: ["Metrics.md"]),
    library("Consensus", ["Kernel", "Ledger", "Machines"], pages: ["Consensus.md"]),
    library(
      "Protocols", ["Kernel", "Ledger", "Machines", "Consensus"],
      pages: [
        "Algorand/Algorand.md", "BitcoinNG/BitcoinNG.md", "Clique/Clique.md", "DPoS/DPoS.md",
        "GHOST/GHOST.md", "Gasper/Gasper.md", "GroupPBFT/GroupPBFT.md", "HotStuff/HotStuff.md",
        "LayeredPBFT/LayeredPBFT.md", "LeaderSubset/LeaderSubset.md", "Nakamoto/Nakamoto.md",
        "Narwhal/Narwhal.md", "PBFT/PBFT.md", "Praos/Praos.md", "QBFT/QBFT.md",
        "RapidChain/RapidChain.md", "Raft/Raft.md", "Snowman/Snowman.md",
        "Tendermint/Tendermint.md",
      ]),
    library("Workloads", ["Kernel", "Ledger"], pages: ["Workloads.md"]),
    library(
      "Sharding", ["Kernel", "Ledger", "Machines", "Consensus"], pages: ["Sharding.md"]),
    library(
      "Simulation",
      [
        "Kernel", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Workloads",
        "Sharding",
      ],
      pages: ["Simulation.md"]),
    library(
      "Scenarios",
      [
        "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus",
        "Protocols", "Workloads", "Sharding", "Simulation", yams,
      ],
      pages: ["Scenarios.md"],
      resources: [.embedInCode("Data")]),
    library(
      "Exploration", ["Kernel", "Consensus", "Simulation", "Scenarios"],
      pages: ["Exploration.md"]),
    library(
      "Reproduction",
      [
        "Kernel", "Statistics", "Ledger", "Metrics", "Consensus", "Protocols", "Sharding",
        "Simulation", "Scenarios",
      ],
      pages: ["Reproduction.md"]),
    library(
      "Probing", ["Kernel", "Statistics", "Protocols", "Simulation", "Scenarios"],
      pages: ["Probing.md"]),
    library("Reporting", ["Kernel", "Metrics", "Statistics", "CSQLite"], pages: ["Reporting.md"]),
    .executableTarget(
      name: "tributary",
      dependencies: [
        "Scenarios", "Exploration", "Reproduction", "Probing", "Reporting", arguments,
      ],
      swiftSettings: hot),
    .executableTarget(
      name: "tributary-bench",
      dependencies: (run + ["Scenarios"]).map { .init(stringLiteral: $0) },
      swiftSettings: hot),
    .target(
      name: "LeaderEcho", dependencies: ["Kernel", "Ledger", "Machines", "Consensus"],
      path: "Tests/Support/LeaderEcho", swiftSettings: hot),
    .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
    tests("Kernel", ["Statistics"]),
    tests("Statistics", ["Kernel"], data: ["Figures"]),
    tests("Ledger", ["Kernel", "Statistics"]),
    tests("Consensus", ["Ledger"]),
    tests("Machines", ["Kernel", "Statistics"]),
    tests("Networking", ["Kernel", "Machines", "Statistics"]),
    tests("Metrics", ["Ledger", "Kernel", "Statistics"]),
    tests("Workloads", ["Ledger", "Kernel", "Statistics"]),
    tests("Sharding", ["Kernel", "Ledger", "Machines", "Statistics", "Workloads"]),
    tests("Protocols", run + ["CAllocationCounter", "LeaderEcho"]),
    tests("Simulation", run + ["CAllocationCounter", "LeaderEcho"]),
    tests("Scenarios", run + ["LeaderEcho"], data: ["Goldens"]),
    tests("Exploration", ["Kernel", "Scenarios", "Statistics"], data: ["Found"]),
    tests("Reproduction", ["Scenarios"]),
    tests("Probing", ["Kernel", "Statistics", "Machines", "Simulation", "Scenarios"]),
    tests("Reporting", ["Metrics", "Statistics"]),
    .testTarget(name: "TributaryTests", dependencies: ["tributary"]),
    .testTarget(name: "TidyTests"),
  ],
  swiftLanguageModes: [.v6]
)
