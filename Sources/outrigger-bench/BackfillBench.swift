import ArgumentParser
import Glibc

/// `outrigger-bench backfill`: what it costs to send recorded runs as spans.
struct BackfillBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "What a backfill costs: spans per CPU-second, memory, and beside its peers.",
        discussion: """
            Each figure is the median of several runs of the whole command, CPU time as the operating system counts it. \
            Machines are noisy: compare the figures of one run of this benchmark with each other, not with another day's.
            """)

    @Option(help: "Runs in the generated file.") var runs = 100_000
    @Option(help: "Measured runs of each command.") var repeats = 5
    @Option(help: "Runs that the Python SDK gets, which is slow.") var pythonRuns = 3_000
    @Option(help: "Python with opentelemetry-sdk and the OTLP/HTTP exporter.") var python = ".build-venv/bin/python"
    @Flag(help: "Without the comparison with Python.") var skipPython = false
    @Flag(help: "Without the comparison with the prototype in C++.") var skipPrototype = false
    @Flag(help: "Also read a file of about 2 GB, for the memory.") var large = false

    mutating func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        let file = "\(bench.folder)/runs.jsonl"
        var generator = TraceGenerator(seed: 7)
        let spans = try generator.write(runs, to: file)
        print("\(runs) runs, \(spans) spans, \(Bench.size(of: file) / 1_000_000) MB; median of \(repeats)\n")
        print("                          spans/CPU-s    CPU-s   wall s   peak MB")

        let cases: [(name: String, flags: [String], processors: [Int]?)] = [
            ("uncompressed", [], nil),
            ("gzip", ["--compression", "gzip"], nil),
            ("uncompressed, one core", [], [0]),
            ("uncompressed, two cores", [], [0, 1]),
            ("reading and mapping only", ["--dry-run"], nil),
        ]
        var tests: [Test] = cases.map { test in
            Test(name: test.name) { try bench.backfill(file, test.flags, test.processors) }
        }
        let prototype = skipPrototype ? nil : PlainPrototype(in: bench.folder)
        defer { prototype?.remove() }
        if let prototype {
            for (name, gzip) in [("C++ prototype", false), ("C++ prototype, gzip", true)] {
                tests.append(Test(name: name) { try prototype.backfill(file, spans: spans, gzip: gzip, to: bench) })
            }
        }
        // One after the other in rounds, so that a change of the machine's mood hits all of them.
        for _ in 0..<repeats {
            for i in tests.indices { tests[i].results.append(try tests[i].run()) }
        }
        for test in tests { report(test, spans) }
        let scaling = tests[2].results.map(\.wallSeconds).median / tests[3].results.map(\.wallSeconds).median
        print("\ntwo cores: \(Bench.rounded(scaling, 2)) times the throughput of one")
        if prototype != nil {
            let (plain, gzip) = (tests[5].cpuSeconds / tests[0].cpuSeconds, tests[6].cpuSeconds / tests[1].cpuSeconds)
            print("beside the C++ prototype: \(Bench.rounded(plain, 2)) times the spans per CPU-second, gzip \(Bench.rounded(gzip, 2)) times")
        } else if !skipPrototype {
            print("the C++ prototype cannot be compiled here: the comparison is left out")
        }

        if large { try measureMemory(bench) }
        if !skipPython { try comparePython(bench, Double(spans) / tests[0].cpuSeconds) }
    }

    /// A command that is measured again and again.
    private struct Test {
        let name: String
        let run: () throws -> Measurement
        var results: [Measurement] = []

        init(name: String, run: @escaping () throws -> Measurement) {
            self.name = name
            self.run = run
        }

        var cpuSeconds: Double { results.map(\.cpuSeconds).median }
    }

    private func report(_ test: Test, _ spans: Int) {
        let (name, results, cpu) = (test.name, test.results, test.cpuSeconds)
        let columns = [
            Bench.rounded(Double(spans) / cpu, 0), Bench.rounded(cpu, 2), Bench.rounded(results.map(\.wallSeconds).median, 2),
            Bench.rounded(Double(results.map(\.peakMemory).max() ?? 0) / 1000, 1),
        ]
        let widths = [12, 9, 9, 10]
        let text = zip(columns, widths).map { String(repeating: " ", count: max(0, $1 - $0.count)) + $0 }.joined()
        print(name + String(repeating: " ", count: max(1, 25 - name.count)) + text)
    }

    private func measureMemory(_ bench: Bench) throws {
        print("\npeak memory by size of the input")
        for runs in [20_000, 2_000_000] {
            let file = "\(bench.folder)/memory.jsonl"
            var generator = TraceGenerator(seed: 11)
            _ = try generator.write(runs, to: file)
            let result = try bench.backfill(file, [], nil)
            print("  \(Bench.size(of: file) / 1_000_000) MB: \(Bench.rounded(Double(result.peakMemory) / 1000, 1)) MB")
            unlink(file)
        }
    }

    private func comparePython(_ bench: Bench, _ own: Double) throws {
        guard access(python, X_OK) == 0 else {
            print("\nno Python at \(python): the comparison is left out (.ci/setup --tests installs one)")
            return
        }
        let file = "\(bench.folder)/python.jsonl"
        var generator = TraceGenerator(seed: 7)
        let spans = try generator.write(pythonRuns, to: file)
        print("\nthe Python OpenTelemetry SDK, \(spans) spans, in the same minutes")
        for mode in ["direct", "bsp"] {
            var rates: [Double] = []
            for _ in 0..<max(1, repeats / 2) {
                let output = "\(bench.folder)/python.json"
                let result = try Measurement.run(
                    [python, "Sources/outrigger-bench/Peers/python_sdk.py", "--traces", file, "--endpoint", bench.endpoint + "/v1/traces", "--mode", mode],
                    output: output)
                guard result.status == 0, let rate = Bench.number("spans_per_cpu_second", in: output) else {
                    throw BenchError("the Python peer failed; is opentelemetry-sdk installed there?")
                }
                rates.append(rate)
            }
            print("  \(mode): \(Bench.rounded(rates.median, 0)) spans/CPU-s; outrigger takes \(Bench.rounded(own / rates.median, 0)) times less CPU")
        }
    }
}
