import Ledger
import Metrics
import Testing

/// Four replicas that execute batches of one population, a hundred of whose transactions exist.
private struct Watch {
  var monitor = AgreementMonitor(replicas: 4, populations: 1)

  /// Replica `replica` executes transactions `numbers` at `slot`; the state after slot s is s.
  mutating func decide(
    _ replica: Int, slot: Int, _ numbers: Range<UInt64>, batch: UInt64? = nil, state: UInt64? = nil,
    executed: Int
  ) -> String? {
    let range = TxRange(population: 0, first: numbers.lowerBound, count: UInt32(numbers.count))
    return monitor.decide(
      replica: replica, slot: slot, batch: Digest(batch ?? UInt64(slot)), ranges: 1,
      range: { _ in range }, state: Digest(state ?? UInt64(slot)), transactions: executed,
      submitted: { _ in 100 }
    ).finding?.monitor
  }

  mutating func catchUp(_ replica: Int, to slot: Int, state: UInt64, executed: Int) -> String? {
    monitor.catchUp(
      replica: replica, slot: slot, state: Digest(state), transactions: executed,
      executed: { _, _ in }
    )?.monitor
  }
}

@Suite("the monitor of a replicated log")
struct AgreementMonitorTests {
  @Test("a good run is silent, with a replica that catches up and one that lags")
  func good() {
    var watch = Watch()
    for replica in 0..<3 {
      #expect(watch.decide(replica, slot: 1, 0..<10, executed: 10) == nil)
      #expect(watch.decide(replica, slot: 2, 10..<15, executed: 15) == nil)
    }
    #expect(watch.decide(3, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(0, slot: 3, 15..<100, executed: 100) == nil)
    #expect(watch.catchUp(3, to: 3, state: 3, executed: 100) == nil)
    #expect(watch.monitor.slots == 3)
    #expect(watch.monitor.position == [3, 2, 2, 3])
    #expect((1...3).map { watch.monitor.transactions(in: $0) } == [10, 5, 85])
  }

  @Test("executions are counted, those of a replica that catches up too")
  func executions() {
    var watch = Watch()
    let range = TxRange(population: 0, first: 0, count: 1)
    for replica in 0..<3 {
      let (count, finding) = watch.monitor.decide(
        replica: replica, slot: 1, batch: Digest(1), ranges: 1, range: { _ in range },
        state: Digest(1), transactions: 1, submitted: { _ in 100 })
      #expect(count == replica + 1 && finding == nil)
    }
    var seen: [[Int]] = []
    let finding = watch.monitor.catchUp(
      replica: 3, slot: 1, state: Digest(1), transactions: 1, executed: { seen.append([$0, $1]) })
    #expect(finding == nil && seen == [[1, 4]])
  }

  @Test("a batch that repeats a transaction is no fault if replicas execute it once")
  func repeated() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(0, slot: 2, 5..<12, executed: 12) == nil)
    #expect(watch.monitor.transactions(in: 2) == 2)
  }

  @Test("a slot out of order is found, whether ahead, repeated or behind")
  func order() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 2, 0..<10, executed: 10) == "order")
    watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == "order")
    #expect(watch.decide(1, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(1, slot: 2, 10..<11, executed: 11) == nil)
    #expect(watch.decide(1, slot: 1, 0..<10, executed: 10) == "order")
  }

  @Test("two batches in one slot are found, and two states after one batch")
  func disagreement() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(1, slot: 1, 0..<10, batch: 77, executed: 10) == "agreement")
    #expect(watch.decide(2, slot: 1, 0..<10, state: 77, executed: 10) == "agreement")
    #expect(watch.decide(3, slot: 1, 0..<10, executed: 10) == nil)
  }

  @Test("a transaction that nobody submitted is found")
  func validity() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<100, executed: 100) == nil)
    #expect(watch.decide(0, slot: 2, 100..<101, executed: 101) == "validity")
  }

  @Test("a transaction executed twice, or not at all, is found")
  func doubleExecution() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.decide(0, slot: 2, 5..<12, executed: 17) == "double-execution")
    watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 9) == "double-execution")
  }

  @Test("catching up to a state that no log leads to is found")
  func falseCatchUp() {
    var watch = Watch()
    #expect(watch.decide(0, slot: 1, 0..<10, executed: 10) == nil)
    #expect(watch.catchUp(3, to: 2, state: 2, executed: 10) == "agreement")
    #expect(watch.catchUp(3, to: 1, state: 9, executed: 10) == "agreement")
    #expect(watch.catchUp(3, to: 1, state: 1, executed: 11) == "agreement")
    #expect(watch.catchUp(3, to: 1, state: 1, executed: 10) == nil)
  }
}
