/// `tributary.sqlite`: the tables of many results for queries. It holds nothing that is not in
/// the result folders beside it and can be rebuilt from them at any time.
public struct ResultIndex: Sendable {
  public let path: String

  /// The name of the file, in the folder that holds the result folders.
  public static let fileName = "tributary.sqlite"

  public init(_ path: String) { self.path = path }

  /// The index that a result folder belongs to.
  public init(beside folder: String) {
    path = Self.folder(holding: folder) + "/" + Self.fileName
  }

  /// The folder that a result folder stands in.
  public static func folder(holding folder: String) -> String { FileSystem.split(folder).parent }

  /// Adds a complete result folder, in place of the rows it has, in one transaction.
  ///
  /// An index of an older program, whose tables are others, is made anew from the folders.
  public func insert(_ folder: String) throws(OutputError) {
    let tables = try StoredResult(folder)
    let database = try Database(path)
    if try Self.isOld(database) {
      try rebuild(from: FileSystem.split(path).parent)
      return
    }
    try database.transaction { () throws(OutputError) in
      try Self.createTables(database)
      try Self.insert(tables, into: database)
    }
  }

  /// Makes the index anew from all complete results in a folder, in the order of their names.
  ///
  /// - Returns: the names of the results it holds.
  @discardableResult
  public func rebuild(from folder: String) throws(OutputError) -> [String] {
    let fresh = path + ".new"
    try FileSystem.remove(fresh)
    var names: [String] = []
    do {
      let database = try Database(fresh)
      try database.transaction { () throws(OutputError) in
        try Self.createTables(database)
        for name in try FileSystem.list(folder) where !name.hasSuffix(".partial") {
          let result = folder + "/" + name
          guard FileSystem.kind(result + "/manifest.json") == .other else { continue }
          try Self.insert(try StoredResult(result), into: database)
          names.append(name)
        }
      }
    }
    try FileSystem.move(fresh, to: path)
    return names
  }

  /// Rows of a query, as text; for tests and for reading by hand.
  public func query(_ sql: String) throws(OutputError) -> [[String?]] {
    try Database(path).rows(sql)
  }

  /// The version of the tables, described in `Results/README.md`.
  static let version = 3

  private static func isOld(_ database: Database) throws(OutputError) -> Bool {
    let known = try database.rows("SELECT name FROM sqlite_master WHERE name = 'experiments'")
    let version = try database.rows("PRAGMA user_version").first?.first
    return !known.isEmpty && version != "\(Self.version)"
  }

  private static let tables = [
    "experiments", "points", "metrics", "replications", "latencies", "messages", "series",
    "machines",
  ]

  private static func createTables(_ database: Database) throws(OutputError) {
    try database.run(
      """
      CREATE TABLE IF NOT EXISTS experiments (
        folder TEXT PRIMARY KEY, name TEXT, scenario_digest TEXT, version TEXT, toolchain TEXT,
        gsl TEXT, seed TEXT);
      CREATE TABLE IF NOT EXISTS points (
        folder TEXT, point INTEGER, key TEXT, value TEXT);
      CREATE TABLE IF NOT EXISTS metrics (
        folder TEXT, point INTEGER, metric TEXT, unit TEXT, mean REAL, ci95_low REAL,
        ci95_high REAL, replications INTEGER);
      CREATE TABLE IF NOT EXISTS replications (
        folder TEXT, point INTEGER, replication INTEGER, seed TEXT, digest TEXT, metric TEXT,
        unit TEXT, value REAL);
      CREATE TABLE IF NOT EXISTS latencies (
        folder TEXT, point INTEGER, subsystem TEXT, phase TEXT, statistic TEXT, unit TEXT,
        mean REAL, ci95_low REAL, ci95_high REAL, replications INTEGER);
      CREATE TABLE IF NOT EXISTS messages (
        folder TEXT, point INTEGER, subsystem TEXT, type TEXT, count REAL, count_ci95_low REAL,
        count_ci95_high REAL, bytes REAL, bytes_ci95_low REAL, bytes_ci95_high REAL,
        duplicates REAL, node_mean_bytes REAL, node_max_bytes REAL, replications INTEGER);
      CREATE TABLE IF NOT EXISTS series (
        folder TEXT, point INTEGER, series TEXT, unit TEXT, time_s REAL, mean REAL, ci95_low REAL,
        ci95_high REAL, replications INTEGER);
      CREATE TABLE IF NOT EXISTS machines (
        folder TEXT, point INTEGER, node INTEGER, cpu REAL, lane REAL, uplink REAL,
        downlink REAL, disk REAL, replications INTEGER);
      PRAGMA user_version = \(version);
      CREATE INDEX IF NOT EXISTS metrics_by_name ON metrics (metric, folder, point);
      """)
    for table in tables where table != "experiments" {
      try database.run("CREATE INDEX IF NOT EXISTS \(table)_by_folder ON \(table) (folder, point)")
    }
  }

  private static func insert(
    _ result: StoredResult, into database: Database
  ) throws(OutputError) {
    let folder = Database.Value.text(result.name)
    for table in tables {
      try database.run("DELETE FROM \(table) WHERE folder = ?", [[folder]])
    }
    let manifest = result.manifest
    let identity = [
      manifest.name, manifest.scenarioDigest, manifest.version, manifest.toolchain, manifest.gsl,
      manifest.seed,
    ]
    try database.run(
      "INSERT INTO experiments VALUES (?, ?, ?, ?, ?, ?, ?)",
      [[folder] + identity.map { .text($0) }])
    try database.run(
      "INSERT INTO points VALUES (?, ?, ?, ?)",
      manifest.points.enumerated().flatMap { index, point in
        point.labels.map { [folder, .integer(index), .text($0.key), .text($0.value)] }
      })
    for table in StoredResult.Table.all {
      // Older results lack the newest tables.
      let isThere = FileSystem.kind(result.folder + "/" + table.file) != .nothing
      let rows = isThere || table.name != "machines" ? try result.rows(of: table) : []
      let places = [String](repeating: "?", count: table.columns.count + 2)
      try database.run(
        "INSERT INTO \(table.name) VALUES (\(places.joined(separator: ", ")))",
        rows.map { [folder] + $0 })
    }
  }
}
