/// What is wrong with a trace, in words for whoever made it.
public struct TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// No transactions, an empty line or an empty field.
    case empty
    case missingColumn, unknownColumn, duplicateColumn, tooManyFields
    case notANumber, notAnAddress, negative, tooSmall, tooLarge
    /// Earlier than the row before.
    case unsorted
    case notUTF8, lineTooLong
  }

  public var kind: Kind
  /// As the caller named it.
  public var file: String
  /// Counts from 1.
  public var line: Int
  /// Where the field begins in its line, in bytes from 1; `nil` if it is about the line or file.
  public var column: Int?
  /// The name of the column, if there is one.
  public var name: String?
  /// What stands there.
  public var value: String?
  /// What may stand there.
  public var allowed: String

  public var description: String {
    var text = "\(file):\(line)"
    if let column { text += ":\(column)" }
    if let name { text += ": \(name)" }
    if let value { text += ": \(value.isEmpty ? "nothing" : value)" }
    return "\(text): \(allowed)"
  }
}
