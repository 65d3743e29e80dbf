import Kernel
import Machines
import Protocols
import Simulation
import Testing
import Glibc

@Suite(.serialized) struct SpeedTests {
  @Test(arguments: [32]) func speed(n: Int) {
    var run = PBFTRun()
    run.n = n
    run.settings.pipeline = 4
    run.settings.costs.message = .microseconds(2)
    run.settings.costs.byte = 0.2
    run.settings.costs.verify = .microseconds(5)
    run.settings.costs.sign = .microseconds(5)
    run.machine = MachineSpec(processor: .init(cores: 4), uplink: 1e10, downlink: 1e10)
    run.delay = .constant(500e3)
    run.arrivals = .closed(clients: 1600, think: .constant(0))
    run.bundle = 400
    run.decisions = n == 128 ? 1000 : 1000 * 128 / n
    let s = run.start()
    var a = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a)
    s.run()
    var b = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b)
    let t = Double(b.tv_sec - a.tv_sec) + Double(b.tv_nsec - a.tv_nsec) / 1e9
    let m = s.pbft.traffic.counts.reduce(0, +)
    print("SPEED n \(n) decisions \(s.world.decisions[1]) messages \(m) cpu \(t) s, \(Double(m) / t / 1e6) M/s")
  }
}
