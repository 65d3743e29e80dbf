import Kernel
import Machines

/// One number of a table, with its unit and where it comes from.
public struct SourcedValue: Sendable, Equatable {
  public let name: String
  /// Tells rows of the same name apart; empty if there is only one.
  public let variant: String
  public let value: Double
  public let unit: String
  /// `measured`, `derived`, `standard`, `definition`, or `assumption`: nothing stands behind it.
  public let kind: String
  public let source: String

  static let kinds = ["measured", "derived", "standard", "definition", "assumption"]
}

/// Rows found by name and variant, in the order of the file.
struct SourcedValues: Sendable, Equatable {
  private(set) var all: [SourcedValue] = []

  mutating func append(
    _ value: SourcedValue, _ row: DataTable.Row, of table: DataTable
  ) throws(DataError) {
    if self[value.name, value.variant] != nil {
      let what = value.variant.isEmpty ? value.name : "\(value.name) of \(value.variant)"
      throw table.error(row, "\(what) is given twice")
    }
    all.append(value)
  }

  subscript(name: String, variant: String) -> SourcedValue? {
    all.first { $0.name == name && $0.variant == variant }
  }

  func variants(of name: String) -> [String] { all.filter { $0.name == name }.map(\.variant) }
}

/// Times and sizes of cryptographic operations: `operation,value,unit,kind,source`.
public struct CryptoTable: Sendable, Equatable {
  private let file: String
  private let values: SourcedValues
  public let notes: [String]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["operation", "value", "unit", "kind", "source"])
    var values = SourcedValues()
    for row in table.rows {
      let value = SourcedValue(
        name: row.fields[0], variant: "", value: try table.number(row, 1, in: 0...1e15),
        unit: try table.word(row, 2, of: ["ns", "ns/byte", "bytes"]),
        kind: try table.word(row, 3, of: SourcedValue.kinds), source: row.fields[4])
      try values.append(value, row, of: table)
    }
    self.file = file.name
    self.values = values
    notes = table.notes
  }

  /// All rows, in the order of the file.
  public var rows: [SourcedValue] { values.all }

  /// How long `operation` takes.
  public func time(_ operation: String) throws(DataError) -> SimDuration {
    SimDuration(nanoseconds: Int64(try value(operation, "ns").rounded()))
  }

  /// Nanoseconds a byte.
  public func timePerByte(_ operation: String) throws(DataError) -> Double {
    try value(operation, "ns/byte")
  }

  /// How large `object` is.
  public func bytes(_ object: String) throws(DataError) -> Int { Int(try value(object, "bytes")) }

  private func value(_ name: String, _ unit: String) throws(DataError) -> Double {
    guard let found = values[name, ""] else { throw DataError(file: file, "has no '\(name)'") }
    guard found.unit == unit else {
      throw DataError(file: file, "'\(name)' is in \(found.unit), not in \(unit)")
    }
    return found.value
  }
}

/// What the operations of a node take: `cost,variant,value,unit,kind,source`.
public struct CostTable: Sendable, Equatable {
  private let file: String
  private let values: SourcedValues
  public let notes: [String]

  private static let perByte = ["byte", "hash-byte"]
  private static let once = ["message", "request", "mac", "hash"]
  private static let varied = ["execution", "sign", "verify"]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["cost", "variant", "value", "unit", "kind", "source"])
    var values = SourcedValues()
    for row in table.rows {
      let name = try table.word(row, 0, of: Self.once + Self.perByte + Self.varied)
      let isVaried = Self.varied.contains(name)
      guard isVaried != row.fields[1].isEmpty else {
        throw table.error(row, isVaried ? "\(name) needs a variant" : "\(name) has no variants")
      }
      let value = SourcedValue(
        name: name, variant: row.fields[1], value: try table.number(row, 2, in: 0...1e15),
        unit: try table.word(row, 3, of: [Self.perByte.contains(name) ? "ns/byte" : "ns"]),
        kind: try table.word(row, 4, of: SourcedValue.kinds), source: row.fields[5])
      try values.append(value, row, of: table)
    }
    for name in Self.once + Self.perByte where values[name, ""] == nil {
      throw DataError(file: table.file, "has no row for \(name)")
    }
    self.file = file.name
    self.values = values
    notes = table.notes
  }

  /// All rows, in the order of the file: what a report prints as assumptions.
  public var rows: [SourcedValue] { values.all }
  /// Signature schemes that can be both made and checked.
  public var signatures: [String] {
    values.variants(of: "sign").filter { values["verify", $0] != nil }
  }
  /// Kinds of transactions.
  public var executions: [String] { values.variants(of: "execution") }

  /// The costs of a node that signs with one scheme and executes one kind of transaction.
  ///
  /// - Parameters:
  ///   - signature: one of `signatures`.
  ///   - execution: one of `executions`.
  public func sheet(signature: String, execution: String) throws(DataError) -> CostSheet {
    guard signatures.contains(signature) else {
      throw DataError(
        file: file,
        "has no signature '\(signature)': it has \(signatures.joined(separator: ", "))")
    }
    guard executions.contains(execution) else {
      throw DataError(
        file: file,
        "has no execution '\(execution)': it has \(executions.joined(separator: ", "))")
    }
    func time(_ name: String, _ variant: String = "") -> SimDuration {
      SimDuration(nanoseconds: Int64((values[name, variant]?.value ?? 0).rounded()))
    }
    return CostSheet(
      message: time("message"), byte: values["byte", ""]?.value ?? 0, request: time("request"),
      execution: time("execution", execution), sign: time("sign", signature),
      verify: time("verify", signature), mac: time("mac"), hash: time("hash"),
      hashByte: values["hash-byte", ""]?.value ?? 0)
  }
}

/// Constants of one public network: `parameter,value,unit,source`.
public struct ParameterTable: Sendable, Equatable {
  private let file: String
  private let values: SourcedValues
  public let notes: [String]

  public init(_ file: DataFile) throws(DataError) {
    let table = try DataTable(file)
    try table.require(columns: ["parameter", "value", "unit", "source"])
    var values = SourcedValues()
    for row in table.rows {
      let value = SourcedValue(
        name: row.fields[0], variant: "", value: try table.number(row, 1, in: -1e18...1e18),
        unit: row.fields[2], kind: "", source: row.fields[3])
      try values.append(value, row, of: table)
    }
    self.file = file.name
    self.values = values
    notes = table.notes
  }

  public var rows: [SourcedValue] { values.all }

  public func value(_ name: String, unit: String) throws(DataError) -> Double {
    guard let found = values[name, ""] else { throw DataError(file: file, "has no '\(name)'") }
    guard found.unit == unit else {
      throw DataError(file: file, "'\(name)' is in \(found.unit), not in \(unit)")
    }
    return found.value
  }
}
