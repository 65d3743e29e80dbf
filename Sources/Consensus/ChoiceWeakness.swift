import Ledger

/// Rules of choosing a chain that nodes leave out on purpose, so that one can see that the monitor
/// of the fork choice misses them.
public enum ChoiceWeakness: String, Sendable, CaseIterable, BitwiseCopyable {
  case none
  /// A node never leaves its chain, however much better another is.
  case neverLeaves = "never-leaves"
  /// A node takes the chain of any block that comes, whatever it weighs.
  case newestBlock = "newest-block"

  public static var parameter: Parameter {
    .weakness(allCases.filter { $0 != .none }.map(\.rawValue))
  }

  public init(_ values: ParameterValues) {
    self = ChoiceWeakness(rawValue: values.choice("weakness")) ?? .none
  }

  /// Whether a node with `head` takes `block` for its head; nil: the rule decides.
  public func takes(_ block: BlockID, over head: BlockID, _ blocks: BlockArena) -> Bool? {
    switch self {
    case .none: nil
    case .neverLeaves: blocks.isAncestor(head, of: block) ? nil : false
    case .newestBlock: true
    }
  }
}
