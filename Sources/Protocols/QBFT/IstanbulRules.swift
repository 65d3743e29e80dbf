/// In what the protocols of the family differ.
public protocol IstanbulRules: Sendable {
  /// As it is called in a scenario file.
  static var name: String { get }
  /// The proposer multicasts a prepare for its own proposal. Otherwise its pre-prepare stands for
  /// it.
  static var proposerPrepares: Bool { get }
  /// The time of round 0 runs from the new head on; otherwise from when the block period is over.
  static var timesFromHead: Bool { get }
  /// A proposal of a later round carries every prepared certificate of its round changes; otherwise
  /// only the highest.
  static var carriesAllCertificates: Bool { get }
}

/// QBFT: the specification of the Enterprise Ethereum Alliance, and Hyperledger Besu and GoQuorum.
public enum QBFTRules: IstanbulRules {
  public static var name: String { "qbft" }
  public static var proposerPrepares: Bool { true }
  public static var timesFromHead: Bool { false }
  public static var carriesAllCertificates: Bool { false }
}

/// IBFT 2.0: Saltini & Hyland-Wood (arXiv 1909.10194), and Hyperledger Besu.
public enum IBFT2Rules: IstanbulRules {
  public static var name: String { "ibft2" }
  public static var proposerPrepares: Bool { false }
  public static var timesFromHead: Bool { true }
  public static var carriesAllCertificates: Bool { true }
}

public typealias QBFT = Istanbul<QBFTRules>
public typealias IBFT2 = Istanbul<IBFT2Rules>
