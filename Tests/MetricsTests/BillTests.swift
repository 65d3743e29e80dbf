import Metrics
import Testing

private func close(_ a: Double?, _ b: Double) -> Bool {
  a.map { abs($0 - b) <= 1e-12 * abs(b) } ?? false
}

@Suite("money, energy and carbon")
struct BillTests {
  let settings = CostSettings(
    prices: PriceSheet(
      usdPerInstanceHour: [0.36, 0.72], usdPerGBMonth: 0.5, billedCopies: 2,
      usdPerGBInternet: 0.09, usdPerGBInterRegion: 0.02, usdPerGBIntraRegion: 0.01),
    energy: EnergySheet(
      idleWattsPerVCPU: 1, fullWattsPerVCPU: 3, memoryKWhPerGBHour: 0.001, diskWhPerTBHour: 1,
      diskCopies: 2, networkKWhPerGBLow: 0.001, networkKWhPerGBHigh: 0.06,
      powerUsageEffectiveness: 1.5, gramsCO2ePerKWh: [360, 36]),
    classes: [NodeClass(vCPUs: 2, memoryGB: 4), NodeClass(vCPUs: 4, memoryGB: 8)],
    classOf: [0, 1], retentionMonths: 2)

  /// Two nodes for a hundred seconds, the second one shared half and half.
  var use: Consumption {
    Consumption(
      seconds: 100,
      parts: [
        .init(nodeClass: 0, region: 0, share: 1, load: 0.5, stored: 1e9),
        .init(nodeClass: 1, region: 1, share: 0.5, load: 0.25, stored: 3e9),
      ],
      sent: [[1e9, 2e9, 3e9, 4e9], [0, 1e9, 0, 0]])
  }

  @Test("dollars, by hand")
  func dollars() {
    let bill = Bill(use, settings)
    // 100 s of 0.36 USD/h, and half of 100 s of 0.72 USD/h.
    #expect(close(bill.dollars?.compute, 0.01 + 0.01))
    // 4 GB, two copies, 0.5 USD a month, two months.
    #expect(close(bill.dollars?.storage, 8))
    // 1 GB within, 3 GB between regions, 3 GB out; what comes from outside is not billed.
    #expect(close(bill.dollars?.egress, 0.01 + 0.06 + 0.27))
  }

  @Test("joules, by hand")
  func joules() {
    let joules = Bill(use, settings).joules
    // 2 vCPU at 2 W, half of 4 vCPU at 1.5 W, for 100 s, times 1.5.
    #expect(close(joules?.compute, (400 + 300) * 1.5))
    // 4 GB and half of 8 GB at 0.001 kWh/GB-h, that is 1 W each: 8 W for 100 s, times 1.5.
    #expect(close(joules?.memory, 8 * 100 * 1.5))
    // 4 GB in two copies, 8e-3 TB at 1 W/TB, for 1460 h of 3600 s, times 1.5.
    #expect(close(joules?.disk, 8e-3 * 1460 * 3600 * 1.5))
    // 11 GB at 3600 J, or at 216 kJ.
    #expect(close(joules?.networkLow, 11 * 3600))
    #expect(close(joules?.networkHigh, 11 * 216_000))
    #expect(joules?.proofOfWork == 0)
  }

  @Test("carbon follows the grid of each region")
  func carbon() {
    let grams = Bill(use, settings).grams
    // 360 g/kWh is 1e-4 g/J, 36 g/kWh is 1e-5 g/J.
    #expect(close(grams?.compute, 600e-4 + 450e-5))
    #expect(close(grams?.networkLow, 36_000e-4 + 3_600e-5))
  }

  @Test("hashing draws what its hashes draw")
  func proofOfWork() {
    var use = use
    use.work = [ProofOfWork(region: 1, hashesPerSecond: 1e12, joulesPerHash: 1e-11)]
    let bill = Bill(use, settings)
    #expect(close(bill.joules?.proofOfWork, 1_000))
    #expect(close(bill.grams?.proofOfWork, 1_000e-5))
    #expect(bill.dollars == Bill(self.use, settings).dollars)
  }

  @Test("per unit and per GB; totals are the sum of the parts, both network figures given")
  func metrics() {
    let bill = Bill(use, settings)
    var outcome = Outcome()
    outcome.metrics = bill.metrics(name: "main", unit: "tx", confirmed: 100, bytes: 2e9)
    #expect(close(outcome["main.usd_per_tx"], 8.36 / 100))
    #expect(close(outcome["main.usd_per_gb"], 8.36 / 2))
    #expect(close(outcome["main.usd_egress_per_tx"], 0.34 / 100))
    let rest = 1_050 + 1_200 + 8e-3 * 1460 * 3600 * 1.5
    #expect(close(outcome["main.joule_per_tx"], (rest + 39_600) / 100))
    #expect(close(outcome["main.joule_per_tx_network_high"], (rest + 2_376_000) / 100))
    #expect(outcome["main.gco2e_per_tx_network_high"] != nil)
    #expect(outcome.metrics.first { $0.name == "main.usd_per_tx" }?.unit == "USD/tx")
    let none = bill.metrics(name: "main", unit: "tx", confirmed: 0, bytes: 0)
    #expect(none.allSatisfy { $0.value == nil })
  }

  @Test("without a sheet there is no bill")
  func without() {
    var settings = settings
    settings.prices = nil
    settings.energy = nil
    let bill = Bill(use, settings)
    #expect(bill.metrics(name: "main", unit: "tx", confirmed: 1, bytes: 1) == [])
  }

  @Test("a node is shared by processor time, equally if nobody spent any")
  func shares() {
    #expect(Consumption.share(of: 3, in: 4, users: 2) == 0.75)
    #expect(Consumption.share(of: 0, in: 4, users: 2) == 0)
    #expect(Consumption.share(of: 0, in: 0, users: 2) == 0.5)
    #expect(Consumption.share(of: 7, in: 7, users: 1) == 1)
  }

  @Test("a store pays its part of the chain it uses")
  func anchoring() {
    var store = Bill(Consumption(seconds: 0, parts: [], sent: []), settings)
    store.add(0.25, of: Bill(use, settings))
    #expect(close(store.dollars?.total, 8.36 / 4))
    #expect(close(store.anchoringDollars, 8.36 / 4))
    #expect(close(store.joules?.networkHigh, 11 * 54_000))
  }
}
