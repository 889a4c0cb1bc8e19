import ArgumentParser
import Glibc

/// What the sidecar costs a request, beside nginx in front of the same upstream: `wrk` is the load, all on this machine.
///
/// Each round asks the upstream directly, through nginx and through the sidecar, one after the other; the medians of the
/// rounds are compared. Routing, spans, the spool and the export are on.
struct ServeBench: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "The sidecar beside nginx: needs nginx and wrk.")

    @Option(help: "Measurements of each; the median counts.") var repeats = 5
    @Option(help: "Seconds of each measurement.") var seconds = 4
    @Option(help: "Event streams that are held open at once.") var streams = 1000
    @Flag(help: "Leave out the slow shadow and the open streams.") var ratesOnly = false
    @Flag(help: "Measure the latency at one connection alone, with all but the collector on one core.") var oneCore = false

    func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        // The collector is no part of a request's way.
        let stage = try ServeStage(bench, processors: oneCore ? [0] : nil)
        defer { stage.stop() }
        if oneCore { return try AloneCase(stage).measure(repeats: repeats, seconds: seconds) }
        var rates: [String: [Double]] = [:]
        var latencies: [String: [Double]] = [:]
        for round in 1...max(1, repeats) {
            for (name, port) in stage.targets {
                let busy = try stage.load(port, connections: 32, seconds: seconds)
                let single = try stage.load(port, connections: 1, seconds: max(1, seconds / 2))
                rates[name, default: []].append(busy.rate)
                latencies[name, default: []].append(single.median)
                print("round \(round): \(name.padded(10)) \(Bench.rounded(busy.rate, 0)) requests/s, \(Bench.rounded(single.median, 0)) µs alone")
            }
        }
        func median(_ values: [Double]?) -> Double { values?.sorted()[(values?.count ?? 1) / 2] ?? .nan }
        let nginx = median(rates["nginx"])
        let sidecar = median(rates["outrigger"])
        let direct = median(latencies["direct"])
        print("\nmedians of \(repeats), 1 kB bodies:")
        for (name, _) in stage.targets {
            print("  \(name.padded(10)) \(Bench.rounded(median(rates[name]), 0)) requests/s at 32 connections, "
                + "\(Bench.rounded(median(latencies[name]), 0)) µs at one (\(Bench.rounded(median(latencies[name]) - direct, 0)) more than direct)")
        }
        print("  outrigger has \(Bench.rounded(sidecar / nginx, 2)) of nginx's rate; resident memory: "
            + "\(Bench.rounded(stage.idleMemory, 1)) MB idle, \(Bench.rounded(stage.sidecar.memory, 1)) MB after the load")
        if !ratesOnly {
            try ShadowCase(bench, stage).measure(repeats: repeats, seconds: seconds)
            try StreamCase(bench, stage).measure(streams: streams)
        }
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
