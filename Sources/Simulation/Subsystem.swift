import Kernel
import Machines
import Metrics

/// A part of the simulated world with roles of its own: a chain, a population of clients, a store.
///
/// The boundary between subsystems is the one place of dynamic dispatch. Each is a class around one
/// value; `copy()` copies that value, so a run can be copied between any two events.
open class Subsystem {
  /// Index in the run; 0 is the world itself.
  public let index: UInt16
  public let name: String

  public init(index: UInt16, name: String) {
    self.index = index
    self.name = name
  }

  /// Schedules what happens by itself. Called once, in order of index, at time 0.
  open func start(_ world: inout World) {}

  /// An event of this subsystem has come up.
  open func handle(_ event: Event, _ world: inout World) {
    preconditionFailure("\(name) handles no events")
  }

  /// A step that waited for its lane is served: at `world.now`.
  open func serve(_ event: Event, _ world: inout World) {
    preconditionFailure("\(name) has no lane")
  }

  /// `node` has stopped; what its roles had not sent is gone.
  open func nodeCrashed(_ node: NodeID, _ world: inout World) {}

  /// `node` is up again.
  open func nodeRestarted(_ node: NodeID, keepsDisk: Bool, _ world: inout World) {}

  /// Role `role` goes to another node with what it has on disk; `nil`: nobody has it for now.
  open func rehost(_ role: Int, on place: Rehosting.Place?, _ world: inout World) {
    preconditionFailure("\(name) has no roles that move")
  }

  /// What a message to this subsystem is called in diagrams.
  open func label(of event: Event) -> String { name }

  /// The node that hosts what this subsystem calls its proposer now, for `crash: leader`.
  open func proposerNode(_ world: borrowing World) -> NodeID? { nil }

  /// Crashes that it will ask for when their moment has come; see `Adversary`.
  open var plannedCrashes: Int { 0 }

  /// How far it has come, for faults that wait for it; nil: it has no such measure.
  open func progress(by measure: Milestone.Measure) -> Int? { nil }

  /// An independent subsystem in the same state.
  open func copy() -> Subsystem { preconditionFailure("\(name) cannot be copied") }

  /// Draws from streams of its own from now on: those of copy number `branch`; see
  /// `Simulation.branch`.
  open func branch(_ branch: UInt64) { preconditionFailure("\(name) cannot be branched") }

  /// Draws the pending waiting times of its lotteries anew, which must be memoryless.
  open func renewLotteries(_ world: inout World) {
    preconditionFailure("\(name) has no lotteries")
  }

  /// Folds of all steps delivered so far.
  open var digest: Outcome.SubsystemDigest {
    Outcome.SubsystemDigest(subsystem: name, steps: 0, digest: 0)
  }

  /// Blocks that most nodes had decided and then left: a chain by depth may have some.
  open var reversals: Int { 0 }

  /// Blocks that a node gave up at once, at most so far; and blocks that some node would give up if
  /// another's chain won now: the depth of the deepest fork between two nodes, secret chains
  /// included.
  open var deepestReversal: Int { 0 }
  open var contestedDepth: Int { 0 }

  /// What it takes of the nodes it is billed for; empty for clients, who are not billed.
  open var occupancy: [Occupancy] { [] }

  /// The subsystem of which it is a part: messages, bytes and costs are that one's. `nil`: none.
  open var whole: UInt16? { nil }

  /// What its bill is divided by: `tx` or `record`.
  open var billedUnit: String { "tx" }

  /// What monitors that look at all of it have to say now, beside what they reported on the way.
  open func findings(_ world: borrowing World) -> [AgreementMonitor.Finding] { [] }

  /// Writes what the subsystem measured to `outcome`.
  open func report(to outcome: inout Outcome, _ world: borrowing World) {}
}

/// A role that goes to another node, as a subsystem asks for.
public struct Rehosting: Sendable, BitwiseCopyable {
  public struct Place: Sendable, BitwiseCopyable {
    public var node: NodeID
    /// Index into `Machines.lanes`.
    public var lane: Int
  }

  public var subsystem: UInt16
  public var role: Int
  public var place: Place?
}

/// What a subsystem takes of one node.
public struct Occupancy: Sendable, Equatable {
  public var node: NodeID
  /// Processor time that its roles on the node have spent, as on the reference machine.
  public var processor: SimDuration
  /// Bytes it keeps on the node's disk.
  public var stored: Int

  public init(node: NodeID, processor: SimDuration, stored: Int) {
    self.node = node
    self.processor = processor
    self.stored = stored
  }
}

/// Events by which subsystems meet. Kinds from `ownKinds` on belong to each subsystem alone.
public enum Boundary {
  /// To a chain: client requests. `payload`: see `Submission`.
  public static let submit: UInt16 = 0
  /// To a population or store: a chain's reply. `payload`: see `Reply`.
  public static let reply: UInt16 = 1
  /// To an executor: its replica has executed up to a slot. Payload: slot, whom it takes for the
  /// proposer.
  public static let executed: UInt16 = 2
  /// First kind that a subsystem may use as it likes.
  public static let ownKinds: UInt16 = 16
}
