import Foundation

/// What is wrong with a data file, in words for whoever wrote it.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The name of a shipped file, or the path as it was given.
  public let file: String
  /// Counts from 1; nil if it is about the file as a whole.
  public let line: Int?
  public let message: String

  public init(file: String, line: Int? = nil, _ message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  public var description: String {
    line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
  }
}

/// The text of a data file, with the name by which errors and manifests call it.
public struct DataFile: Equatable, Sendable {
  public let name: String
  public let text: String

  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }

  /// Largest file that is read, in bytes.
  public static let largest = 64 << 20

  /// The file that a scenario names: a shipped one by its name (`aws-2021` among the `regions`),
  /// any other by its path, recognised by a `/` or by its ending `.csv`.
  ///
  /// - Parameters:
  ///   - reference: as it stands in the scenario.
  ///   - family: the first part of shipped names: `regions`, `degrees`, `crypto`, `costs`,
  ///     `prices`, `energy`, `compact`.
  ///   - folder: where relative paths start: the scenario's own folder.
  public static func find(
    _ reference: String, family: String, relativeTo folder: String = "."
  ) throws(DataError) -> DataFile {
    if reference.contains("/") || reference.hasSuffix(".csv") {
      return try read(path: reference, relativeTo: folder)
    }
    let name = "\(family)-\(reference)"
    if let shipped = shipped(name) { return shipped }
    let known = names(of: family).joined(separator: ", ")
    throw DataError(
      file: reference, "no such table of \(family): shipped are \(known); a path must end in .csv")
  }

  /// The shipped file of this name, such as `regions-aws-2021`.
  public static func shipped(_ name: String) -> DataFile? {
    embedded.first { $0.name == name }.map {
      DataFile(name: $0.name, text: String(decoding: $0.bytes, as: UTF8.self))
    }
  }

  /// Names of all shipped files, in order.
  public static var shippedNames: [String] { embedded.map(\.name) }

  /// How a scenario calls the shipped files of one family.
  public static func names(of family: String) -> [String] {
    shippedNames.filter { $0.hasPrefix(family + "-") }.map {
      String($0.dropFirst(family.count + 1))
    }
  }

  private static func read(path: String, relativeTo folder: String) throws(DataError) -> DataFile {
    let full = path.hasPrefix("/") ? path : folder + "/" + path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder) else {
      throw DataError(file: path, "no such file")
    }
    if isFolder.boolValue { throw DataError(file: path, "is a folder, not a file") }
    guard let handle = FileHandle(forReadingAtPath: full) else {
      throw DataError(file: path, "cannot be read")
    }
    defer { try? handle.close() }
    let data: Data
    do {
      data = try handle.read(upToCount: largest + 1) ?? Data()
    } catch {
      throw DataError(file: path, "cannot be read")
    }
    if data.count > largest {
      throw DataError(file: path, "is larger than \(largest >> 20) MiB")
    }
    guard let text = String(validating: data, as: UTF8.self), !text.utf8.contains(0) else {
      throw DataError(file: path, "is not a text file in UTF-8")
    }
    return DataFile(name: path, text: text)
  }

  /// Files of the folder `Data`, which the build puts into the program.
  private static let embedded: [(name: String, bytes: [UInt8])] = [
    ("regions-aws-2021", PackageResources.regions_aws_2021_csv),
    ("regions-simblock-2015", PackageResources.regions_simblock_2015_csv),
    ("regions-simblock-2019", PackageResources.regions_simblock_2019_csv),
    ("degrees-bitcoin-2015", PackageResources.degrees_bitcoin_2015_csv),
    ("degrees-dogecoin", PackageResources.degrees_dogecoin_csv),
    ("degrees-litecoin", PackageResources.degrees_litecoin_csv),
    ("compact-simblock-2020", PackageResources.compact_simblock_2020_csv),
    ("crypto-2026", PackageResources.crypto_2026_csv),
    ("costs-server-2026", PackageResources.costs_server_2026_csv),
    ("prices-aws-us-east-1-2024", PackageResources.prices_aws_us_east_1_2024_csv),
    ("energy-2024", PackageResources.energy_2024_csv),
    ("parameters-praos-mainnet", PackageResources.parameters_praos_mainnet_csv),
    ("parameters-bitcoin", PackageResources.parameters_bitcoin_csv),
  ]
}
