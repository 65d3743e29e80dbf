import Kernel
import Ledger
import Machines
import Protocols
import Simulation
import Testing

/// The specification's recurrence for deposits and exits (electra), in integers, on a chain of
/// which each epoch is final at the end of the next. It shares no code with the protocol.
private struct RegistryRecurrence {
  var total: UInt64
  /// Epoch of the block that holds each deposit, in order; it is not in the epoch's first slot.
  let deposits: [Int]
  let least: UInt64
  let most: UInt64
  let perEpoch: Int
  /// Deposits taken into the registry.
  var taken = 0
  var budget: UInt64 = 0
  var eligibility: [Int?]
  var activation: [Int?]
  var active: [Int] = []
  var queueLength: [Int] = []
  var earliestExit = 0
  var exitBudget: UInt64 = 0
  /// Epochs in which exits are asked for and come about.
  var leaving: [(epoch: Int, exit: Int)] = []
  private let stake: UInt64 = 32_000_000_000

  init(validators: Int, deposits: [Int], least: UInt64, most: UInt64, perEpoch: Int = 16) {
    total = UInt64(validators) * 32_000_000_000
    self.deposits = deposits
    (self.least, self.most, self.perEpoch) = (least, most, perEpoch)
    eligibility = Array(repeating: nil, count: deposits.count)
    activation = Array(repeating: nil, count: deposits.count)
  }

  var churn: UInt64 { min(most, max(least, total / 65_536) / 1_000_000_000 * 1_000_000_000) }

  /// An exit that a block of `epoch` holds.
  mutating func exit(in epoch: Int) {
    var at = max(earliestExit, epoch + 5)
    var left = earliestExit < at ? churn : exitBudget
    if stake > left {
      let more = (stake - left - 1) / churn + 1
      at += Int(more)
      left += more * churn
    }
    (exitBudget, earliestExit) = (left - stake, at)
    leaving.append((epoch, at))
  }

  /// The end of `epoch`.
  mutating func process(_ epoch: Int) {
    let finalized = epoch - 1  // from the end of epoch 2 on, at full participation
    for k in eligibility.indices where k < taken {
      if eligibility[k] == nil {
        eligibility[k] = epoch + 1
      } else if activation[k] == nil, eligibility[k] ?? .max <= finalized {
        activation[k] = epoch + 5
      }
    }
    let available = budget + churn
    var used: UInt64 = 0
    var count = 0
    budget = 0
    while taken < deposits.count, deposits[taken] < finalized, count < perEpoch {
      guard used + stake <= available else {
        budget = available - used
        break
      }
      used += stake
      count += 1
      taken += 1
    }
    queueLength.append(deposits[taken...].reduce(0) { $0 + ($1 <= epoch ? 1 : 0) })
    total += stake * UInt64(activation.reduce(0) { $0 + ($1 == epoch + 1 ? 1 : 0) })
    total -= stake * UInt64(leaving.reduce(0) { $0 + ($1.exit == epoch + 1 ? 1 : 0) })
  }
}

@Suite("Gasper: who enters and who leaves")
struct GasperRegistryTests {
  /// Validators that ask in the middle of the third epoch, and three a slot afterwards.
  static func setup(entrants: Int, leavers: Int) -> GasperSetup {
    var setup = GasperSetup(nodes: 4, validators: 256)
    setup.settings.rewards.servicePeriod = 2
    setup.settings.entrants = .init(
      count: entrants, at: .seconds(12 * 70 + 5), every: .seconds(4))
    setup.settings.leavers = .init(count: leavers, at: .seconds(12 * 70 + 5), every: .seconds(4))
    return setup
  }

  @Test(
    "validators enter and leave in the very epochs of the specification's recurrence",
    arguments: [(128, 256), (96, 96), (1024, 1024), (40, 40)])
  func recurrence(least: Int, most: Int) throws {
    var setup = Self.setup(entrants: 60, leavers: 20)
    setup.settings.rewards.minChurn = UInt64(least) * 1_000_000_000
    setup.settings.rewards.maxChurn = UInt64(most) * 1_000_000_000
    let run = setup.makeRun()
    // The block of the next slot holds it, as there is no delay.
    let slots70 = (0..<60).map { (12 * 70 + 5 + 4 * $0) / 12 + 1 }
    var recurrence = RegistryRecurrence(
      validators: 256, deposits: slots70.map { $0 / 32 }, least: UInt64(least) * 1_000_000_000,
      most: UInt64(most) * 1_000_000_000)
    #expect(slots70.allSatisfy { $0 % 32 != 0 })
    for epoch in 0..<40 {
      for slot in slots70.prefix(20) where slot / 32 == epoch { recurrence.exit(in: epoch) }
      run.simulation.run(until: slots(32 * (epoch + 1)) + .seconds(1))
      recurrence.process(epoch)
      // The first block of the next epoch stands on the state after the epoch's end.
      let state = try #require(run.chain.content.state(of: run.chain.protocols[0].head))
      #expect(Int(state.slot) == 32 * (epoch + 1))
      #expect(state.pendingDeposits == recurrence.queueLength[epoch], "epoch \(epoch)")
      #expect(state.totalActive / 32_000_000_000 == recurrence.total / 32_000_000_000)
    }
    let state = try #require(run.chain.content.state(of: run.chain.protocols[0].head))
    let activated = (256..<316).map { Int(state.activation[$0]) }
    #expect(activated == recurrence.activation.map { $0 ?? Int(BeaconState.never) })
    #expect(activated.min() == 12)
    if least == 128 { #expect(activated.max() == 26) }
    let left = (0..<20).map { Int(state.exit[$0 * 256 / 20]) }
    #expect(left == recurrence.leaving.map(\.exit))
    #expect(Set(state.exit).count == Set(left).count + 1, "nobody else leaves")
    #expect(run.chain.protocols.allSatisfy { $0.finalized.epoch == 38 })
    #expect(run.simulation.world.violations.isEmpty)
    #expect(run.outcome().violations.isEmpty)
  }

  @Test("who has entered attests and proposes; who has left does not")
  func duties() throws {
    var setup = GasperSetup(nodes: 4, validators: 128)
    setup.settings.rewards.servicePeriod = 0
    setup.settings.rewards.minChurn = 4_096_000_000_000
    setup.settings.rewards.maxChurn = 4_096_000_000_000
    setup.settings.rewards.depositsPerEpoch = 128
    setup.settings.entrants = .init(count: 128, at: .seconds(12 * 3))
    setup.settings.leavers = .init(count: 64, at: .seconds(12 * 3))
    let run = setup.makeRun()
    run.simulation.run(until: slots(32 * 20 - 1) + .seconds(11))
    let before = run.chain.protocols.map(\.attestations)
    run.simulation.run(until: slots(32 * 22 - 1) + .seconds(11))
    let state = try #require(run.chain.content.state(of: run.chain.protocols[1].head))
    // 64 of genesis, 128 new ones: each votes twice in two epochs.
    #expect(run.chain.protocols.map(\.activeValidators) == [192, 192, 192, 192])
    let made = run.chain.protocols.map(\.attestations).reduce(0, +) - before.reduce(0, +)
    #expect(made == 2 * 192)
    #expect(state.totalActive == 192 * 32_000_000_000)
    // Who left is paid nothing more: its balance is that of the epoch in which it left. Those who
    // entered vote, and two in three proposals are theirs.
    let entered = (128..<256).reduce(0) { $0 + (state.balances[$1] > 32_000_000_000 ? 1 : 0) }
    #expect(entered == 128)
    var proposed = 0
    for index in run.chain.blocks.startIndex..<run.chain.blocks.endIndex {
      let block = BlockID(index: UInt32(index))
      if run.chain.blocks[block].slot >= 32 * 14,
        run.chain.content.body(of: block).proposer >= 128
      {
        proposed += 1
      }
    }
    #expect(proposed > 60)
    #expect(run.outcome().violations.isEmpty)
  }

  @Test("deposits and exits go through crashes: who lost them hears again, none counts twice")
  func crashes() throws {
    var setup = GasperSetup(nodes: 8, validators: 512)
    setup.delay = .milliseconds(100)
    setup.settings.rewards.servicePeriod = 0
    setup.settings.entrants = .init(count: 16, at: slots(40) - .zero, every: .seconds(3))
    setup.settings.leavers = .init(count: 8, at: slots(40) - .zero, every: .seconds(3))
    setup.chain.settings.requestTimeout = .seconds(5)
    setup.chain.settings.blocks = .announce
    setup.chain.faults = (0..<8).map {
      Fault(
        at: slots(41 + 2 * $0),
        .crash(.node(NodeID($0)), downTime: .seconds(60), keepsDisk: $0 % 2 == 0))
    }
    let run = setup.makeRun(seed: 4)
    run.simulation.run(until: slots(32 * 20))
    let state = try #require(run.chain.content.state(of: run.chain.protocols[1].head))
    #expect((512..<528).allSatisfy { state.activation[$0] < 20 })
    #expect(state.pendingDeposits == 0 && state.waiting(in: 19) == 0)
    #expect(state.exit.reduce(0) { $0 + ($1 < 20 ? 1 : 0) } == 8)
    #expect(run.simulation.world.violations.isEmpty)
    #expect(run.outcome().violations.isEmpty)
  }
}
