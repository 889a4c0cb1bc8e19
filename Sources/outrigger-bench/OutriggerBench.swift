import ArgumentParser
import Glibc

@main
struct OutriggerBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outrigger-bench",
        abstract: "What a backfill costs: spans per CPU-second, memory, and beside the Python OpenTelemetry SDK.",
        discussion: """
            Each figure is the median of several runs of the whole command, CPU time as the operating system counts it. \
            Machines are noisy: compare the figures of one run of this benchmark with each other, not with another day's.
            """)

    @Option(help: "Runs in the generated file.") var runs = 100_000
    @Option(help: "Measured runs of each command.") var repeats = 5
    @Option(help: "Runs that the Python SDK gets, which is slow.") var pythonRuns = 3_000
    @Option(help: "Python with opentelemetry-sdk and the OTLP/HTTP exporter.") var python = ".build-venv/bin/python"
    @Flag(help: "Without the comparison with Python.") var skipPython = false
    @Flag(help: "Also read a file of about 2 GB, for the memory.") var large = false
    @Option(help: .hidden) var sink: String?

    mutating func run() throws {
        if let sink { return try Sink.serve(portFile: sink) }
        let bench = try Bench()
        defer { bench.stop() }
        let file = "\(bench.folder)/runs.jsonl"
        var generator = TraceGenerator(seed: 7)
        let spans = try generator.write(runs, to: file)
        print("\(runs) runs, \(spans) spans, \(Bench.size(of: file) / 1_000_000) MB; median of \(repeats)\n")
        print("                          spans/CPU-s    CPU-s   wall s   peak MB")

        // One after the other in rounds, so that a change of the machine's mood hits all of them.
        let cases: [(name: String, flags: [String], processors: [Int]?)] = [
            ("uncompressed", [], nil),
            ("gzip", ["--compression", "gzip"], nil),
            ("uncompressed, one core", [], [0]),
            ("uncompressed, two cores", [], [0, 1]),
            ("reading and mapping only", ["--dry-run"], nil),
        ]
        var results = Array(repeating: [Measurement](), count: cases.count)
        for _ in 0..<repeats {
            for (i, test) in cases.enumerated() { results[i].append(try bench.backfill(file, test.flags, test.processors)) }
        }
        for (i, test) in cases.enumerated() { report(test.name, spans, results[i]) }
        let ratio = results[2].map(\.wallSeconds).median / results[3].map(\.wallSeconds).median
        print("\ntwo cores: \(Bench.rounded(ratio, 2)) times the throughput of one")

        if large { try measureMemory(bench) }
        if !skipPython { try comparePython(bench, Double(spans) / results[0].map(\.cpuSeconds).median) }
    }

    private func report(_ name: String, _ spans: Int, _ results: [Measurement]) {
        let cpu = results.map(\.cpuSeconds).median
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

/// The place, the sink and the commands of one benchmark.
struct Bench {
    let folder: String
    let endpoint: String
    private let sink: pid_t
    private let outrigger: String

    init() throws {
        var template = Array("/tmp/outrigger-bench.XXXXXX".utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) else {
            throw BenchError("cannot make a temporary folder")
        }
        let folder = String(cString: made)
        self.folder = folder
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        outrigger = own.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/outrigger"
        guard access(outrigger, X_OK) == 0 else { throw BenchError("\(outrigger) is missing: swift build -c release") }
        sink = try Measurement.spawn([own, "--sink", "\(folder)/port"])
        var port: Int?
        for _ in 0..<500 where port == nil {
            usleep(10_000)
            port = Self.text(of: "\(folder)/port").flatMap { $0.hasSuffix("\n") ? Int($0.dropLast()) : nil }
        }
        guard let port else { throw BenchError("the sink does not listen") }
        endpoint = "http://127.0.0.1:\(port)"
    }

    func stop() {
        kill(sink, SIGKILL)
        for name in ["port", "runs.jsonl", "python.jsonl", "python.json", "memory.jsonl"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    func backfill(_ file: String, _ flags: [String], _ processors: [Int]?) throws -> Measurement {
        let result = try Measurement.run([outrigger, "backfill", file, "--endpoint", endpoint, "--quiet"] + flags, processors: processors)
        guard result.status == 0 else { throw BenchError("the backfill ended with status \(result.status)") }
        return result
    }

    static func size(of path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : 0
    }

    static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    static func number(_ key: String, in path: String) -> Double? {
        guard let text = text(of: path), let after = text.components(after: "\"\(key)\":") else { return nil }
        return Double(String(after.drop { $0 == " " }.prefix { $0.isNumber || $0 == "." }))
    }

    static func rounded(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "-" }
        if digits == 0 { return String(Int(value.rounded())) }
        let scale = (0..<digits).reduce(1.0) { result, _ in result * 10 }
        let whole = Int((value * scale).rounded())
        let fraction = String(whole % Int(scale))
        return "\(whole / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}

extension String {
    fileprivate func components(after mark: String) -> Substring? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(mark) { return self[start...].dropFirst(mark.count) }
            start = index(after: start)
        }
        return nil
    }
}
