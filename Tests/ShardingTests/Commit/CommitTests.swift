import Kernel
import Ledger
import Sharding
import Testing

@Suite("How transfers over shards commit")
struct CommitTests {
  /// Account a of shard s is a with a % shards == s.
  private func driver(
    _ commit: CommitProtocol, _ locks: CommitSettings.Locks = .accounts,
    weakness: CommitSettings.Weakness? = nil, seed: UInt64 = 1
  ) -> CommitDriver {
    CommitDriver(
      CommitSettings(commit, locks: locks, weakness: weakness), shards: 8, accounts: 64, seed: seed)
  }

  @Test(
    "Work of p input and q output shards is what each protocol's file says",
    arguments: [(1, 1), (1, 3), (2, 1), (3, 2)])
  func workInOperations(_ p: Int, _ q: Int) {
    func work(_ commit: CommitProtocol, _ locks: CommitSettings.Locks) -> Int {
      var driver = driver(commit, locks)
      let transfer = driver.pay(Array(0..<p), Array(p..<p + q), amount: 6)
      driver.run()
      #expect(driver.fates[transfer] == .committed)
      #expect(driver.ledger.monitor.audit(driver.ledger).isEmpty)
      return driver.operations
    }
    if p == 1 { #expect(work(.relay, .accounts) == 1 + q) }
    #expect(work(.atomix, .amounts) == p + q)
    #expect(work(.atomix, .accounts) == 2 * p + q)
    #expect(work(.sbac, .accounts) == 2 * p + q)
    #expect(work(.yank, .amounts) == p + q)
  }

  @Test("A transfer on one shard is one operation", arguments: CommitProtocol.allCases)
  func inShard(_ commit: CommitProtocol) {
    var driver = driver(commit)
    driver.pay([0], [8])
    driver.run()
    #expect(driver.operations == 1)
    #expect(driver.fates[0] == .committed)
    #expect(driver.ledger.balances[0] == 99 && driver.ledger.balances[8] == 101)
  }

  @Test(
    "What lacks funds aborts as a whole, and everything comes back",
    arguments: [CommitProtocol.atomix, .sbac, .yank])
  func lacksFunds(_ commit: CommitProtocol) {
    var driver = driver(commit)
    // Account 1 pays 90 before: it cannot pay 50 more.
    driver.pay([1], [9], amount: 90)
    driver.run()
    let transfer = driver.pay([0, 1, 2], [3], amount: 50)
    driver.run()
    #expect(driver.fates[transfer] == .aborted)
    #expect(driver.ledger.balances[0] == 100 && driver.ledger.balances[2] == 100)
    #expect(driver.ledger.monitor.held == 0 && driver.ledger.monitor.inFlight == 0)
    #expect(driver.ledger.monitor.audit(driver.ledger).isEmpty)
  }

  @Test(
    "In any order of arrival, all that is sent ends, whole or not at all",
    arguments: [
      (CommitProtocol.relay, CommitSettings.Locks.accounts, 1), (.atomix, .accounts, 3),
      (.atomix, .amounts, 3), (.sbac, .accounts, 3), (.yank, .amounts, 3),
    ])
  func anyOrder(_ commit: CommitProtocol, _ locks: CommitSettings.Locks, _ payers: Int) {
    var aborted = 0
    for seed in 1...50 {
      var driver = driver(commit, locks, seed: UInt64(seed))
      var stream = RandomStream(seed: UInt64(seed), purpose: "payments")
      for _ in 0..<60 {
        let accounts = stream.sample(payers + 2, of: 64)
        driver.pay(
          Array(accounts.prefix(payers)), Array(accounts.suffix(2)),
          amount: Int64(stream.range(1...60)))
      }
      driver.run()
      #expect(driver.ledger.monitor.audit(driver.ledger).isEmpty)
      #expect(driver.ledger.monitor.held == 0 && driver.ledger.monitor.inFlight == 0)
      #expect(driver.ledger.balances.reduce(0, +) == 6400)
      #expect(driver.fates.values.allSatisfy { $0 != .open } && driver.fates.count == 60)
      for transfer in 0..<60 {
        #expect(driver.ledger.transfers[transfer].fate == driver.fates[transfer])
      }
      aborted += driver.ledger.monitor.aborted
    }
    #expect(aborted > 0)
  }

  @Test("Locks of accounts keep a second payment out; holds of amounts do not")
  func locks() {
    func refusals(_ locks: CommitSettings.Locks) -> Int {
      var driver = driver(.atomix, locks)
      driver.pay([0], [1])
      driver.gone = [0]
      driver.run()
      driver.pay([0], [2])
      driver.run()
      return driver.ledger.monitor.aborted
    }
    #expect(refusals(.accounts) == 1)
    #expect(refusals(.amounts) == 0)
  }

  @Test("A client that vanishes leaves its hold; shards that drive themselves leave none")
  func vanishing() {
    for (commit, held) in [(CommitProtocol.atomix, 1), (.sbac, 0), (.yank, 0), (.relay, 0)] {
      var driver = driver(commit)
      driver.pay([0], [1])
      driver.gone = [0]
      driver.run()
      #expect(driver.ledger.monitor.held == held)
    }
  }
}

@Suite("How committees find each other")
struct CommitteeRoutingTests {
  @Test("A message reaches its committee over as many links as its distance has ones")
  func tables() {
    for count in [1, 2, 3, 7, 16, 64] {
      for here in 0..<count {
        for goal in 0..<count {
          var (place, links) = (here, 0)
          while place != goal {
            let next = CommitteeRouting.next(from: place, to: goal, of: count)
            #expect(((next - place + count) % count).nonzeroBitCount == 1)
            (place, links) = (next, links + 1)
          }
          #expect(CommitteeRouting.tables.links(from: here, to: goal, of: count) == links)
          #expect(
            CommitteeRouting.direct.links(from: here, to: goal, of: count) == (here == goal ? 0 : 1)
          )
        }
      }
    }
    // Sixteen committees: 4 x 8 ones in the distances 1 to 15.
    let links = (1..<16).reduce(0) { $0 + CommitteeRouting.tables.links(from: 0, to: $1, of: 16) }
    #expect(links == 32)
  }

  @Test("Of a transfer that was driven in part, only what lacks is asked for again")
  func driving() {
    var driver = CommitDriver(CommitSettings(.yank), shards: 4, accounts: 16)
    driver.pay([0, 1, 2], [3])
    driver.letters = []
    var effects = CommitEffects()
    driver.ledger.drive(0, voted: 0b10, &effects)
    #expect(effects.requests.map(\.operation.part) == [0, 2])
    #expect(effects.requests.allSatisfy { $0.operation.kind == .yank })
  }
}

@Suite("Planted bugs of the commit protocols are found")
struct CommitMonitorTests {
  private func findings(
    _ commit: CommitProtocol, _ weakness: CommitSettings.Weakness?,
    _ act: (inout CommitDriver) -> Void
  ) -> Set<String> {
    var driver = CommitDriver(
      CommitSettings(commit, weakness: weakness), shards: 4, accounts: 16)
    act(&driver)
    driver.run()
    return Set(driver.ledger.monitor.audit(driver.ledger).map(\.monitor))
  }

  /// Two payments that cannot both be made, of accounts on several shards.
  private func clash(_ driver: inout CommitDriver) {
    driver.pay([0, 1], [2], amount: 80)
    driver.run()
    driver.pay([0, 5], [3], amount: 80)
  }

  @Test("A hold that is never released", arguments: [CommitProtocol.atomix, .sbac, .yank])
  func neverReleases(_ commit: CommitProtocol) {
    #expect(findings(commit, nil, clash).isEmpty)
    #expect(findings(commit, .neverReleases, clash).contains("atomicity"))
  }

  @Test("A relay that is applied twice")
  func appliesTwice() {
    func act(_ driver: inout CommitDriver) {
      driver.pay([0], [1])
      driver.run()
      driver.forge(.deposit, part: 1)
    }
    #expect(findings(.relay, nil, act).isEmpty)
    #expect(findings(.relay, .appliesTwice, act).contains("exactly-once"))
  }

  @Test("An unlock without proof")
  func unlocksWithoutProof() {
    func act(_ driver: inout CommitDriver) {
      driver.pay([0, 1], [2], amount: 300)
      driver.forge(.commit, part: 2)
    }
    #expect(findings(.atomix, nil, act).isEmpty)
    #expect(findings(.atomix, .unlocksWithoutProof, act).contains("conservation"))
  }

  @Test("A lock that keeps nobody out")
  func ignoresLocks() {
    func act(_ driver: inout CommitDriver) {
      driver.pay([0], [1])
      driver.pay([0], [2])
    }
    #expect(findings(.sbac, nil, act).isEmpty)
    #expect(findings(.sbac, .ignoresLocks, act).contains("isolation"))
  }
}
