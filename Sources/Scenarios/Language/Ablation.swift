/// One part of the simulated world made ideal, to see what it contributes.
public enum Ablation: String, CaseIterable, Sendable {
  /// Processors take no time.
  case cpu
  /// Links into and out of nodes take no time, whatever is sent.
  case nic
  /// Messages instead of streams: no slow start, no order, no retransmission.
  case transport
  /// Writes take no time.
  case disk
  /// Nothing is refused for want of room.
  case mempool

  /// What is set, and where; keys of kinds of nodes and of chains among them.
  fileprivate func changes(of root: Value) -> [(path: String, value: String)] {
    let kinds =
      ["machines"]
      + Self.indices(root["machines"]?["classes"]).map {
        "machines.classes.\($0)"
      }
    switch self {
    case .cpu: return kinds.map { ("\($0).cpu", "ideal") }
    case .disk: return kinds.map { ("\($0).disk", "ideal") }
    case .nic:
      return (["network"] + kinds.dropFirst()).flatMap {
        [("\($0).uplink", "ideal"), ("\($0).downlink", "ideal")]
      }
    case .transport: return [("network.transport", "message")]
    case .mempool:
      return Self.indices(root["chains"]).map {
        ("chains.\($0).mempool.capacity", "1000000000")
      }
    }
  }

  private static func indices(_ list: Value?) -> Range<Int> {
    guard case .sequence(let elements)? = list?.content else { return 0..<0 }
    return elements.indices
  }
}

extension ScenarioDocument {
  /// The scenario as it is, then with each ablation alone. Points have the label `ablation`.
  ///
  /// - Parameter overrides: as `points` takes them.
  public func ablationPoints(
    minimal: Bool, overrides: [String]
  ) throws(ScenarioErrors) -> [SweepPoint] {
    let base = try points(minimal: minimal, overrides: overrides)
    guard base.count == 1 else {
      throw ScenarioErrors([
        ScenarioError(
          "is a sweep of \(base.count) points; an ablation takes one, such as --set sweep={}",
          at: Origin(file), path: "sweep")
      ])
    }
    var found = [SweepPoint(labels: [.init(key: "ablation", text: "none")], root: base[0].root)]
    for ablation in Ablation.allCases {
      var root = base[0].root
      let origin = Origin("--ablate \(ablation.rawValue)")
      for (path, value) in ablation.changes(of: root) {
        root = try Override(path: path, at: origin, Value(.scalar(.init(value)), at: origin))
          .applied(to: root)
      }
      found.append(
        SweepPoint(
          labels: [.init(key: "ablation", text: "ideal \(ablation.rawValue)")], root: root))
    }
    return found
  }
}
