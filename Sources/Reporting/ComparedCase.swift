/// One system at one place of a comparison: a sweep point of a result folder, read back.
struct ComparedCase {
  struct Metric {
    var name: String
    var unit: String
    /// By seed, in the order of replications; without those that have no value.
    var values: [(seed: String, value: Double)]
  }

  /// What is compared: the folder's name, or the value of the key that is compared by.
  var system: String
  /// Where: all other swept parameters, in their order.
  var place: [SweepPoint.Label]
  var folder: String
  var version: String
  /// `nil` in results of versions that did not say.
  var workload: String?
  var metrics: [Metric]
}

extension ComparedCase {
  /// The cases of a result folder.
  ///
  /// - Parameters:
  ///   - key: the swept parameter whose values are the systems; `nil`: the folder is one.
  ///   - title: names the folder where there are several.
  static func cases(
    of folder: String, by key: String?, title: String?
  ) throws(ComparisonError) -> [ComparedCase] {
    let stored: StoredResult
    let rows: [[Database.Value]]
    do throws(OutputError) {
      stored = try StoredResult(folder)
      rows = try stored.rows(of: StoredResult.Table.replications)
    } catch {
      throw .unreadable("\(error)")
    }
    let manifest = stored.manifest
    if let key, !manifest.swept.contains(key) {
      throw .unknownKey(folder: folder, key: key, swept: manifest.swept)
    }
    let rest = manifest.swept.filter { $0 != key && !manifest.follows($0, key) }
    var cases = manifest.points.map { point in
      let value = key.map { point.value(of: $0) }
      let system = [title, value].compactMap(\.self).joined(separator: " ")
      return ComparedCase(
        system: system.isEmpty ? stored.name : system,
        place: rest.map { SweepPoint.Label($0, point.value(of: $0)) }, folder: folder,
        version: manifest.version, workload: point.workload, metrics: [])
    }
    var places = [[String: Int]](repeating: [:], count: cases.count)
    for row in rows {
      guard case .integer(let point) = row[0], case .text(let seed) = row[2],
        case .text(let name) = row[4], case .text(let unit) = row[5], !name.isEmpty
      else { continue }
      let place = places[point][name] ?? cases[point].metrics.count
      if places[point].updateValue(place, forKey: name) == nil {
        cases[point].metrics.append(Metric(name: name, unit: unit, values: []))
      }
      if case .number(let value?) = row[6], value.isFinite {
        cases[point].metrics[place].values.append((seed, value))
      }
    }
    return cases
  }
}

extension Manifest {
  /// Whether the value of `key` is settled by that of `other` at all points, as that of a zipped
  /// key is: it then says nothing of where a point is.
  fileprivate func follows(_ key: String, _ other: String?) -> Bool {
    guard let other else { return false }
    var known: [String: String] = [:]
    for point in points {
      let value = point.value(of: key)
      if known.updateValue(value, forKey: point.value(of: other)) ?? value != value {
        return false
      }
    }
    return true
  }
}

extension Manifest.Point {
  fileprivate func value(of key: String) -> String { labels.first { $0.key == key }?.value ?? "" }
}

/// Why results are not compared.
public enum ComparisonError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  case unknownKey(folder: String, key: String, swept: [String])
  case unknownBase(String, systems: [String])
  /// There is one system only.
  case nothingToCompare(swept: [String])
  case noCommonPoint
  case noCommonMetric([String])
  case differentVersions([String])
  case differentWorkloads(String, String)
  case unknownWorkload(folder: String)

  public var description: String {
    switch self {
    case .unreadable(let reason): return reason
    case .unknownKey(let folder, let key, let swept):
      let names = swept.isEmpty ? "nothing" : swept.joined(separator: ", ")
      return "\(folder): does not sweep over '\(key)' (it sweeps over \(names))"
    case .unknownBase(let base, let systems):
      return "no system is called '\(base)' (there are \(systems.joined(separator: ", ")))"
    case .nothingToCompare(let swept):
      let hint = swept.isEmpty ? "" : ", or one and --by \(swept.joined(separator: " or --by "))"
      return "there is one system only; name several result folders\(hint)"
    case .noCommonPoint: return "the results have no sweep point in common"
    case .noCommonMetric(let names):
      let wanted = names.isEmpty ? "" : " of \(names.joined(separator: ", "))"
      return "the results have no metric\(wanted) in common"
    case .differentVersions(let versions):
      return "the results are of different versions (\(versions.joined(separator: ", "))): "
        + "differences may be the program's; rerun, or compare with --anyway"
    case .differentWorkloads(let a, let b):
      return "\(a) and \(b) had different workloads; compare with --anyway if that is meant"
    case .unknownWorkload(let folder):
      return "\(folder): does not say what its workload was; rerun, or compare with --anyway"
    }
  }
}
