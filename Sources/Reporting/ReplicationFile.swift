import FoundationEssentials

/// The file of one finished replication in an unfinished sweep: the record and its checksum.
enum ReplicationFile {
  private static let head = #"{"checksum":""#
  private static let middle = #"","record":"#
  private static let tail = "}\n"

  static func bytes(_ record: RunRecord) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let payload: Data
    do {
      payload = try encoder.encode(record)
    } catch {
      preconditionFailure("a record that cannot be encoded: \(error)")
    }
    var checksum = Checksum()
    checksum.add(payload)
    return Array((head + checksum.hex + middle).utf8) + Array(payload) + Array(tail.utf8)
  }

  /// The record, or `nil` if the file is damaged or belongs to another run.
  static func record(_ bytes: [UInt8], expected: RunID) -> RunRecord? {
    let start = head.utf8.count + 16 + middle.utf8.count
    guard bytes.count > start + tail.utf8.count, bytes.suffix(2).elementsEqual(tail.utf8) else {
      return nil
    }
    let payload = bytes[start..<(bytes.count - tail.utf8.count)]
    var checksum = Checksum()
    checksum.add(payload)
    guard bytes[..<start].elementsEqual((head + checksum.hex + middle).utf8) else { return nil }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let record = try? decoder.decode(RunRecord.self, from: Data(payload)) else { return nil }
    return record.id == expected ? record : nil
  }
}
