import Kernel

/// Settings that several protocols have, under one name and with one meaning. Those that take a
/// value or a source have them from each protocol's own reference.
extension Parameter {
  /// Bytes of a part of a message.
  private static func part(
    _ name: String, _ bytes: Int, _ sentence: String, source: String
  ) -> Parameter {
    Parameter(name, .bytes(bytes, in: 0...1_000_000), sentence, source: source)
  }

  /// - Parameter fields: of every message, beside its framing.
  public static func header(_ fields: String, name: String = "header-bytes") -> Parameter {
    part(
      name, 60, "\(fields), and framing.", source: "assumption: 40 B TCP/IP and 20 B of fields")
  }

  public static var number: Parameter {
    part("number-bytes", 8, "One more number.", source: "a 64-bit integer")
  }

  public static func digest(source: String = "SHA-256") -> Parameter {
    part("digest-bytes", 32, "A digest.", source: source)
  }

  public static func signature(_ bytes: Int = 64, source: String = "Ed25519") -> Parameter {
    part("signature-bytes", bytes, "A signature.", source: source)
  }

  public static func request(_ bytes: Int, source: String) -> Parameter {
    part(
      "request-bytes", bytes, "What a request in a batch carries besides its transaction.",
      source: source)
  }

  /// Of a replica's state, as it is sent to those who are far behind.
  public static var state: [Parameter] {
    [
      Parameter(
        "state-bytes", .bytes(1_048_576, in: 0...1_000_000_000_000), "The state's fixed part.",
        source: "assumption: 1 MiB"),
      Parameter(
        "state-bytes-per-transaction", .bytes(32, in: 0...1_000_000_000),
        "What an executed transaction adds to the state.", source: "assumption: a digest"),
    ]
  }

  /// Of a block's transactions.
  public static func blockBytes(_ bytes: Int, source: String) -> Parameter {
    Parameter(
      "block-bytes", .bytes(bytes, in: 1...1_000_000_000),
      "Bytes of transactions in a block, at most; a larger one goes alone.", source: source)
  }

  /// On, because transactions are signed by their senders.
  public static func verifyTransactions(source: String) -> Parameter {
    Parameter(
      "verify-requests", .flag(true), "Transactions' signatures are checked one by one.",
      source: source)
  }

  public static func verifyRequests(_ isOn: Bool, source: String) -> Parameter {
    Parameter(
      "verify-requests", .flag(isOn), "Clients' requests are authenticated one by one.",
      source: source)
  }

  public static func skipLateVotes(_ isOn: Bool, source: String) -> Parameter {
    Parameter(
      "skip-late-votes", .flag(isOn),
      "Votes that come when their quorum is there already are not verified.", source: source)
  }

  /// Off.
  public static func durableVotes(source: String) -> Parameter {
    Parameter(
      "durable", .flag(false), "What a vote promises is on the disk before the vote leaves.",
      source: source)
  }

  public static func keptBlocks(source: String) -> Parameter {
    Parameter(
      "window", .count(256, in: 1...65_535),
      "Blocks kept for others; who lacks more takes the state.", source: source)
  }

  public static var syncTimeout: Parameter {
    Parameter(
      "sync-timeout", .duration(.milliseconds(500), in: .milliseconds(1) ... .seconds(86_400)),
      "How long a replica that is behind waits before it asks for blocks, or asks another.",
      source: "assumption: several round trips of the slowest region pair")
  }

  public static func clockTolerance(_ duration: SimDuration, source: String) -> Parameter {
    Parameter(
      "clock-tolerance", .duration(duration, in: .zero ... .seconds(3600)),
      "How far a block's time may lie ahead of a replica's clock.", source: source)
  }
}
