import ArgumentParser
import Glibc

/// Whether a sidecar that is half busy for long keeps its memory and its descriptors: what grows by a little with each
/// request shows after minutes.
struct SoakBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak", abstract: "The sidecar at half its load: memory and descriptors by the minute. Needs nginx and wrk.")

    @Option(help: "Minutes of load.") var minutes = 15

    private static let connections = 64
    /// What the last minutes may be above the first ones. The allocator's arenas, the spool's table of records and the page
    /// cache that is mapped make it swing by some megabytes.
    private static let memorySwing = 8.0
    /// Idle connections to the upstream are kept for a while: at most one for each of the clients'. A leak of one in a thousand
    /// requests would be hundreds by the minute.
    private static let descriptorSwing = Double(connections)

    func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        let stage = try ServeStage(bench)
        defer { stage.stop() }
        let sidecar = stage.sidecar
        let peak = try stage.load(sidecar.port, connections: Self.connections, seconds: 5).rate
        // Each connection waits as long again as an answer takes under full load.
        let pause = max(1, Int((Double(Self.connections) / peak * 1000).rounded()))
        print("at most \(Bench.rounded(peak, 0)) requests/s; \(Bench.rounded(stage.idleMemory, 1)) MB idle")
        var samples: [(memory: Double, descriptors: Double)] = []
        for minute in 1...max(1, minutes) {
            let load = try stage.load(sidecar.port, connections: Self.connections, seconds: 60, pause: pause)
            // What the load opened is closed again.
            sleep(1)
            let descriptors = Self.descriptors(of: sidecar.id)
            samples.append((sidecar.memory, Double(descriptors)))
            print("minute \(minute): \(Bench.rounded(load.rate, 0)) requests/s, \(Bench.rounded(sidecar.memory, 1)) MB, \(descriptors) descriptors")
        }
        // The first minute warms up; of the rest the first third is held against the last.
        let settled = samples.dropFirst()
        guard settled.count > 1 else { return print("too short to say whether it is flat: 3 minutes are the least") }
        let third = max(1, settled.count / 3)
        func growth(_ value: (Double, Double) -> Double) -> Double {
            settled.suffix(third).map(value).median - settled.prefix(third).map(value).median
        }
        let (memory, descriptors) = (growth { memory, _ in memory }, growth { _, descriptors in descriptors })
        let isFlat = memory <= Self.memorySwing && descriptors <= Self.descriptorSwing
        print("from the first third to the last: \(Bench.rounded(memory, 1)) MB and \(Bench.rounded(descriptors, 0)) descriptors more: "
            + (isFlat ? "flat" : "NOT FLAT"))
        if !isFlat { throw ExitCode(1) }
    }

    private static func descriptors(of process: pid_t) -> Int {
        guard let directory = opendir("/proc/\(process)/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count - 2
    }
}
