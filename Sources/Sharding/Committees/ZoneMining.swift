import Kernel

/// Proof of work in zones: Monoxide (Wang and Wang, NSDI '19).
///
/// Each zone has a chain and a difficulty of its own, so honest hash power that is spread over n
/// zones protects each with an n-th, and who turns all his on one zone needs little. Chu-ko-nu
/// mining lets one proof of work confirm a block in each of several zones at once, at most one a
/// zone: power that covers b zones counts b-fold, as long as its miner follows them all.
public struct ZoneMining: Sendable, Equatable {
  /// Miners of one kind, all together.
  public struct Miners: Sendable, Equatable {
    /// Hash power, in any unit.
    public var power: Double
    /// Zones that one proof of work covers: 1 without Chu-ko-nu mining.
    public var batch: Int

    public init(power: Double, batch: Int) {
      precondition(power >= 0 && batch >= 1, "power \(power), batches of \(batch)")
      (self.power, self.batch) = (power, batch)
    }
  }

  public let zones: Int
  /// The honest ones, each kind evenly spread over the zones.
  public let miners: [Miners]

  public init(zones: Int, miners: [Miners]) {
    precondition(zones >= 1 && !miners.isEmpty, "\(miners.count) miners in \(zones) zones")
    precondition(miners.allSatisfy { $0.batch <= zones }, "a batch of more than \(zones) zones")
    self.zones = zones
    self.miners = miners
  }

  /// Honest power in all.
  public var power: Double { miners.reduce(0) { $0 + $1.power } }

  /// The honest power that an attacker of one zone is up against: a zone's share of each kind,
  /// times the zones it covers.
  public var effectivePower: Double {
    miners.reduce(0) { $0 + $1.power * Double($1.batch) / Double(zones) }
  }

  /// How much more each zone is worth than without Chu-ko-nu mining: between 1 and `zones`.
  public var amplification: Double { effectivePower * Double(zones) / power }

  /// The share of all hash power, its own included, from which on an attacker finds most blocks of
  /// the zone that it turns on: 1/2 if everybody covers all zones, 1 / (n + 1) if nobody more than
  /// one.
  public var attackShare: Double { effectivePower / (effectivePower + power) }

  /// Blocks of one zone that honest miners and an attacker find among `solutions` proofs of work.
  /// - Parameters:
  ///   - attacker: its power, all of it on this zone.
  ///   - zone: which one.
  public func race(
    solutions: Int, attacker: Double, zone: ShardID, using stream: inout RandomStream
  ) -> (honest: Int, attacker: Int) {
    precondition(Int(zone.index) < zones, "zone \(zone) of \(zones)")
    let table = AliasTable(miners.map(\.power) + [attacker])
    var (honest, found) = (0, 0)
    for _ in 0..<solutions {
      let who = table.sample(using: &stream)
      guard who < miners.count else {
        found += 1
        continue
      }
      // A batch is a run of zones from a random one on, so each is covered alike.
      let first = stream.range(0..<zones)
      let offset = (Int(zone.index) - first + zones) % zones
      if offset < miners[who].batch { honest += 1 }
    }
    return (honest, found)
  }
}
