import Kernel
import Ledger
import Testing
import Workloads

/// A malformed trace and what is said about it.
struct Malformed: CustomTestStringConvertible {
  let kind: TraceError.Kind
  let text: [UInt8]
  let message: String

  init(_ kind: TraceError.Kind, _ text: String, _ message: String) {
    self.init(kind, Array(text.utf8), message)
  }

  init(_ kind: TraceError.Kind, _ text: [UInt8], _ message: String) {
    (self.kind, self.text, self.message) = (kind, text, message)
  }

  /// Behind a header and one good row.
  init(row: String, _ kind: TraceError.Kind, _ message: String) {
    self.init(kind, "time,from,to,value,gas,bytes\n5,1,2,3,21000,100\n\(row)\n", message)
  }

  var testDescription: String { message }
}

@Suite("traces of transactions")
struct AccountTraceTests {
  static let good = """
    # made by hand
    time,from,to,value,gas,bytes
    1700000000.25,0x00000000000000000000000000000000000000aB,7,1000000000000000000000,21000,110
    1700000000.25,7,0xAB,0,50000,1
    1700000001,0xffffffffffffffffffffffffffffffffffffffff,7,5,21000,300
    """

  @Test("rows by hand: addresses are numbered as they come, hexadecimal or not")
  func byHand() throws {
    let (rows, book) = try AccountTrace.rows(of: Array(Self.good.utf8), file: "a.csv")
    #expect(rows.map(\.sender) == [0, 1, 2].map { AccountID($0) })
    #expect(rows.map(\.receiver) == [1, 0, 1].map { AccountID($0) })
    #expect(rows[0].time.nanoseconds == 1_700_000_000_250_000_000)
    #expect(rows[2].time.nanoseconds == 1_700_000_001_000_000_000)
    #expect(rows.map(\.value) == [1_000_000_000_000_000_000_000, 0, 5])
    #expect(rows.map(\.gas) == [21_000, 50_000, 21_000])
    #expect(rows.map(\.bytes) == [110, 1, 300])
    #expect(book.count == 3)
    #expect(book.addresses[0].description == "0x00000000000000000000000000000000000000ab")
    #expect(book.addresses[2].description == "0x" + String(repeating: "f", count: 40))
  }

  @Test("the same rows however the file is cut, with other line ends, and in another order")
  func streaming() throws {
    let bytes = Array(Self.good.utf8)
    let expected = try AccountTrace.rows(of: bytes, file: "a.csv")
    for size in [1, 2, 7, 64] {
      var trace = AccountTrace(file: "a.csv")
      var rows: [AccountTrace.Row] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        try trace.read(bytes[start..<min(start + size, bytes.count)]) { rows.append($0) }
      }
      try trace.finish { rows.append($0) }
      #expect(rows == expected.rows && trace.book == expected.book && trace.rows == 3)
    }
    let windows =
      [0xEF, 0xBB, 0xBF] + Array(Self.good.replacing("\n", with: "\r\n").utf8) + [13, 10]
    #expect(try AccountTrace.rows(of: windows, file: "a.csv").rows == expected.rows)
    let swapped = Self.good.split(separator: "\n").map { line -> String in
      let fields = line.split(separator: ",")
      return fields.count == 6
        ? [2, 5, 1, 0, 4, 3].map { String(fields[$0]) }.joined(separator: ",") : String(line)
    }.joined(separator: "\n")
    let other = try AccountTrace.rows(of: Array(swapped.utf8), file: "a.csv")
    #expect(other.rows == expected.rows && other.book == expected.book)
  }

  @Test(
    "each kind of malformed input is refused with its line, column, value and what is allowed",
    arguments: malformed)
  func refused(_ malformed: Malformed) {
    #expect {
      _ = try AccountTrace.rows(of: malformed.text, file: "t.csv")
    } throws: { error in
      guard let error = error as? TraceError else { return false }
      #expect(error.description == malformed.message)
      return error.kind == malformed.kind
    }
  }

  static let header = "time,from,to,value,gas,bytes"
  static let all = "time, from, to, value, gas, bytes"
  static let time = AccountTrace.Column.time.allowed
  static let wei = "a whole number of wei from 0 to 2^128 - 1"
  static let address =
    "an address: 0x and 1 to 40 hexadecimal digits, or a whole number from 0 to 2^64 - 1"

  static let malformed: [Malformed] = [
    Malformed(.empty, "", "t.csv:1: the file ends without a transaction; columns: \(all)"),
    Malformed(
      .empty, "\(header)\n", "t.csv:2: the file ends without a transaction; columns: \(all)"),
    Malformed(.empty, "\n\(header)\n", "t.csv:1: the line is empty"),
    Malformed(
      .missingColumn, "time,from,to,value,gas\n1,2,3,4,5\n",
      "t.csv:1: no column bytes; all of \(all) are needed"),
    Malformed(
      .unknownColumn, "time,from,to,value,gas,size\n",
      "t.csv:1:24: size: no such column; there are \(all)"),
    Malformed(
      .duplicateColumn, "time,from,to,value,gas,from,bytes\n",
      "t.csv:1:24: from: the column is named twice"),
    Malformed(
      row: "6,1,2,3,21000", .missingColumn,
      "t.csv:3: bytes: missing: 5 fields where the header names 6"),
    Malformed(
      row: "6,1,2,3,21000,100,9", .tooManyFields,
      "t.csv:3:19: 9: 7 fields where the header names 6"),
    Malformed(row: "6,1,2,ten,21000,100", .notANumber, "t.csv:3:7: value: ten: \(wei)"),
    Malformed(row: "6,1,2,1.5,21000,100", .notANumber, "t.csv:3:7: value: 1.5: \(wei)"),
    Malformed(row: "6,1,2, 1,21000,100", .notANumber, "t.csv:3:7: value:  1: \(wei)"),
    Malformed(row: "6,1,2,-5,21000,100", .negative, "t.csv:3:7: value: -5: \(wei)"),
    Malformed(row: "-6,1,2,5,21000,100", .negative, "t.csv:3:1: time: -6: \(time)"),
    Malformed(row: "-0.5,1,2,5,21000,100", .negative, "t.csv:3:1: time: -0.5: \(time)"),
    Malformed(row: "6,1,2,,21000,100", .empty, "t.csv:3:7: value: nothing: \(wei)"),
    Malformed(row: ",1,2,3,21000,100", .empty, "t.csv:3:1: time: nothing: \(time)"),
    Malformed(row: "6,1,,3,21000,100", .empty, "t.csv:3:5: to: nothing: \(address)"),
    Malformed(
      row: "6,1,2,3,21000,0", .tooSmall,
      "t.csv:3:15: bytes: 0: a whole number from 1 to 16777216"),
    Malformed(
      row: "6,1,2,340282366920938463463374607431768211456,1,1", .tooLarge,
      "t.csv:3:7: value: 340282366920938463463374607431768211456: \(wei)"),
    Malformed(
      row: "6,1,2,3,9223372036854775808,1", .tooLarge,
      "t.csv:3:9: gas: 9223372036854775808: a whole number from 0 to 2^63 - 1"),
    Malformed(
      row: "9200000001,1,2,3,1,1", .tooLarge, "t.csv:3:1: time: 9200000001: \(time)"),
    Malformed(row: "6.,1,2,3,1,1", .notANumber, "t.csv:3:1: time: 6.: \(time)"),
    Malformed(
      row: "6.1234567890,1,2,3,1,1", .notANumber, "t.csv:3:1: time: 6.1234567890: \(time)"),
    Malformed(row: "4.999,1,2,3,1,1", .unsorted, "t.csv:3:1: time: 4.999: \(time)"),
    Malformed(row: "6,0x,2,3,1,1", .notAnAddress, "t.csv:3:3: from: 0x: \(address)"),
    Malformed(row: "6,0xg1,2,3,1,1", .notAnAddress, "t.csv:3:3: from: 0xg1: \(address)"),
    Malformed(row: "6,alice,2,3,1,1", .notANumber, "t.csv:3:3: from: alice: \(address)"),
    Malformed(
      row: "6,0x" + String(repeating: "1", count: 41) + ",2,3,1,1", .tooLarge,
      "t.csv:3:3: from: 0x" + String(repeating: "1", count: 41) + ": \(address)"),
    Malformed(
      .notUTF8, Array("\(header)\n6,1,2,".utf8) + [0x33, 0xFF] + Array(",1,1\n".utf8),
      "t.csv:2:8: byte 0xff: the text is not UTF-8"),
    Malformed(row: "6,1,2,\u{0663},1,1", .notANumber, "t.csv:3:7: value: \u{0663}: \(wei)"),
    Malformed(row: "", .empty, "t.csv:3: the line is empty"),
    Malformed(
      row: String(repeating: "6", count: 4_097), .lineTooLong,
      "t.csv:3: a line has at most 4096 bytes"),
  ]

  @Test("a hundred thousand addresses keep their numbers")
  func many() {
    var book = AddressBook()
    var stream = RandomStream(seed: 1, purpose: "addresses")
    let addresses = (0..<100_000).map { i in
      AddressBook.Address(
        high: UInt32(i), low: UInt128(stream.next()) << 64 | UInt128(stream.next()))
    }
    for (i, address) in addresses.enumerated() { #expect(book.account(address) == AccountID(i)) }
    for (i, address) in addresses.enumerated() { #expect(book.account(address) == AccountID(i)) }
    #expect(book.addresses == addresses)
  }
}
