/// The families that scenarios use. A concrete key may bring its own.

extension UnitFamily {
  /// Base unit: nanosecond.
  public static let duration = UnitFamily(
    "a duration",
    units: [
      NamedUnit("ns", 1, alsoWritten: ["nsec", "nanoseconds"]),
      NamedUnit("us", 1000, alsoWritten: ["usec", "microseconds"]),
      NamedUnit("µs", 1000),  // micro sign
      NamedUnit("μs", 1000),  // Greek mu
      NamedUnit("ms", 1_000_000, alsoWritten: ["msec", "millis", "milliseconds"]),
      NamedUnit("s", 1_000_000_000, alsoWritten: ["sec", "secs", "second", "seconds"]),
      NamedUnit("min", 60_000_000_000, alsoWritten: ["m", "mins", "minute", "minutes"]),
      NamedUnit("h", 3_600_000_000_000, alsoWritten: ["hr", "hrs", "hour", "hours"]),
      NamedUnit("d", 86_400_000_000_000, alsoWritten: ["day", "days"]),
    ], example: "250 ms")

  /// Base unit: events per second.
  public static let rate = UnitFamily(
    "a rate",
    units: [
      NamedUnit("/s", 1, alsoWritten: ["tps", "tx/s", "per second", "Hz", "/sec"]),
      NamedUnit("/min", 1, over: 60, alsoWritten: ["/m", "per minute"]),
      NamedUnit("/h", 1, over: 3600, alsoWritten: ["/hour", "per hour"]),
      NamedUnit("/d", 1, over: 86400, alsoWritten: ["/day", "per day"]),
    ], example: "2000 /s")

  /// Base unit: byte.
  public static let bytes = UnitFamily(
    "a size in bytes",
    units: [
      NamedUnit("B", 1, alsoWritten: ["byte", "bytes", "b"]),
      NamedUnit("kB", 1000, alsoWritten: ["KB", "K", "k", "kb"]),
      NamedUnit("MB", 1_000_000, alsoWritten: ["M", "mb", "Mb"]),
      NamedUnit("GB", 1_000_000_000, alsoWritten: ["G", "gb", "Gb"]),
      NamedUnit("TB", 1_000_000_000_000, alsoWritten: ["T", "tb", "Tb"]),
      NamedUnit("KiB", 1 << 10, alsoWritten: ["kiB", "Ki"]),
      NamedUnit("MiB", 1 << 20, alsoWritten: ["Mi"]),
      NamedUnit("GiB", 1 << 30, alsoWritten: ["Gi"]),
      NamedUnit("TiB", 1 << 40, alsoWritten: ["Ti"]),
    ], example: "512 B")

  /// Base unit: bit per second.
  public static let bandwidth = UnitFamily(
    "a bandwidth",
    units: [
      NamedUnit("bit/s", 1, alsoWritten: ["bps", "b/s"]),
      NamedUnit("kbit/s", 1000, alsoWritten: ["kbps", "Kbps", "kb/s"]),
      NamedUnit("Mbit/s", 1_000_000, alsoWritten: ["Mbps", "mbps", "Mb/s"]),
      NamedUnit("Gbit/s", 1_000_000_000, alsoWritten: ["Gbps", "gbps", "Gb/s"]),
      NamedUnit("B/s", 8, alsoWritten: ["Bps"]),
      NamedUnit("kB/s", 8000, alsoWritten: ["KB/s", "kBps"]),
      NamedUnit("MB/s", 8_000_000, alsoWritten: ["MBps"]),
      NamedUnit("GB/s", 8_000_000_000, alsoWritten: ["GBps"]),
    ], example: "1 Gbit/s")

  /// A whole number of things; no unit.
  public static let count = UnitFamily("a whole number", units: [NamedUnit("")], example: "100")

  /// A number without a unit.
  public static let number = UnitFamily("a plain number", units: [NamedUnit("")], example: "0.99")

  /// A part of a whole: `0.05`, `5 %` or `50 ppm`.
  public static let fraction = UnitFamily(
    "a fraction",
    units: [
      NamedUnit("", 1), NamedUnit("%", 1, over: 100, alsoWritten: ["percent", "pct"]),
      NamedUnit("ppm", 1, over: 1_000_000),
    ], example: "5 %")

  /// The error of a clock. Base unit: one, so 50 ppm is 0.00005.
  public static let drift = UnitFamily(
    "a clock drift",
    units: [NamedUnit("ppm", 1, over: 1_000_000), NamedUnit("ppb", 1, over: 1_000_000_000)],
    example: "50 ppm")

  /// Base unit: watt.
  public static let power = UnitFamily(
    "a power",
    units: [
      NamedUnit("W", alsoWritten: ["watt", "watts"]), NamedUnit("mW", 1, over: 1000),
      NamedUnit("kW", 1000), NamedUnit("MW", 1_000_000), NamedUnit("GW", 1_000_000_000),
    ], example: "65 W")

  /// Base unit: joule.
  public static let energy = UnitFamily(
    "an energy",
    units: [
      NamedUnit("J"), NamedUnit("mJ", 1, over: 1000), NamedUnit("uJ", 1, over: 1_000_000),
      NamedUnit("nJ", 1, over: 1_000_000_000), NamedUnit("kJ", 1000),
      NamedUnit("Wh", 3600), NamedUnit("kWh", 3_600_000, alsoWritten: ["KWh", "kwh"]),
    ], example: "2 J")

  /// What a mining machine needs. Base unit: joule per terahash.
  public static let energyPerHash = UnitFamily(
    "an energy per hash", units: [NamedUnit("J/TH", alsoWritten: ["W/TH/s"])],
    example: "21.5 J/TH")

  /// Base unit: hash per second.
  public static let hashRate = UnitFamily(
    "a hash rate",
    units: [
      NamedUnit("H/s"), NamedUnit("kH/s", 1000), NamedUnit("MH/s", 1_000_000),
      NamedUnit("GH/s", 1_000_000_000), NamedUnit("TH/s", 1_000_000_000_000),
      NamedUnit("PH/s", 1_000_000_000_000_000), NamedUnit("EH/s", 1_000_000_000_000_000_000),
    ], example: "120 TH/s")

  /// Base unit: gram of carbon dioxide equivalent per kilowatt-hour.
  public static let carbonIntensity = UnitFamily(
    "a carbon intensity",
    units: [
      NamedUnit("gCO2e/kWh", alsoWritten: ["gCO2/kWh", "g/kWh"]), NamedUnit("kgCO2e/kWh", 1000),
    ], example: "380 gCO2e/kWh")

  /// Base unit: US dollar.
  public static let money = UnitFamily(
    "an amount of money", units: [NamedUnit("USD", alsoWritten: ["$", "dollar"])],
    example: "0.5 USD")

  /// Base unit: US dollar per hour.
  public static let pricePerTime = UnitFamily(
    "a price per time",
    units: [
      NamedUnit("USD/h", alsoWritten: ["$/h", "USD/hour"]), NamedUnit("USD/d", 1, over: 24),
    ],
    example: "0.096 USD/h")

  /// Base unit: US dollar per (decimal) gigabyte.
  public static let pricePerVolume = UnitFamily(
    "a price per volume", units: [NamedUnit("USD/GB"), NamedUnit("USD/TB", 1, over: 1000)],
    example: "0.09 USD/GB")

  /// Base unit: US dollar per gigabyte and month.
  public static let priceOfStorage = UnitFamily(
    "a price of storage", units: [NamedUnit("USD/GB/month", alsoWritten: ["USD/GB-month"])],
    example: "0.08 USD/GB/month")

  /// Base unit: US dollar per kilowatt-hour.
  public static let pricePerEnergy = UnitFamily(
    "a price of energy", units: [NamedUnit("USD/kWh"), NamedUnit("USD/MWh", 1, over: 1000)],
    example: "0.12 USD/kWh")

  /// Every family above, to recognise a unit that stands in the wrong place.
  public static let all: [UnitFamily] = [
    .duration, .rate, .bytes, .bandwidth, .count, .number, .fraction, .drift, .power, .energy,
    .energyPerHash, .hashRate, .carbonIntensity, .money, .pricePerTime, .pricePerVolume,
    .priceOfStorage, .pricePerEnergy,
  ]
}
