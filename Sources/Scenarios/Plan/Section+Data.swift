import Foundation
import Kernel
import Machines
import Workloads

extension Section {
  /// A table from a data file: a shipped one by its name, or a user's own by its path. `nil` for
  /// the word `without`, and after a mistake, which is recorded.
  func dataTable<Table>(
    _ key: String, family: String, default standard: String? = nil, without: String? = nil,
    folder: String, _ sentence: String, source: String? = nil,
    _ read: (DataFile) throws(DataError) -> Table
  ) -> Table? {
    let name = text(key, default: standard, atMost: 1000, sentence, source: source)
    if name == without || name.isEmpty { return nil }
    do throws(DataError) {
      return try read(DataFile.find(name, family: family, relativeTo: folder))
    } catch {
      let shipped = DataFile.names(of: family) + (without.map { [$0] } ?? [])
      fail(key, error.description, nearest: nearestName(to: name, among: shipped))
      return nil
    }
  }

  /// What operations cost: the table, and the variants of it in use.
  func costSheet(folder: String) -> CostSheet {
    let table = dataTable(
      "costs", family: "costs", default: "server-2026", without: "free", folder: folder,
      "what messages, requests and cryptography take on a core: a table, or free",
      source: "measured operations; see the table's own notes"
    ) { file throws(DataError) in try CostTable(file) }
    let signature = text(
      "signature", default: "ed25519", "signature scheme, a variant of the table",
      source: "the scheme of most BFT prototypes")
    let execution = text(
      "execution", default: "key-value", "kind of transaction, a variant of the table",
      source: "YCSB-like transactions")
    guard let table else { return .free }
    do throws(DataError) {
      return try table.sheet(signature: signature, execution: execution)
    } catch {
      let key = table.signatures.contains(signature) ? "execution" : "signature"
      fail(key, error.description)
      return .free
    }
  }
}

extension Section {
  /// The transfers of a CSV file, by a path relative to the scenario's folder. Mistakes of the file
  /// are recorded with its line and column.
  func trace(_ key: String, folder: String, _ sentence: String) -> [AccountTrace.Row] {
    let name = text(key, atMost: 1000, sentence)
    guard !name.isEmpty else { return [] }
    let path = name.hasPrefix("/") ? name : folder + "/" + name
    guard let bytes = FileManager.default.contents(atPath: path) else {
      fail(key, "'\(path)' cannot be read")
      return []
    }
    do throws(TraceError) {
      return try AccountTrace.rows(of: Array(bytes), file: name).rows
    } catch {
      fail(key, error.description)
      return []
    }
  }
}
