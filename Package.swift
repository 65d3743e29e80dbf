// swift-tools-version: 6.1
import PackageDescription

// Generic hot paths cross module boundaries; without this flag a run is ten times slower and
// allocates (see Scripts/bench). It is release only, so debug builds stay quick.
let hot: [SwiftSetting] = [
  .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [])
  -> Target
{
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: hot)
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(name: "\(module)Tests", dependencies: [.init(stringLiteral: module)] + dependencies)
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "tributary",
  products: [.executable(name: "tributary", targets: ["tributary"])],
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
    library("Protocols", ["Kernel", "Ledger", "Machines", "Consensus"]),
    library("Workloads", ["Kernel", "Ledger"]),
    library(
      "Simulation",
      ["Kernel", "Ledger", "Machines", "Networking", "Metrics", "Consensus", "Workloads"]),
    library(
      "Scenarios",
      [
        "Kernel", "Statistics", "Ledger", "Machines", "Networking", "Metrics", "Consensus",
        "Protocols", "Workloads", "Simulation", yams,
      ]),
    library("Reporting", ["Kernel", "Metrics", "Statistics", "CSQLite"]),
    .executableTarget(
      name: "tributary", dependencies: ["Scenarios", "Reporting", arguments], swiftSettings: hot),
    tests("Kernel", ["Statistics"]),
    tests("Statistics", ["Kernel"]),
    .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
    tests(
      "Protocols",
      [
        "Simulation", "Metrics", "Networking", "Machines", "Ledger", "Kernel", "Consensus",
        "Workloads", "Statistics", "CAllocationCounter",
      ]),
    .testTarget(name: "TidyTests"),
  ],
  swiftLanguageModes: [.v6]
)
