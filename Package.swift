// swift-tools-version: 6.1
import PackageDescription

// Generic hot paths cross module boundaries; without this flag a run is ten times slower and
// allocates (see Scripts/bench). It is release only, so debug builds stay quick.
let hot: [SwiftSetting] = [
  .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release))
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

func tests(_ module: String, _ others: [String] = []) -> Target {
  let names = [module] + others.filter { $0 != module }
  return .testTarget(
    name: "\(module)Tests", dependencies: names.map { .init(stringLiteral: $0) })
}

/// What a test or a benchmark that runs simulations imports.
let run = [
  "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Protocols",
  "Workloads", "Simulation",
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
    library("Kernel", []),
    library("Statistics", ["CGSL"]),
    library("Ledger", ["Kernel"]),
    library("Machines", ["Kernel"]),
    library("Networking", ["Kernel", "Machines"]),
    library("Metrics", ["Kernel", "Statistics", "Ledger"]),
    library("Consensus", ["Kernel", "Ledger", "Machines"]),
    library(
      "Protocols", ["Kernel", "Ledger", "Machines", "Consensus"],
      pages: ["PBFT/PBFT.md", "Nakamoto/Nakamoto.md", "Praos/Praos.md"]),
    library("Workloads", ["Kernel", "Ledger"]),
    library(
      "Simulation",
      ["Kernel", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Workloads"]),
    library(
      "Scenarios",
      [
        "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus",
        "Protocols", "Workloads", "Simulation", yams,
      ],
      resources: [.embedInCode("Data")]),
    library("Reporting", ["Kernel", "Metrics", "Statistics", "CSQLite"]),
    .executableTarget(
      name: "tributary", dependencies: ["Scenarios", "Reporting", arguments], swiftSettings: hot),
    .executableTarget(
      name: "tributary-bench",
      dependencies: (run + ["Scenarios"]).map { .init(stringLiteral: $0) },
      swiftSettings: hot),
    .target(
      name: "LeaderEcho", dependencies: ["Kernel", "Ledger", "Machines", "Consensus"],
      path: "Tests/Support/LeaderEcho", swiftSettings: hot),
    .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
    tests("Kernel", ["Statistics"]),
    tests("Statistics", ["Kernel"]),
    tests("Ledger", ["Kernel", "Statistics"]),
    tests("Consensus", ["Ledger"]),
    tests("Machines", ["Kernel", "Statistics"]),
    tests("Networking", ["Kernel", "Machines", "Statistics"]),
    tests("Metrics", ["Ledger", "Kernel", "Statistics"]),
    tests("Workloads", ["Ledger", "Kernel", "Statistics"]),
    tests("Protocols", run + ["CAllocationCounter", "LeaderEcho"]),
    tests("Simulation", run + ["CAllocationCounter", "LeaderEcho"]),
    tests("Scenarios", run + ["LeaderEcho"]),
    tests("Reporting", ["Metrics", "Statistics"]),
    .testTarget(name: "TributaryTests", dependencies: ["tributary"]),
    .testTarget(name: "TidyTests"),
  ],
  swiftLanguageModes: [.v6]
)
