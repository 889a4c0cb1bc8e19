import ArgumentParser
import Glibc

/// `outrigger-bench replay`: what it costs to replay recordings against each other.
struct ReplayBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "What a replay of recordings costs: trace pairs per CPU-second, memory, and beside Python.",
        discussion: """
            Both recordings hold the same traces; in about one of fifty the candidate's tool calls differ. The peer in Python \
            judges one recording by the sample's rules, without any comparison of tool calls.
            """)

    @Option(help: "Traces in each recording.") var traces = 100_000
    @Option(help: "Measured runs of each command.") var repeats = 5
    @Option(help: "Traces that Python gets.") var pythonTraces = 20_000
    @Flag(help: "Without the comparison with Python.") var skipPython = false
    @Flag(help: "Only a live replay: 100 runs at once of an agent that answers after 50 ms.") var live = false
    @Option(help: "Runs of the live replay.") var liveRuns = 20_000
    @Flag(help: "Also replay recordings of about 2 GB, for the memory.") var large = false

    mutating func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        if live { return try measureLive(bench) }
        let (baseline, candidate) = try files(bench, traces)
        print("\(traces) traces, \(Bench.size(of: baseline) / 1_000_000) MB each; median of \(repeats)\n")
        print("                                pairs/CPU-s    CPU-s   wall s   peak MB")
        let budgets = ["--max-latency-ms", "9000", "--max-cost-tokens", "9000"]
        let other = ["--candidate", "recorded:\(candidate)"]
        let cases: [(name: String, flags: [String])] = [
            ("a recording against itself", []),
            ("the same, JSON report", ["--json"]),
            ("two recordings, full diff", other),
            ("two recordings, JSON report", other + ["--json"]),
        ]
        var results = Array(repeating: [Measurement](), count: cases.count)
        for _ in 0..<repeats {
            for i in cases.indices { results[i].append(try bench.replay(baseline, budgets + cases[i].flags)) }
        }
        for (test, results) in zip(cases, results) {
            let cpu = results.map(\.cpuSeconds).median
            let columns = [
                Bench.rounded(Double(traces) / cpu, 0), Bench.rounded(cpu, 2), Bench.rounded(results.map(\.wallSeconds).median, 2),
                Bench.rounded(Double(results.map(\.peakMemory).max() ?? 0) / 1000, 1),
            ]
            let text = zip(columns, [12, 9, 9, 10]).map { String(repeating: " ", count: max(0, $1 - $0.count)) + $0 }.joined()
            print(test.name + String(repeating: " ", count: max(1, 31 - test.name.count)) + text)
        }
        if large { try measureMemory(bench, budgets) }
        if !skipPython { try comparePython(bench, results.map { Double(traces) / $0.map(\.cpuSeconds).median }) }
    }

    /// The rate of runs beside the ideal one, which is that of an engine that costs nothing: the time includes the start of
    /// the command, which is why there are many runs.
    private func measureLive(_ bench: Bench) throws {
        let (concurrency, delay) = (100, 50)
        let file = "\(bench.folder)/runs.jsonl"
        var generator = TraceGenerator(seed: 7)
        _ = try generator.write(liveRuns, to: file)
        let ideal = Double(concurrency) * 1000 / Double(delay)
        let results = try bench.withAgent(delay: delay) { url in
            try (0..<max(1, repeats)).map { _ in
                try bench.replay(file, ["--candidate", url, "--concurrency", "\(concurrency)", "--fail-on", "none", "--quiet"])
            }
        }
        let wall = results.map(\.wallSeconds).median
        let rate = Double(liveRuns) / wall
        print("\(liveRuns) live runs, \(concurrency) at once, an agent that answers after \(delay) ms; median of \(results.count)\n")
        print("  \(Bench.rounded(rate, 0)) runs/s, \(Bench.rounded(100 * rate / ideal, 1)) % of the ideal \(Bench.rounded(ideal, 0))")
        print("  \(Bench.rounded(results.map(\.cpuSeconds).median * 1e6 / Double(liveRuns), 0)) µs of CPU a run, "
            + "\(Bench.rounded(Double(results.map(\.peakMemory).max() ?? 0) / 1000, 1)) MB at most")
    }

    private func files(_ bench: Bench, _ count: Int) throws -> (String, String) {
        let (baseline, candidate) = ("\(bench.folder)/runs.jsonl", "\(bench.folder)/candidate.jsonl")
        var generator = TraceGenerator(seed: 7)
        _ = try generator.write(count, to: baseline)
        generator = TraceGenerator(seed: 7, isCandidate: true)
        _ = try generator.write(count, to: candidate)
        return (baseline, candidate)
    }

    private func measureMemory(_ bench: Bench, _ budgets: [String]) throws {
        print("\npeak memory by size of each recording")
        for count in [20_000, 2_000_000] {
            let (baseline, candidate) = try files(bench, count)
            let result = try bench.replay(baseline, budgets + ["--candidate", "recorded:\(candidate)"])
            print("  \(Bench.size(of: baseline) / 1_000_000) MB: \(Bench.rounded(Double(result.peakMemory) / 1000, 1)) MB")
        }
    }

    private func comparePython(_ bench: Bench, _ own: [Double]) throws {
        let file = "\(bench.folder)/python.jsonl"
        var generator = TraceGenerator(seed: 7)
        _ = try generator.write(pythonTraces, to: file)
        var rates: [Double] = []
        for _ in 0..<max(1, repeats / 2) {
            let result = try Measurement.run(["python3", "Sources/outrigger-bench/Peers/python_replay.py", file])
            guard result.status == 0 else { throw BenchError("the Python peer failed; run the benchmark at the top of the repository") }
            rates.append(Double(pythonTraces) / result.cpuSeconds)
        }
        let rate = rates.median
        print("\nPython's json module and the sample's rules, JSON report: \(Bench.rounded(rate, 0)) traces/CPU-s")
        print("  outrigger with the JSON report: \(Bench.rounded(own[1] / rate, 1)) times as many, \(Bench.rounded(own[3] / rate, 1)) times with two recordings")
    }
}
