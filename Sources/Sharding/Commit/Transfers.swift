import Kernel
import Ledger

/// What a transfer does to one account: adds `amount`, in the smallest unit of money; negative
/// amounts are paid.
public struct Leg: Sendable, BitwiseCopyable, Equatable {
  public var account: AccountID
  public var amount: Int64
  /// What has been added so far: 0, or `amount` once it is carried out. A monitor checks it.
  public internal(set) var applied: Int64 = 0

  public init(account: AccountID, amount: Int64) {
    self.account = account
    self.amount = amount
  }
}

/// The legs of a transfer whose accounts live on one shard: what commits or aborts there.
public struct Part: Sendable, BitwiseCopyable, Equatable {
  public enum State: UInt8, Sendable, BitwiseCopyable {
    /// Nothing has been done.
    case idle
    /// What it pays is taken from the accounts, and comes back if the transfer aborts.
    case held
    /// Carried out; nothing is left to do.
    case done
    /// It could not be done: too little money, a lock, an account that has moved.
    case refused
    /// It was held, and given back.
    case released
  }

  public var transfer: UInt32
  public var shard: UInt16
  /// Some of its legs pay.
  public var pays: Bool
  public var state = State.idle
  public var firstLeg: UInt32
  public var legs: UInt16
}

/// A transfer between accounts, as a client asks for it. One that is tried again is a new one.
public struct Transfer: Sendable, BitwiseCopyable, Equatable {
  public enum Fate: UInt8, Sendable, BitwiseCopyable {
    case open, committed, aborted
  }

  public var firstPart: UInt32
  /// Parts, of which the first `payingParts` pay; in each group by shard.
  public var parts: UInt16
  public var payingParts: UInt16
  /// The host of its client, and its number there. Several attempts have the same.
  public var host: UInt16
  public var number: UInt32
  /// 1 for the first.
  public var attempt: UInt16
  /// Nobody pays: an account moves from the shard of its first part to that of its second.
  public var isMove = false
  /// With a broker: the last slot of the receiver's shard in which it may pay.
  public var deadline: UInt32 = 0
  /// What has become of it, as the shards' chains say; the observer's.
  public internal(set) var fate = Fate.open
}

/// All transfers of a run with their parts and legs. Each is known to whom a message brought it;
/// here they stand once for all.
public struct Transfers: Sendable {
  public private(set) var all: [Transfer] = []
  public internal(set) var parts: [Part] = []
  public internal(set) var legs: [Leg] = []
  private var order: [Int] = []

  public init() {}

  public mutating func reserve(_ transfers: Int, legsEach: Int) {
    all.reserveCapacity(transfers)
    parts.reserveCapacity(transfers * legsEach)
    legs.reserveCapacity(transfers * legsEach)
  }

  /// Adds a transfer and returns its index.
  ///
  /// - Parameters:
  ///   - legs: on distinct accounts, their amounts summing to 0; at least one.
  ///   - home: the shard of an account.
  @discardableResult
  public mutating func add(
    _ legs: [Leg], host: Int, number: Int, attempt: Int = 1, home: (AccountID) -> Int
  ) -> Int {
    precondition(!legs.isEmpty && legs.reduce(0) { $0 + $1.amount } == 0, "legs that do not add up")
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: legs.indices)
    // Few: insertion keeps the order of equal ones, and allocates nothing.
    for i in order.indices.dropFirst() {
      var k = i
      while k > 0, home(legs[order[k]].account) < home(legs[order[k - 1]].account) {
        order.swapAt(k, k - 1)
        k -= 1
      }
    }
    let transfer = all.count
    let firstPart = parts.count
    var paying = 0
    for pays in [true, false] {
      var i = 0
      while i < order.count {
        let shard = home(legs[order[i]].account)
        var end = i
        var somePay = false
        while end < order.count, home(legs[order[end]].account) == shard {
          if legs[order[end]].amount < 0 { somePay = true }
          end += 1
        }
        if somePay == pays {
          parts.append(
            Part(
              transfer: UInt32(transfer), shard: UInt16(shard), pays: pays,
              firstLeg: UInt32(self.legs.count), legs: UInt16(end - i)))
          for k in i..<end { self.legs.append(legs[order[k]]) }
          if pays { paying += 1 }
        }
        i = end
      }
    }
    all.append(
      Transfer(
        firstPart: UInt32(firstPart), parts: UInt16(parts.count - firstPart),
        payingParts: UInt16(paying), host: UInt16(host), number: UInt32(number),
        attempt: UInt16(attempt)))
    return transfer
  }

  /// Adds the move of `account` between shards and returns its index.
  @discardableResult
  public mutating func addMove(_ account: AccountID, from: Int, to: Int, host: Int) -> Int {
    let first = parts.count
    for shard in [from, to] {
      parts.append(
        Part(
          transfer: UInt32(all.count), shard: UInt16(shard), pays: shard == from,
          firstLeg: UInt32(legs.count), legs: 1))
      legs.append(Leg(account: account, amount: 0))
    }
    all.append(
      Transfer(
        firstPart: UInt32(first), parts: 2, payingParts: 1, host: UInt16(host), number: .max,
        attempt: 1, isMove: true))
    return all.count - 1
  }

  public var count: Int { all.count }
  public subscript(transfer: Int) -> Transfer {
    get { all[transfer] }
    set { all[transfer] = newValue }
  }

  /// Indices of the parts of `transfer`.
  public func parts(of transfer: Int) -> Range<Int> {
    let first = Int(all[transfer].firstPart)
    return first..<first + Int(all[transfer].parts)
  }

  /// Those that pay: they stand first.
  public func payingParts(of transfer: Int) -> Range<Int> {
    let first = Int(all[transfer].firstPart)
    return first..<first + Int(all[transfer].payingParts)
  }

  /// Those that only receive.
  public func receivingParts(of transfer: Int) -> Range<Int> {
    let first = Int(all[transfer].firstPart)
    return first + Int(all[transfer].payingParts)..<first + Int(all[transfer].parts)
  }

  public func legs(of part: Int) -> Range<Int> {
    let first = Int(parts[part].firstLeg)
    return first..<first + Int(parts[part].legs)
  }

  /// Whether `transfer` touches more than one shard.
  public func isCrossShard(_ transfer: Int) -> Bool { all[transfer].parts > 1 }
}
