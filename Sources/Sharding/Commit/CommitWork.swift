extension CommitSettings {
  /// Operations that a transfer of one payer and one receiver costs the shards that it touches, by
  /// the table of Sharding.md.
  public var units: AccessShares.Units {
    switch commit {
    case .relay, .yank: AccessShares.Units(local: 1, source: 1, destination: 1)
    case .atomix:
      AccessShares.Units(local: 1, source: locks == .accounts ? 2 : 1, destination: 1)
    case .sbac: AccessShares.Units(local: 1, source: 2, destination: 1)
    }
  }
}
