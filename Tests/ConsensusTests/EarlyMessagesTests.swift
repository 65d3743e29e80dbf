import Consensus
import Testing

@Suite("Messages before their time")
struct EarlyMessagesTests {
  private func early(_ messages: [Int], room: Int = 16) -> EarlyMessages<Int> {
    var early = EarlyMessages<Int>(room: room)
    for (k, message) in messages.enumerated() { early.keep(message, from: ReplicaID(k)) }
    return early
  }

  /// Where the replica is, and a message that takes it one further: its own number.
  private func replay(_ early: inout EarlyMessages<Int>, at place: inout Int) -> [Int] {
    var taken: [Int] = []
    while true {
      let now = place
      guard
        let next = early.next({ $0 < now ? .past : $0 == now ? .present : .future })
      else { return taken }
      taken.append(next.message)
      place += 1
    }
  }

  @Test("those whose time has come are taken in the order of arrival, with their senders")
  func order() {
    var early = early([7, 5, 9, 5, 7, 5])
    var senders: [UInt32] = []
    while let next = early.next({ $0 == 5 ? .present : .future }) {
      senders.append(next.sender.index)
    }
    #expect(senders == [1, 3, 5])
    while let next = early.next({ $0 == 7 ? .present : .future }) {
      senders.append(next.sender.index)
    }
    #expect(senders == [1, 3, 5, 0, 4])
    #expect(!early.isEmpty, "9 is of the future")
  }

  @Test("what is taken may make the time of those come that arrived before it")
  func passes() {
    var early = early([4, 3, 2, 1])
    var place = 1
    #expect(replay(&early, at: &place) == [1, 2, 3, 4])
    #expect(early.isEmpty)
  }

  @Test("what is past is dropped, what is of the future stays")
  func past() {
    var early = early([1, 2, 8, 3, 2])
    var place = 2
    // The second 2 is past when its turn comes.
    #expect(replay(&early, at: &place) == [2, 3])
    #expect(place == 4)
    #expect(!early.isEmpty)
    place = 8
    #expect(replay(&early, at: &place) == [8])
    #expect(early.isEmpty)
  }

  @Test("what comes while others are taken is kept behind them, as far as there is room")
  func keeping() {
    var early = early([1, 5, 5], room: 3)
    func one() -> Int? { early.next { $0 == 1 ? .present : .future }?.message }
    #expect(one() == 1)
    early.keep(1, from: ReplicaID(9))
    #expect(one() == nil, "there was no room")
    early.keep(1, from: ReplicaID(9))
    early.keep(1, from: ReplicaID(9))
    var count = 0
    while one() != nil { count += 1 }
    #expect(count == 1)
    while early.next({ _ in .present }) != nil { count += 1 }
    #expect(count == 3)
  }
}
