import CSQLite

/// A thin wrapper of SQLite: statements with bound values, errors as values.
final class Database {
  enum Value {
    case text(String)
    case integer(Int)
    case number(Double?)
  }

  private let path: String
  private var handle: OpaquePointer?

  init(_ path: String) throws(OutputError) {
    self.path = path
    let code = sqlite3_open_v2(
      path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nil)
    guard code == SQLITE_OK else {
      let error = failure()
      sqlite3_close_v2(handle)
      handle = nil
      throw error
    }
    // Another run may be adding its results.
    sqlite3_busy_timeout(handle, 20_000)
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs statements without values or rows.
  func run(_ sql: String) throws(OutputError) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
  }

  /// Runs one statement for each row of values.
  func run(_ sql: String, _ rows: [[Value]]) throws(OutputError) {
    let statement = try prepare(sql)
    defer { sqlite3_finalize(statement) }
    for row in rows {
      try bind(row, to: statement)
      guard sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
      sqlite3_reset(statement)
    }
  }

  /// All rows of a query, each value as text; `nil` for NULL.
  func rows(_ sql: String, _ values: [Value] = []) throws(OutputError) -> [[String?]] {
    let statement = try prepare(sql)
    defer { sqlite3_finalize(statement) }
    try bind(values, to: statement)
    var rows: [[String?]] = []
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_DONE: return rows
      case SQLITE_ROW:
        rows.append(
          (0..<sqlite3_column_count(statement)).map { column in
            sqlite3_column_text(statement, column).map { String(cString: $0) }
          })
      default: throw failure()
      }
    }
  }

  /// All or nothing.
  func transaction(_ body: () throws(OutputError) -> Void) throws(OutputError) {
    try run("BEGIN IMMEDIATE")
    do {
      try body()
      try run("COMMIT")
    } catch {
      try? run("ROLLBACK")
      throw error
    }
  }

  private func prepare(_ sql: String) throws(OutputError) -> OpaquePointer? {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
      throw failure()
    }
    return statement
  }

  private func bind(_ row: [Value], to statement: OpaquePointer?) throws(OutputError) {
    // SQLite copies the text before the call returns.
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (index, value) in row.enumerated() {
      let place = Int32(index + 1)
      let code =
        switch value {
        case .text(let text): sqlite3_bind_text(statement, place, text, -1, transient)
        case .integer(let number): sqlite3_bind_int64(statement, place, Int64(number))
        case .number(let number?): sqlite3_bind_double(statement, place, number)
        case .number(nil): sqlite3_bind_null(statement, place)
        }
      guard code == SQLITE_OK else { throw failure() }
    }
  }

  private func failure() -> OutputError {
    let code = sqlite3_errcode(handle) & 0xff
    switch code {
    case SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_READONLY, SQLITE_BUSY, SQLITE_LOCKED:
      return .system(
        action: "write (" + String(cString: sqlite3_errmsg(handle)) + ")", path: path,
        code: sqlite3_system_errno(handle))
    default:
      return .index(
        path: path, reason: "is no index of results (\(String(cString: sqlite3_errmsg(handle))))")
    }
  }
}
