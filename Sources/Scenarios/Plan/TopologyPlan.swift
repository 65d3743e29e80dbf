import Kernel
import Networking

/// Who is a neighbour of whom.
public enum TopologyPlan: Sendable {
  case fullMesh
  case randomRegular(degree: Int)
  case smallWorld(neighbours: Int, rewiring: Double)
  case outbound(OutboundDegrees)
  case edges(Topology)

  /// - Parameter stream: the run's, for random links.
  func make(nodes: Int, using stream: inout RandomStream) throws(TopologyError) -> Topology {
    switch self {
    case .fullMesh: .fullMesh(nodes)
    case .randomRegular(let degree): try .randomRegular(nodes, degree: degree, using: &stream)
    case .smallWorld(let neighbours, let rewiring):
      try .smallWorld(nodes, k: neighbours, beta: rewiring, using: &stream)
    case .outbound(let degrees): try .outbound(nodes, degrees: degrees, using: &stream)
    case .edges(let topology): topology
    }
  }
}

extension TopologyPlan {
  static func read(_ section: Section, nodes: Int, folder: String) throws -> TopologyPlan {
    let plan: TopologyPlan = try section.variant(
      "topology", default: "random-regular",
      [
        Alternative("full-mesh", "everybody with everybody", section: { _ in .fullMesh }),
        Alternative(
          "random-regular", "every node has as many links",
          section: {
            .randomRegular(
              degree: $0.count(
                "degree", default: 8, in: 1...100_000, "links of a node; less in small networks",
                source: "Bitcoin Core opens 8 full outbound links"))
          }),
        Alternative(
          "small-world", "a ring with shortcuts (Watts and Strogatz, 1998)",
          section: {
            .smallWorld(
              neighbours: $0.count("neighbours", in: 2...100_000, "links in the ring, even"),
              rewiring: $0.fraction("rewiring", "share of links that go elsewhere"))
          }),
        Alternative(
          "outbound", "each node opens links, as many as measured",
          section: { outbound in
            let table = outbound.dataTable(
              "degrees", family: "degrees", default: "bitcoin-2015", folder: folder,
              "table of outbound links", source: "Miller et al. 2015, as in SimBlock"
            ) { file throws(DataError) in try DegreeTable(file) }
            let assignment = outbound.choice(
              "assignment", of: OutboundDegrees.Assignment.self, default: .quota,
              "how the table becomes a number for each node")
            let degrees = try? OutboundDegrees(
              cumulative: table?.cumulative ?? [1], assignment: assignment)
            return degrees.map { .outbound($0) } ?? .fullMesh
          }),
        Alternative(
          "edges", "a list of links from a file: a row 'from,to' each",
          value: { section, key in
            let graph = section.dataTable(
              key, family: "edges", folder: folder, "path of a CSV of links"
            ) { file throws(DataError) in
              do throws(TopologyError) {
                return try Topology(csv: file.text, nodes: nodes)
              } catch {
                throw DataError(file: file.name, line: error.line, error.description)
              }
            }
            return graph.map { .edges($0) } ?? .fullMesh
          }),
      ], "who is a neighbour of whom")
    return plan.fitted(to: nodes, section)
  }

  /// The degree of a random regular network cannot exceed what the nodes allow; what else cannot be
  /// built is a mistake, which a trial shows.
  private func fitted(to nodes: Int, _ section: Section) -> TopologyPlan {
    var plan = self
    if case .randomRegular(let degree) = self, degree >= nodes - 1 { plan = .fullMesh }
    guard nodes >= 2 else { return plan }
    var stream = RandomStream(seed: 0, purpose: "trial of a topology")
    if nodes <= 20_000 {
      do throws(TopologyError) {
        _ = try plan.make(nodes: nodes, using: &stream)
      } catch {
        section.fail("topology", error.description)
        return .fullMesh
      }
    }
    return plan
  }
}
