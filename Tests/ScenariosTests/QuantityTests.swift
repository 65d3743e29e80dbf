import Kernel
import Scenarios
import Testing

@Suite("Quantities")
struct QuantityTests {
  @Test(
    "durations are exact to the nanosecond",
    arguments: [
      ("0 s", 0), ("1 ns", 1), ("2.5 us", 2500), ("2.5 µs", 2500), ("2.5 μs", 2500),
      ("250ms", 250_000_000), ("0.1 s", 100_000_000), ("1.000000001 s", 1_000_000_001),
      ("12 s", 12_000_000_000), ("1.5 min", 90_000_000_000), ("1 h", 3_600_000_000_000),
      ("365 d", 31_536_000_000_000_000), ("1e3 s", 1_000_000_000_000), ("1e-9 s", 1),
      ("9223372036854775807 ns", nil), ("9223372036.854775 s", 9_223_372_036_854_775_000),
    ] as [(String, Int64?)])
  func durations(text: String, nanoseconds: Int64?) throws {
    if let nanoseconds {
      #expect(try UnitFamily.duration.quantity(text).requireWhole() == nanoseconds)
    } else {
      #expect(throws: QuantityError.self) { try UnitFamily.duration.quantity(text) }
    }
  }

  @Test(
    "amounts are the nearest doubles",
    arguments: [
      (UnitFamily.rate, "2000 /s", 2000.0), (.rate, "90 /min", 1.5), (.rate, "1 /h", 1.0 / 3600),
      (.bandwidth, "1 Gbit/s", 1e9), (.bandwidth, "12.5 MB/s", 1e8), (.fraction, "5 %", 0.05),
      (.fraction, "0.05", 0.05), (.fraction, "50 ppm", 50e-6), (.count, "100_000", 100_000),
      (.count, "1e5", 100_000), (.bytes, "1.5 KiB", 1536), (.bytes, "2 MB", 2e6),
      (.pricePerTime, "0.096 USD/h", 0.096), (.energyPerHash, "21.5 J/TH", 21.5),
      (.carbonIntensity, "380 gCO2e/kWh", 380), (.hashRate, "1EH/s", 1e18), (.power, "3 kW", 3000),
      (.drift, "-50 ppm", -50e-6), (.number, "-0.25", -0.25), (.number, "1E-3", 0.001),
    ])
  func amounts(family: UnitFamily, text: String, amount: Double) throws {
    #expect(try family.quantity(text).amount == amount)
  }

  @Test(
    "a bad quantity says what is wrong",
    arguments: [
      (UnitFamily.duration, "250", "needs a unit, as in '250 ms'"),
      (.duration, "fast", "is not a duration; write it like '250 ms'"),
      (.duration, "2 sec", "unknown unit 'sec' of duration"),
      (.duration, "2 s s", "unknown unit 's s' of duration"),
      (.duration, "5 MB", "MB is a unit of size in bytes, but this is a duration"),
      (.duration, "5 %", "% is a unit of fraction, but this is a duration"),
      (.duration, "1.5 ns", "must be a whole number of ns"),
      (.duration, "1e12 h", "is too large; at most 9223372036854775807 ns"),
      (.duration, "1e999 h", "is too large"),
      (.duration, "1e-999 h", "is too small"),
      (.duration, "1e9999 s", "has an exponent beyond all measure"),
      (.duration, "nan", "must be a finite number"),
      (.duration, "-.inf", "must be a finite number"),
      (.duration, "1:30", "unknown unit ':30' of duration"),
      (.count, "1.5", "must be a whole number"),
      (.count, "1e30", "is too large; at most 9223372036854775807"),
      (.count, "5 s", "s is a unit of duration, but this is a whole number"),
      (.count, "0x10", "is followed by 'x10'; this is a whole number"),
      (.count, "010", "a number does not start with a superfluous 0"),
      (.count, "1__0", "an underscore stands between two digits"),
      (.count, "5.", "a digit must follow the decimal point"),
      (.count, "", "is not a whole number; write it like '100'"),
      (.count, "1234567890123456789", "has more than 18 significant digits"),
      (.fraction, "5 %%", "unknown unit '%%' of fraction"),
    ])
  func bad(family: UnitFamily, text: String, message: String) {
    let error = #expect(throws: QuantityError.self) {
      try family.quantity(text).requireWhole()
    }
    #expect(error?.message == message)
  }

  @Test("common misspellings of a unit are put right")
  func hints() {
    let table: [(UnitFamily, String, String)] = [
      (.duration, "5 seconds", "s"), (.duration, "5 Ms", "ms"), (.bytes, "5 KB", "kB"),
      (.bandwidth, "5 Mbps", "Mbit/s"), (.rate, "5 tps", "/s"), (.bytes, "5 mib", "MiB"),
    ]
    for (family, text, unit) in table {
      let error = #expect(throws: QuantityError.self) { try family.quantity(text) }
      #expect(error?.nearest == unit, "\(text)")
    }
  }

  @Test("a default is printed as the shortest text that reads back the same")
  func printing() throws {
    #expect(UnitFamily.duration.text(Int64(2_000_000_000)) == "2 s")
    #expect(UnitFamily.duration.text(Int64(1_500_000_000)) == "1500 ms")
    #expect(UnitFamily.duration.text(Int64(0)) == "0 ns")
    #expect(UnitFamily.bytes.text(Int64(1 << 20)) == "1 MiB")
    #expect(UnitFamily.fraction.text(0.05) == "5 %")
    #expect(UnitFamily.rate.text(2000.0) == "2000 /s")
    for family in UnitFamily.all {
      for amount in [0.1, 1.0, 3.0, 1e6, 123456.789, 1e-3] {
        #expect(try family.quantity(family.text(amount)).amount == amount, "\(family) \(amount)")
      }
    }
  }

  @Test("the nearest name is found for typing mistakes only")
  func nearest() {
    let names = ["batch", "batch-timeout", "view-timeout", "f"]
    #expect(nearestName(to: "bacth", among: names) == "batch")
    #expect(nearestName(to: "batch_timeout", among: names) == "batch-timeout")
    #expect(nearestName(to: "viewtimeout", among: names) == "view-timeout")
    #expect(nearestName(to: "F", among: names) == "f")
    #expect(nearestName(to: "g", among: names) == nil)
    #expect(nearestName(to: "colour", among: names) == nil)
    #expect(nearestName(to: "", among: names) == nil)
    #expect(nearestName(to: String(repeating: "a", count: 10000), among: names) == nil)
  }
}
