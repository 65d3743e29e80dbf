import Kernel
import Ledger
import Machines

/// A protocol that spreads blocks instead of addressing a committee: proof of work, chain-based
/// proof of stake.
///
/// A node's protocol state is a value. It says when its lottery wins, on what block to build, which
/// chain to adopt and when a block is deep enough; how blocks travel is a service. It may look only
/// at blocks that messages brought the node, all of whose ancestors it has: those it was told of,
/// and what their chains hold.
public protocol ChainProtocol: Sendable {
  /// What its messages hold beside blocks, and what follows from each block; see `ChainContent`.
  associatedtype Content: ChainContent = NoContent

  /// As it is called in a scenario file.
  static var name: String { get }

  /// Blocks off a node's chain count in its choice, so that nodes must pass on all valid blocks,
  /// adopted or not.
  static var weighsAllBlocks: Bool { get }
  /// Whether what it calls `irreversible` may never be undone, so that two nodes must not differ in
  /// it; otherwise it is only what counts as decided, by a rule of the protocol's own.
  static var decidesForGood: Bool { get }

  /// The block that the node builds on: the end of the chain it has adopted.
  var head: BlockID { get }
  /// The end of the chain that it shows to peers who ask; `head`, unless it keeps blocks back.
  var shown: BlockID { get }

  /// The node enters the run; it has genesis.
  mutating func start(at now: LocalTime, _ effects: inout ChainEffectsOf<Content>)

  /// The lottery has come up, as `effects.draw` asked for. Returns what to make, if it is a win.
  ///
  /// - Parameter template: the head of the node when the lottery came up. The node may have adopted
  ///   another since, while the result waited for the node's processor.
  mutating func upon(
    lottery template: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<Content>
  ) -> BlockDraft?

  /// The timer ran out that `effects.arm` set. Returns what to make, if there is to be a block
  /// without a lottery.
  mutating func upon(timerAt now: LocalTime, _ effects: inout ChainEffectsOf<Content>)
    -> BlockDraft?

  /// The block that was drafted has its transactions. Publish it, or keep it back.
  mutating func upon(
    made block: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<Content>)

  /// A block of another node has been received and checked, and so have all its ancestors.
  mutating func upon(
    block: BlockID, at now: LocalTime, _ effects: inout ChainEffectsOf<Content>)

  /// The node comes up again after a crash. `base`: what it starts from if it lost its disk, else
  /// nil.
  mutating func restart(
    from base: BlockID?, at now: LocalTime, _ effects: inout ChainEffectsOf<Content>)

  /// A note that is new to the node has been received and checked. Returns whether to pass it on.
  mutating func upon(
    note: Note, at now: LocalTime, _ effects: inout ChainEffectsOf<Content>
  ) -> Bool

  /// Processor time of making a block, of checking the header of `block`, and of checking a body.
  func workOfMaking(_ costs: CostSheet) -> SimDuration
  func workOfHeader(_ costs: CostSheet) -> SimDuration
  func workOfBody(of block: Block, _ costs: CostSheet) -> SimDuration
  /// The same for a block of several kinds; by default its kind does not matter.
  func workOfMaking(_ block: Block, _ costs: CostSheet) -> SimDuration
  func workOfHeader(of block: Block, _ costs: CostSheet) -> SimDuration
  /// Processor time of checking a note, ahead of the node's lane.
  func workOfNote(_ note: Note, _ effects: borrowing ChainEffectsOf<Content>) -> SimDuration

  /// Blocks from the head down, the head counted, after which a transaction counts as decided.
  var confirmations: Int { get }
  /// The newest block that votes, schedule or a rule of the protocol's own have made irreversible
  /// at this node, an ancestor of `head`: it and its ancestors count as decided, whatever their
  /// depth. nil if the protocol decides by depth; then `confirmations` rules. It may change with
  /// `head` and with the timer.
  var irreversible: BlockID? { get }
  /// The oldest block on the chain of `head` that the node may look at again; nil: none that is
  /// older than what is decided.
  var oldestNeeded: BlockID? { get }
  /// Blocks that the protocol promises never to give up; nil if it promises none.
  var rollbackLimit: Int? { get }
  /// Chains that the node did not adopt because they fork too deep, or come from the future.
  var refused: Int { get }

  /// What is to be reported of these nodes beside what every chain reports.
  static func figures(of nodes: [Self]) -> [ChainFigure]
  /// Of the blocks that the node has, oldest first, one that the paper's rule puts before `head`;
  /// nil if there is none, or if the node follows another rule. Called by a monitor.
  func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID?
  /// What a monitor that reads all nodes has to say at the end of a run: its name, and what it
  /// found.
  static func findings(
    in nodes: [Self], _ content: Content, _ blocks: BlockArena
  ) -> [(monitor: String, detail: String)]
}

extension ChainProtocol {
  public static var weighsAllBlocks: Bool { false }
  public static var decidesForGood: Bool { true }
  public var irreversible: BlockID? { nil }
  public var oldestNeeded: BlockID? { nil }
  public mutating func upon(
    timerAt now: LocalTime, _ effects: inout ChainEffectsOf<Content>
  ) -> BlockDraft? { nil }
  public func workOfMaking(_ block: Block, _ costs: CostSheet) -> SimDuration {
    workOfMaking(costs)
  }
  public func workOfHeader(of block: Block, _ costs: CostSheet) -> SimDuration {
    workOfHeader(costs)
  }
  public static func figures(of nodes: [Self]) -> [ChainFigure] { [] }
  public func preferred(among known: [BlockID], _ blocks: BlockArena) -> BlockID? { nil }
  public static func findings(
    in nodes: [Self], _ content: Content, _ blocks: BlockArena
  ) -> [(monitor: String, detail: String)] { [] }
  public func workOfNote(_ note: Note, _ effects: borrowing ChainEffectsOf<Content>)
    -> SimDuration
  { .zero }
}

extension ChainProtocol where Content == NoContent {
  /// Nobody gossips notes.
  public mutating func upon(note: Note, at now: LocalTime, _ effects: inout ChainEffects) -> Bool {
    false
  }
}

/// A figure that only one protocol has.
public struct ChainFigure: Sendable, Equatable {
  public var name: String
  public var unit: String
  public var value: Double?

  public init(_ name: String, _ unit: String, _ value: Double?) {
    self.name = name
    self.unit = unit
    self.value = value
  }
}

/// The effects of a protocol whose messages hold nothing beside blocks.
public typealias ChainEffects = ChainEffectsOf<NoContent>

/// What a node of a chain asks of the world: a buffer that is reused from step to step.
public struct ChainEffectsOf<Content: ChainContent>: Sendable {
  /// Blocks to be spread, in order.
  public internal(set) var published: [BlockID] = []
  /// Blocks to be sent to some peers only, in order.
  public internal(set) var directed: [(block: BlockID, audience: Audience)] = []
  /// Notes to be gossiped, in order.
  public internal(set) var gossiped: [(note: Note, audience: Audience)] = []
  /// When the lottery comes up next; replaces what was asked for before.
  public internal(set) var lottery: SimDuration?
  /// When the node's timer runs out; replaces what it was set to before.
  public internal(set) var timer: SimDuration?
  /// Processor time charged by the step beyond the message's own.
  public internal(set) var charged = SimDuration.zero

  /// The node's own stream: the engine exchanges it before each step.
  public var random: RandomStream
  /// All blocks; see `ChainProtocol` for what a node may look at.
  public var blocks: BlockArena
  /// What notes and blocks hold; see `ChainContent`.
  public var content = Content()
  /// Who hears of which notes.
  public var topics = TopicBook()

  public init(blocks: BlockArena, random: RandomStream) {
    self.blocks = blocks
    self.random = random
    published.reserveCapacity(64)
    gossiped.reserveCapacity(64)
  }

  /// Spreads `block`, which the node has made.
  public mutating func publish(_ block: BlockID) { published.append(block) }

  /// Sends `block`, which the node has made, to those of its peers who are in `audience`.
  public mutating func publish(_ block: BlockID, to audience: Audience) {
    directed.append((block, audience))
  }

  /// Gossips `note`, or sends it only to those peers who are in `audience`.
  public mutating func gossip(_ note: Note, to audience: Audience = .everyone) {
    gossiped.append((note, audience))
  }

  /// Lets the lottery come up `delay` from now on the node's clock, and not when it was to before.
  public mutating func draw(after delay: SimDuration) { lottery = delay }

  /// Sets the node's one timer to run out `delay` from now on its clock, and not when it was to
  /// before. It does not survive a crash.
  public mutating func arm(after delay: SimDuration) { timer = delay }

  /// The step takes `work` longer; its outputs leave after it.
  public mutating func charge(_ work: SimDuration) { charged += work }

  /// Empties the buffer; the engine calls it when it has read all.
  public mutating func clear() {
    if !published.isEmpty { published.removeAll(keepingCapacity: true) }
    if !directed.isEmpty { directed.removeAll(keepingCapacity: true) }
    if !gossiped.isEmpty { gossiped.removeAll(keepingCapacity: true) }
    lottery = nil
    timer = nil
    charged = .zero
  }
}
