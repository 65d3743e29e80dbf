import Foundation
import Kernel
import Machines
import Networking
import Scenarios
import Testing

private func shipped(_ name: String) throws -> DataFile {
  try #require(DataFile.shipped(name))
}

@Suite("Shipped data files")
struct ShippedDataTests {
  @Test("each says where it comes from, from when, in what units, and what was done to it")
  func provenance() throws {
    #expect(DataFile.shippedNames.count == 13)
    for name in DataFile.shippedNames {
      let lines = try shipped(name).text.split(separator: "\n")
      for word in ["source", "date", "units", "transformation"] {
        #expect(lines.contains { $0.hasPrefix("# \(word): ") }, "\(name) lacks \(word)")
      }
    }
  }

  @Test("the program holds every file of the folder, byte by byte")
  func complete() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Scenarios/Data").standardized
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path())
    #expect(files.sorted() == DataFile.shippedNames.map { $0 + ".csv" }.sorted())
    for file in files {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      #expect(try shipped(String(file.dropLast(4))).text == text)
    }
  }

  @Test("a round trip of Amazon's is halved")
  func aws() throws {
    let table = try RegionTable(shipped("regions-aws-2021"))
    #expect(table.names.count == 21 && table.delays.count == 441)
    let (a, b) = (try #require(table.index(of: "us-east-1")), table.index(of: "af-south-1"))
    #expect(table.delay(from: a, to: try #require(b)) == 228.38e6 / 2)
    #expect(table.uplink == nil && table.downlink == nil && table.share == nil)
    #expect(table.index(of: "mars-1") == nil)
    #expect(table.distributions(.constant)?.count == 441)
    // Within a region a message takes less than the 5 ms below which SimBlock's shape has no mean.
    #expect(table.distributions(.pareto) == nil)
  }

  @Test("SimBlock's tables are as its source has them", arguments: [2015, 2019])
  func simBlock(year: Int) throws {
    let table = try RegionTable(shipped("regions-simblock-\(year)"))
    #expect(
      table.names
        == ["north-america", "europe", "south-america", "asia-pacific", "japan", "australia"])
    #expect(table.delay(from: 0, to: 1) == (year == 2015 ? 119e6 : 124e6))
    #expect(table.downlink?[0] == (year == 2015 ? 25e6 : 52e6))
    #expect(table.uplink?[5] == (year == 2015 ? 5.2e6 : 11.3e6))
    #expect(table.share?[1] == (year == 2015 ? 0.5159 : 0.4998))
  }

  @Test("every latency shape keeps the mean of the table")
  func shapes() throws {
    let table = try RegionTable(shipped("regions-simblock-2019"))
    let shapes: [LatencyShape] = [
      .constant, .normal(relative: 0.1), .lognormal(sigma: 0.5), .pareto,
    ]
    for shape in shapes {
      let distributions = try #require(table.distributions(shape))
      for (distribution, mean) in zip(distributions, table.delays) {
        #expect(abs(distribution.mean / mean - 1) < 1e-9)
        #expect(distribution.problem == nil)
      }
    }
  }

  @Test(
    "degree tables make networks", arguments: ["bitcoin-2015", "litecoin", "dogecoin"])
  func degrees(name: String) throws {
    let table = try DegreeTable(DataFile.find(name, family: "degrees"))
    #expect(table.cumulative.count == 20)
    let degrees = try OutboundDegrees(
      cumulative: table.cumulative, assignment: .simBlockQuota)
    var stream = RandomStream(seed: 1, purpose: "topology")
    let graph = try Topology.outbound(600, degrees: degrees, using: &stream)
    #expect(graph.isConnected)
    // Dogecoin's table is all eights; the first bin that is too large by one is a degree of 1.
    if name == "dogecoin" { #expect(abs(graph.connectionCount - 2 * 600 * 8) <= 2 * 7) }
  }

  @Test("costs become a sheet of one signature scheme and one kind of transaction")
  func costs() throws {
    let table = try CostTable(DataFile.find("server-2026", family: "costs"))
    #expect(table.signatures == ["ed25519", "secp256k1", "bls12381"])
    let sheet = try table.sheet(signature: "secp256k1", execution: "transfer")
    #expect(sheet.verify == .nanoseconds(47_489) && sheet.sign == .nanoseconds(32_536))
    #expect(sheet.execution == .microseconds(210) && sheet.hashByte == 0.579)
    #expect(throws: DataError.self) {
      _ = try table.sheet(signature: "rsa", execution: "transfer")
    }
    #expect(throws: DataError.self) {
      _ = try table.sheet(signature: "ed25519", execution: "magic")
    }
    #expect(table.rows.first { $0.name == "message" }?.kind == "assumption")
  }

  @Test("costs that name a cryptographic operation agree with its own table")
  func agreement() throws {
    let crypto = try CryptoTable(shipped("crypto-2026"))
    let costs = try CostTable(shipped("costs-server-2026"))
    var compared = 0
    for row in costs.rows {
      guard let name = row.source.split(separator: "crypto-2026: ").last,
        row.source.hasPrefix("crypto-2026: ")
      else { continue }
      #expect(crypto.rows.first { $0.name == name }?.value == row.value, "\(row.name)")
      compared += 1
    }
    #expect(compared == 9)
    #expect(try crypto.time("ed25519-verify") == .nanoseconds(66_038))
    #expect(try crypto.bytes("ed25519-signature") == 64)
    #expect(try crypto.timePerByte("sha256-byte") == 0.579)
    #expect(throws: DataError.self) { _ = try crypto.time("sha256-byte") }
    #expect(throws: DataError.self) { _ = try crypto.time("sha257") }
  }

  @Test("prices: instances, and traffic tier by tier")
  func prices() throws {
    let table = try PriceTable(DataFile.find("aws-us-east-1-2024", family: "prices"))
    let instance = try table.instance("m5.2xlarge")
    #expect(instance.price == 0.384 && instance.cores == 8 && instance.memory == 32)
    #expect(try table.price("volume", "gp3") == 0.08)
    #expect(try table.egress(1000, to: "internet") == 90)
    let much = try table.egress(200_000, to: "internet")
    #expect(abs(much - (900 + 3400 + 7000 + 2500)) < 1e-9)
    #expect(throws: DataError.self) { _ = try table.instance("z9.large") }
    #expect(throws: DataError.self) { _ = try table.egress(1, to: "moon") }
  }

  @Test("energy: both figures for the network, the grid with its average for unknown regions")
  func energy() throws {
    let table = try EnergyTable(DataFile.find("2024", family: "energy"))
    #expect(try table.network("provider") == 0.001 && table.network("public") == 0.06)
    #expect(try table.grid("eu-north-1") == 0.0088 && table.grid("mars-1") == 0.39278)
    #expect(try abs(table.watts(processor: "average", busy: 0.5) - 2.12) < 1e-12)
    #expect(try table.value("mining", "antminer-s21") == 17.5)
  }

  @Test("constants of public networks")
  func parameters() throws {
    let praos = try ParameterTable(shipped("parameters-praos-mainnet"))
    #expect(try praos.value("active-slot-coefficient", unit: "ratio") == 0.05)
    #expect(try praos.value("security-parameter", unit: "blocks") == 2160)
    let bitcoin = try ParameterTable(shipped("parameters-bitcoin"))
    #expect(try bitcoin.value("block", unit: "bytes") == 535_000)
    #expect(throws: DataError.self) { _ = try bitcoin.value("block", unit: "MB") }
  }
}

@Suite("A user's own data files")
struct OwnDataTests {
  func problem(_ text: String, _ read: (DataFile) throws -> Void) -> DataError? {
    do {
      try read(DataFile(name: "mine.csv", text: text))
      return nil
    } catch { return error as? DataError }
  }

  @Test("a table of regions is read with blanks, notes and any line ends")
  func reads() throws {
    let text = "\u{FEFF}# mine\r\n\r\none-way-ms, a ,b,share\r\na,1,2,0.25\r\nb,3,4,0.75\r\n"
    let table = try RegionTable(DataFile(name: "mine.csv", text: text))
    #expect(table.names == ["a", "b"] && table.delays == [1e6, 2e6, 3e6, 4e6])
    #expect(table.share == [0.25, 0.75] && table.notes == ["mine"])
  }

  @Test(
    "what is wrong with a table of regions is told with its line",
    arguments: [
      ("", nil), ("# only notes\n", nil), ("one-way-ms,a\n", 1),
      ("ms,a\na,1\n", 1), ("one-way-ms,a,a\na,1,1\na,1,1\n", 1),
      ("one-way-ms,a,b\na,1,2\n", 1), ("one-way-ms,a,b\na,1,2\nc,3,4\n", 3),
      ("one-way-ms,a,b\na,1,2\nb,3\n", 3), ("one-way-ms,a,b\na,1,2\nb,3,x\n", 3),
      ("one-way-ms,a,b\na,1,2\nb,-3,4\n", 3), ("one-way-ms,a\na,nan\n", 2),
      ("one-way-ms,a\n\na,1e99\n", 3), ("one-way-ms,a,share\na,1,0.5\n", nil),
      ("one-way-ms,share,a\na,0.5,1\n", 1), ("one-way-ms,a,\na,1,2\n", 1),
    ] as [(String, Int?)])
  func regions(text: String, line: Int?) throws {
    let error = try #require(problem(text) { _ = try RegionTable($0) })
    #expect(error.line == line)
    let start = line.map { "mine.csv:\($0): " } ?? "mine.csv: "
    #expect(error.description.hasPrefix(start))
  }

  @Test("so it is for the other tables")
  func others() throws {
    let head = "cost,variant,value,unit,kind,source\n"
    let costs: [(String, Int?)] = [
      ("cost,value\nmessage,1\n", 1), (head + "massage,,1,ns,measured,x\n", 2),
      (head + "message,,1,us,measured,x\n", 2), (head + "message,,1,ns,guessed,x\n", 2),
      (head + "sign,,1,ns,measured,x\n", 2), (head + "message,a,1,ns,measured,x\n", 2),
      (head + "mac,,1,ns,derived,x\nmac,,1,ns,derived,x\n", 3),
      (head + "mac,,1,ns,derived,x\n", nil),
    ]
    for (text, line) in costs {
      let error = try #require(problem(text) { _ = try CostTable($0) })
      #expect(error.line == line, "\(error)")
    }
    let prices = "item,name,price,unit,cores,memory-gb,from-gb\n"
    let others: [(String, (DataFile) throws -> Void)] = [
      (prices + "egress,internet,1,USD/GB,,,5\n", { _ = try PriceTable($0) }),
      (prices + "instance,m,1,USD/h,,,\n", { _ = try PriceTable($0) }),
      (prices + "instance,m,1,EUR/h,1,1,\n", { _ = try PriceTable($0) }),
      ("item,name,value,unit,source\npue,a,1,W,x\n", { _ = try EnergyTable($0) }),
      ("operation,value,unit,kind,source\na,1,us,measured,x\n", { _ = try CryptoTable($0) }),
      ("degree,cumulative\n2,1\n", { _ = try DegreeTable($0) }),
      ("parameter,value,unit,source\na,b,c,d\n", { _ = try ParameterTable($0) }),
    ]
    for (text, read) in others {
      let error = try #require(problem(text, read))
      #expect(error.line == 2, "\(error)")
    }
  }

  @Test("files that are missing, folders or no text are refused; names suggest what there is")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "own-data-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func find(_ name: String) throws -> DataFile {
      try DataFile.find(name, family: "regions", relativeTo: folder.path())
    }
    #expect(throws: DataError(file: "none.csv", "no such file")) { _ = try find("none.csv") }
    #expect(throws: DataError.self) { _ = try find("./") }
    let message = #expect(throws: DataError.self) { _ = try find("aws-2020") }
    #expect(message?.description.contains("aws-2021, simblock-2015, simblock-2019") == true)
    try Data([0xFF, 0xFE, 0x00]).write(to: folder.appending(path: "binary.csv"))
    #expect(throws: DataError.self) { _ = try find("binary.csv") }
    try Data("one-way-ms,a\na,1\n".utf8).write(to: folder.appending(path: "good.csv"))
    #expect(try RegionTable(find("good.csv")).names == ["a"])
    #expect(try RegionTable(find(folder.path() + "/good.csv")).names == ["a"])
    #expect(try find("aws-2021") == DataFile.shipped("regions-aws-2021"))
  }
}
