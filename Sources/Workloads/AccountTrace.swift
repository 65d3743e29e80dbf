import Kernel
import Ledger

/// A recorded sequence of transfers, for instance of Ethereum, read from CSV as it streams in.
///
/// The first line that is no comment (`#`) names the columns `time`, `from`, `to`, `value`, `gas`
/// and `bytes`, in any order; every other line is a transaction, times not falling. Nothing is
/// guessed or left out: the first malformed row ends the reading with its line and column.
public struct AccountTrace: Sendable, Equatable {
  /// One transaction.
  public struct Row: Sendable, Equatable, BitwiseCopyable {
    /// As in the file, in nanoseconds; a run counts from the first row.
    public var time: SimTime
    public var sender: AccountID
    public var receiver: AccountID
    /// In the smallest unit: wei.
    public var value: UInt128
    public var gas: UInt64
    /// Size of the transaction.
    public var bytes: UInt32
  }

  /// What a column holds.
  public enum Column: String, Sendable, CaseIterable {
    case time, from, to, value, gas, bytes

    /// What may stand in it.
    public var allowed: String {
      switch self {
      case .time: "seconds from 0 to 9200000000, with at most 9 decimals, not before the last row"
      case .from, .to:
        "an address: 0x and 1 to 40 hexadecimal digits, or a whole number from 0 to 2^64 - 1"
      case .value: "a whole number of wei from 0 to 2^128 - 1"
      case .gas: "a whole number from 0 to 2^63 - 1"
      case .bytes: "a whole number from 1 to 16777216"
      }
    }

    static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
  }

  /// The longest line that is read, in bytes.
  public static let longestLine = 4_096

  private let file: String
  private var line = 0
  private var pending: [UInt8] = []
  private var order: [Column] = []
  private var last = SimTime(nanoseconds: 0)
  /// Who the accounts are.
  public private(set) var book = AddressBook()
  /// Transactions read so far.
  public private(set) var rows = 0

  /// - Parameter file: what errors call it.
  public init(file: String) { self.file = file }

  /// All of a file at once.
  public static func rows(
    of bytes: [UInt8], file: String
  ) throws(TraceError) -> (rows: [Row], book: AddressBook) {
    var trace = AccountTrace(file: file)
    var rows: [Row] = []
    try trace.read(bytes) { rows.append($0) }
    try trace.finish { rows.append($0) }
    return (rows, trace.book)
  }

  /// Takes in the next bytes, however the file is cut, and hands on the rows that they complete.
  public mutating func read(
    _ bytes: some Sequence<UInt8>, _ body: (Row) -> Void
  ) throws(TraceError) {
    for byte in bytes {
      guard byte != UInt8(ascii: "\n") else {
        try endLine(body)
        continue
      }
      guard pending.count < Self.longestLine else {
        line += 1
        throw error(.lineTooLong, allowed: "a line has at most \(Self.longestLine) bytes")
      }
      pending.append(byte)
    }
  }

  /// The file has ended: hands on a last row without a line break.
  public mutating func finish(_ body: (Row) -> Void) throws(TraceError) {
    if !pending.isEmpty { try endLine(body) }
    guard rows > 0 else {
      line += 1
      throw error(
        .empty, allowed: "the file ends without a transaction; columns: \(Column.list)")
    }
  }

  private mutating func endLine(_ body: (Row) -> Void) throws(TraceError) {
    line += 1
    defer { pending.removeAll(keepingCapacity: true) }
    if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
    if line == 1, pending.starts(with: [0xEF, 0xBB, 0xBF]) { pending.removeFirst(3) }  // UTF-8 mark
    if pending.first == UInt8(ascii: "#") { return }
    guard !pending.isEmpty else { throw error(.empty, allowed: "the line is empty") }
    if pending.contains(where: { $0 >= 0x80 }) { try checkEncoding() }
    let fields = fields()
    if order.isEmpty {
      try readHeader(fields)
    } else {
      body(try row(fields))
      rows += 1
    }
  }

  /// Where the fields of the line are.
  private func fields() -> [Range<Int>] {
    var fields: [Range<Int>] = []
    fields.reserveCapacity(Column.allCases.count)
    var start = 0
    for (i, byte) in pending.enumerated() where byte == UInt8(ascii: ",") {
      fields.append(start..<i)
      start = i + 1
    }
    fields.append(start..<pending.count)
    return fields
  }

  private mutating func readHeader(_ fields: [Range<Int>]) throws(TraceError) {
    var names: [Column] = []
    for field in fields {
      guard let column = Column(rawValue: text(field)) else {
        throw error(
          .unknownColumn, field, name: nil, allowed: "no such column; there are \(Column.list)")
      }
      guard !names.contains(column) else {
        throw error(.duplicateColumn, field, name: nil, allowed: "the column is named twice")
      }
      names.append(column)
    }
    for column in Column.allCases where !names.contains(column) {
      throw error(
        .missingColumn, allowed: "no column \(column.rawValue); all of \(Column.list) are needed")
    }
    order = names
  }

  private mutating func row(_ fields: [Range<Int>]) throws(TraceError) -> Row {
    if fields.count < order.count {
      let missing = order[fields.count]
      throw error(
        .missingColumn, name: missing.rawValue,
        allowed: "missing: \(fields.count) fields where the header names \(order.count)")
    }
    if fields.count > order.count {
      throw error(
        .tooManyFields, fields[order.count], name: nil,
        allowed: "\(fields.count) fields where the header names \(order.count)")
    }
    let nobody = AccountID(0)
    var row = Row(time: .zero, sender: nobody, receiver: nobody, value: 0, gas: 0, bytes: 0)
    for (column, field) in zip(order, fields) {
      switch column {
      case .time: row.time = try time(field)
      case .from, .to: _ = try address(field, column)
      case .value: row.value = try number(field, column, in: 0...UInt128.max)
      case .gas: row.gas = UInt64(try number(field, column, in: 0...UInt128(Int64.max)))
      case .bytes: row.bytes = UInt32(try number(field, column, in: 1...16_777_216))
      }
    }
    // Accounts are numbered sender first, wherever the columns stand.
    for (column, field) in zip(order, fields) where column == .from {
      row.sender = book.account(try address(field, column))
    }
    for (column, field) in zip(order, fields) where column == .to {
      row.receiver = book.account(try address(field, column))
    }
    last = row.time
    return row
  }
}

// MARK: - Fields

extension AccountTrace {
  private func number(
    _ field: Range<Int>, _ column: Column, in bounds: ClosedRange<UInt128>
  ) throws(TraceError) -> UInt128 {
    guard !field.isEmpty else { throw error(.empty, field, column) }
    let isNegative = pending[field.lowerBound] == UInt8(ascii: "-")
    var value: UInt128 = 0
    var overflows = false
    let digits = isNegative ? field.dropFirst() : field[...]
    guard !digits.isEmpty else { throw error(.notANumber, field, column) }
    for i in digits {
      guard let digit = Self.digit(pending[i]), digit < 10 else {
        throw error(.notANumber, field, column)
      }
      let (product, high) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt128(digit))
      value = sum
      overflows = overflows || high || carry
    }
    if isNegative { throw error(.negative, field, column) }
    if overflows || value > bounds.upperBound { throw error(.tooLarge, field, column) }
    if value < bounds.lowerBound { throw error(.tooSmall, field, column) }
    return value
  }

  /// Seconds with decimals, exactly.
  private func time(_ field: Range<Int>) throws(TraceError) -> SimTime {
    let point = field.first { pending[$0] == UInt8(ascii: ".") } ?? field.upperBound
    let whole = field.lowerBound..<point
    if point < field.upperBound, whole.isEmpty { throw error(.notANumber, field, .time) }
    let isNegative = !field.isEmpty && pending[field.lowerBound] == UInt8(ascii: "-")
    var nanoseconds: Int64 = 0
    if point < field.upperBound {
      let decimals = point + 1..<field.upperBound
      guard (1...9).contains(decimals.count) else { throw error(.notANumber, field, .time) }
      for i in decimals {
        guard let digit = Self.digit(pending[i]), digit < 10 else {
          throw error(.notANumber, field, .time)
        }
        nanoseconds = 10 * nanoseconds + Int64(digit)
      }
      for _ in decimals.count..<9 { nanoseconds *= 10 }
    }
    if isNegative { throw error(.negative, field, .time) }
    let seconds: UInt128
    do {
      seconds = try number(whole, .time, in: 0...9_200_000_000)
    } catch {
      throw self.error(error.kind, field, .time)
    }
    let time = SimTime(nanoseconds: Int64(seconds) * 1_000_000_000 + nanoseconds)
    if rows > 0, time < last { throw error(.unsorted, field, .time) }
    return time
  }

  /// A hexadecimal address, or an integer, which is the same number.
  private func address(
    _ field: Range<Int>, _ column: Column
  ) throws(TraceError) -> AddressBook.Address {
    guard pending[field].starts(with: [UInt8(ascii: "0"), UInt8(ascii: "x")]) else {
      return AddressBook.Address(low: try number(field, column, in: 0...UInt128(UInt64.max)))
    }
    let digits = field.dropFirst(2)
    guard !digits.isEmpty else { throw error(.notAnAddress, field, column) }
    var address = AddressBook.Address(low: 0)
    for i in digits {
      guard let digit = Self.digit(pending[i]) else { throw error(.notAnAddress, field, column) }
      address.high = address.high << 4 | UInt32(address.low >> 124)
      address.low = address.low << 4 | UInt128(digit)
    }
    guard digits.count <= 40 else { throw error(.tooLarge, field, column) }
    return address
  }

  private static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 87
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 55
    default: nil
    }
  }

  private func checkEncoding() throws(TraceError) {
    // The first byte that no longer continues valid text.
    guard String(validating: pending, as: UTF8.self) == nil else { return }
    var valid = 0
    while String(validating: pending.prefix(valid + 1), as: UTF8.self) != nil
      || String(validating: pending.prefix(valid + 2), as: UTF8.self) != nil
      || String(validating: pending.prefix(valid + 3), as: UTF8.self) != nil
      || String(validating: pending.prefix(valid + 4), as: UTF8.self) != nil
    { valid += 1 }
    var error = error(.notUTF8, allowed: "the text is not UTF-8")
    error.column = valid + 1
    error.value = "byte 0x" + String(pending[valid], radix: 16)
    throw error
  }

  private func text(_ field: Range<Int>) -> String {
    String(decoding: pending[field], as: UTF8.self)
  }

  private func error(
    _ kind: TraceError.Kind, _ field: Range<Int>, _ column: Column
  ) -> TraceError {
    error(kind, field, name: column.rawValue, allowed: column.allowed)
  }

  private func error(
    _ kind: TraceError.Kind, _ field: Range<Int>? = nil, name: String? = nil, allowed: String
  ) -> TraceError {
    TraceError(
      kind: kind, file: file, line: line, column: field.map { $0.lowerBound + 1 }, name: name,
      value: field.map(text), allowed: allowed)
  }
}
