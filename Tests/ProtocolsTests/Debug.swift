import Kernel
import Testing
import Simulation
@Suite struct DebugTests {
  @Test(.disabled()) func lanes() {
    var run = PBFTDeterminismTests.run(seed: 1)
    print("TR MODE quick"); _ = PBFTDeterminismTests.digests(run)
    run.usesReferenceLanes = true
    print("TR MODE reference"); _ = PBFTDeterminismTests.digests(run)
  }
}
