import AgentRuns
import ArgumentParser
import Glibc
import Ledger

/// What the audit ledger costs: writing it, looking something up, and verifying all of it.
struct LedgerBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The audit ledger: written, listed, verified.")

    @Option(help: "Entries of the ledger that is listed and verified.") var entries = 1_000_000
    @Option(help: "Intents that wait at once when group commit is measured.") var concurrent = 64
    @Option(help: "Seconds of that measurement.") var seconds = 5
    @Option(help: "Measurements of reading; the median counts.") var repeats = 5
    @Option(help: "Where to put the ledger; a folder on the disk that is meant.") var folder = "/tmp"

    func run() async throws {
        var template = Array("\(folder)/outrigger-ledger.XXXXXX".utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) else {
            throw BenchError("cannot make a temporary folder")
        }
        let place = String(cString: made)
        defer {
            for name in ["group.db", "large.db"] {
                for suffix in ["", "-wal", "-shm", ".lock", ".checkpoints"] { unlink("\(place)/\(name)\(suffix)") }
            }
            rmdir(place)
        }
        try await intents("\(place)/group.db")
        try await large("\(place)/large.db")
    }

    private func configuration(_ path: String) throws -> LedgerConfiguration {
        guard let key = SigningKey([UInt8](repeating: 1, count: 32)) else { throw BenchError("no key") }
        return LedgerConfiguration(
            path: path, digestKey: [UInt8](repeating: 2, count: 32), signingKey: key, checkpointFile: "\(path).checkpoints")
    }

    static func record(_ i: Int) -> LedgerRecord {
        var entry = LedgerEntry(.call, time: 1_790_000_000_000_000_000 + UInt64(i) * 1_000_000)
        entry.traceID = TraceID(high: UInt64(i / 5) &* 0x9E37_79B9_7F4A_7C15, low: UInt64(i / 5) &* 0xBF58_476D_1CE4_E5B9 | 1)
        entry.spanID = SpanID(UInt64(i) &* 0x94D0_49BB_1331_11EB)
        entry.runID = "run-\(i / 5)"
        entry.requestID = "req-\(i / 5)"
        entry.arm = i % 10 == 0 ? .candidate : .baseline
        entry.mode = .canary
        entry.agent = "airline-support"
        entry.releaseVersion = i % 10 == 0 ? "v13" : "v12"
        entry.releaseDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        entry.rolloutRevision = 12
        entry.tool = ["lookup_booking", "search_flights", "change_booking", "issue_refund", "check_fare_rules"][i % 5]
        entry.effect = i % 5 == 3 ? .write : .read
        entry.verdict = i % 1000 == 0 ? .refused : .allowed
        entry.duration = 120_000_000
        entry.outcome = .success
        return LedgerRecord(
            entry, arguments: .init(Array(#"{"reference":"K3DEGZ","n":\#(i)}"#.utf8)),
            result: .init(Array(#"{"status":"confirmed"}"#.utf8)))
    }

    private func intents(_ path: String) async throws {
        let writer = try LedgerWriter(try configuration(path))
        let deadline = ContinuousClock.now + .seconds(seconds)
        let start = ContinuousClock.now
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<max(1, concurrent) {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < deadline {
                        let number = try await writer.begin(Self.record(count))
                        writer.complete(number, Self.record(count))
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let took = (ContinuousClock.now - start) / .seconds(1)
        try await writer.flush()
        let written = writer.health.written
        try await writer.close()
        print(
            "intents, \(concurrent) at once: \(Bench.rounded(Double(counts) / took, 0))/s durable "
                + "(\(Bench.rounded(Double(written) / took, 0)) entries/s with their completions)")
    }

    private func large(_ path: String) async throws {
        let start = ContinuousClock.now
        do {
            let ledger = try LedgerMaintenance(try configuration(path))
            for first in stride(from: 0, to: entries, by: 4096) {
                try ledger.append((first..<min(entries, first + 4096)).map(Self.record))
            }
            _ = try ledger.checkpoint()
        }
        let took = (ContinuousClock.now - start) / .seconds(1)
        let bytes = Bench.size(of: path)
        print(
            "\(entries) entries: written at \(Bench.rounded(Double(entries) / took, 0))/s in transactions of 4096, "
                + "\(Bench.rounded(Double(bytes) / Double(entries), 0)) bytes each with the indexes")
        let reader = try LedgerReader(path)
        var filters: [(String, LedgerFilter)] = []
        func filter(_ name: String, _ change: (inout LedgerFilter) -> Void) {
            var filter = LedgerFilter()
            change(&filter)
            filters.append((name, filter))
        }
        let middle = Self.record(entries / 2).entry
        filter("none") { _ in }
        filter("tool") { $0.tool = "issue_refund" }
        filter("verdict") { $0.verdict = .refused }
        filter("arm and tool") {
            $0.arm = .candidate
            $0.tool = "lookup_booking"
        }
        filter("release") { $0.release = "v13" }
        filter("agent, none such") { $0.agent = "nobody" }
        filter("trace") { $0.traceID = middle.traceID }
        filter("request") { $0.requestID = middle.requestID }
        filter("a time long ago") {
            $0.since = Self.record(entries / 10).entry.time
            $0.until = Self.record(entries / 10 + 500).entry.time
        }
        for (name, filter) in filters {
            let times = try (0..<max(1, repeats)).map { _ in try Self.time { _ = try reader.entries(filter, .init(limit: 50)) }
            }
            print("  list, \(name): \(Bench.rounded(times.median * 1000, 2)) ms")
        }
        let statistics = try Self.time { _ = try reader.statistics(LedgerFilter()) }
        print("  stats of all: \(Bench.rounded(statistics, 2)) s")
        let key = try configuration(path).signingKey?.publicKey
        let times = try (0..<max(1, repeats)).map { _ in
            try Self.time {
                let result = try LedgerVerifier(publicKey: key, checkpointFile: "\(path).checkpoints").verify(path)
                guard result.isGood, result.entries == entries else {
                    throw BenchError("not verified: \(String(describing: result.finding))")
                }
            }
        }
        print("  verify: \(Bench.rounded(Double(entries) / times.median, 0)) entries/s")
    }

    private static func time(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
