import Scenarios
import Testing

/// What a scenario must not say of validators that enter and leave.
@Suite("Gasper: bad input")
struct GasperSettingsTests {
  static func complaint(_ settings: String) -> String {
    let text = """
      tributary: 1
      name: gasper
      until: 1 h
      network: { delay: 50 ms, nodes: 4 }
      machines: { cpu: ideal, costs: free }
      chains:
        - name: main
          consensus:
            gasper: { validators: 256, topology: full-mesh, blocks: flood, \(settings) }
      """
    do {
      _ = try Scenario(text: text)
      return ""
    } catch { return error.description }
  }

  @Test(
    "is refused with what is wrong",
    arguments: [
      ("leavers: 4, leavers-at: 900 s", "the service of validators is over, at 98304 s"),
      ("leavers: 300", "leavers are more than validators"),
      ("least-churn: 300", "most-churn is less than least-churn"),
      ("least-churn: 31", "(allowed: 32"),
      ("entrants: -1", "entrants: -1"),
      ("entrants-every: 2 h", "entrants-every: 2 h: is out of range"),
      ("entrant: 5", "did you mean 'entrants'?"),
      ("deposits-per-epoch: 0", "deposits-per-epoch: 0: is out of range"),
    ])
  func refused(settings: String, complaint: String) {
    #expect(Self.complaint(settings).contains(complaint), "\(Self.complaint(settings))")
  }

  @Test("is taken if nothing is wrong")
  func taken() {
    #expect(Self.complaint("relays: valid, entrants: 3, entrants-at: 10 s") == "")
    #expect(Self.complaint("relays: valid, leavers: 3, service: 2, leavers-at: 768 s") == "")
  }
}
