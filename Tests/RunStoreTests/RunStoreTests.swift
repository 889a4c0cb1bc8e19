import AgentRuns
import Foundation
import GRDB
import RunStore
import Testing

/// A folder that goes with the test.
final class Scratch {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("outrigger-runs-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String = "runs.db") -> String { folder.appendingPathComponent(name).path }
}

extension StoredRun {
    /// A run that has a value in every field, another one for each number.
    static func sample(_ number: Int, mode: RunMode = .shadow, role: RunRole = .candidate) -> StoredRun {
        var run = StoredRun(
            traceID: TraceID(high: 0xFFFF_0000_0000_0001, low: UInt64(number + 1)), spanID: SpanID(UInt64(number + 1)), role: role, mode: mode,
            started: 1_700_000_000_000_000_000 + UInt64(number))
        run.duration = UInt64(number) * 1000
        run.requestID = "request \(number)"
        run.recordedID = "t-\(number)"
        run.replayID = "replay"
        run.agent = "agent"
        run.releaseVersion = "v\(number)"
        run.releaseDigest = "sha256:\(number)"
        run.rolloutID = "rollout"
        run.rolloutRevision = number
        run.stage = "1/2"
        run.fallback = "unreachable"
        run.status = 200
        run.outcome = "ü \(number)"
        run.errorType = "timeout"
        run.costTokens = 1.5
        run.inputTokens = 3
        run.outputTokens = 4
        run.passed = number % 2 == 0
        run.reasons = ["latency", "cost"]
        run.responseDigest = [1, 2, 3]
        run.response = "{}"
        run.isExported = false
        run.pair = .init(traceID: TraceID(high: 7, low: UInt64(number)), spanID: SpanID(9))
        run.divergence = .init(index: 4, tool: "mail", kind: "extra_tool")
        var call = Call(tool: "search", argumentsDigest: [9, 8])
        call.arguments = "{\"q\":\(number)}"
        call.verdict = "replayed"
        call.success = false
        call.duration = 77
        run.calls = [call, Call(tool: "", argumentsDigest: [])]
        run.omittedCalls = 2
        return run
    }
}

@Suite("The run store") struct RunStoreTests {
    private let scratch: Scratch
    private let path: String

    init() throws {
        scratch = try Scratch()
        path = scratch.path()
    }

    private func store(_ runs: [StoredRun], _ retention: RunStoreWriter.Retention = .init()) throws -> RunStoreWriter {
        let writer = try RunStoreWriter(path, retention)
        for run in runs { writer.add(run) }
        #expect(writer.commit())
        return writer
    }

    @Test("Every field comes back as it was, from what has all and from what has none")
    func roundTrip() throws {
        let bare = StoredRun(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3), role: .baseline, mode: .live, started: 5)
        let writer = try store([.sample(7), bare])
        let reader = try RunStoreReader(path)
        #expect(try reader.runs(ofRequest: "request 7") == [.sample(7)])
        #expect(try reader.runs(recordedAs: "t-7") == [.sample(7)])
        #expect(try reader.runs(ofTrace: bare.traceID) == [bare])
        #expect(try reader.runs(ofRequest: "request 8").isEmpty)
        #expect(try reader.runs(recordedAs: "").isEmpty)
        #expect(writer.counts.stored == 2 && writer.counts.lost == 0)
    }

    @Test("What comes again under its ids takes the place of what was there, with its calls")
    func replaced() throws {
        var again = StoredRun.sample(1)
        again.outcome = "other"
        again.calls.removeLast()
        let writer = try store([.sample(1), .sample(2), again])
        #expect(try RunStoreReader(path).runs(ofTrace: again.traceID) == [again])
        #expect(try RunStoreReader(path).overview().runs == 2)
        #expect(writer.counts.stored == 3)
    }

    @Test("A pair is found from either side, and told also without its baseline")
    func pairs() throws {
        var baseline = StoredRun.sample(1, mode: .live, role: .baseline)
        baseline.pair = nil
        var shadow = StoredRun.sample(2)
        shadow.pair = .init(traceID: baseline.traceID, spanID: baseline.spanID)
        _ = try store([baseline, shadow, .sample(3)])
        let reader = try RunStoreReader(path)
        #expect(try reader.partners(of: shadow) == [baseline])
        #expect(try reader.partners(of: baseline) == [shadow])
        var found: [RunStoreReader.Pair] = []
        try reader.forEachPair(in: .init()) { found.append($0); return true }
        #expect(found.map(\.candidate) == [.sample(3), shadow])
        #expect(found.map(\.baseline) == [nil, baseline])
        var first = 0
        try reader.forEachPair(in: .init()) { _ in first += 1; return false }
        #expect(first == 1)
        try reader.forEachPair(in: .init(until: 1)) { _ in
            Issue.record("nothing was stored in 1970")
            return false
        }
    }

    @Test("No more runs are kept than may be, the last ones", arguments: [1, 50, 1000])
    func retention(limit: Int) throws {
        var retention = RunStoreWriter.Retention()
        retention.runs = limit
        let writer = try store([], retention)
        for i in 0..<3000 {
            writer.add(.sample(i))
            if i % 10 == 9 { writer.commit() }
        }
        let reader = try RunStoreReader(path)
        let kept = try reader.overview().runs
        // The retention is looked at again and again, not for each run.
        #expect((limit...(limit + 110)).contains(kept))
        #expect(try reader.runs(ofRequest: "request 2999").count == 1)
        #expect(try reader.runs(ofRequest: "request 0").isEmpty)
        #expect(writer.counts.stored == 3000 && writer.counts.removed == 3000 - kept && writer.counts.removedOwn == 3000 - kept)
    }

    @Test("Old runs go, and a store that is too large loses its oldest")
    func ageAndBytes() throws {
        let writer = try store((0..<500).map { .sample($0) })
        #expect(writer.counts.removed == 0)
        _ = consume writer
        try age()
        var retention = RunStoreWriter.Retention()
        retention.age = 3600
        let second = try store([.sample(1000)], retention)
        #expect(second.counts.removed == 500 && second.counts.removedOwn == 0)
        #expect(try RunStoreReader(path).overview().runs == 1)
        _ = consume second
        retention.bytes = 1 << 20
        let third = try store([], retention)
        for i in 0..<4000 {
            var run = StoredRun.sample(i)
            run.response = String(repeating: "x", count: 2000)
            third.add(run)
            if i % 100 == 99 { third.commit() }
        }
        let kept = try RunStoreReader(path).overview().runs
        #expect(kept > 100 && kept < 1000)
        #expect(try RunStoreReader(path).runs(ofRequest: "request 3999").count == 1)
    }

    /// As if the runs had been stored a day ago.
    private func age() throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: "UPDATE runs SET stored = stored - 86400000000000") }
    }

    @Test("Old runs go also while none comes: a few at a time, and no sooner than a minute after the last look")
    func quiet() throws {
        _ = try store((0..<1200).map { .sample($0) })
        try age()
        var retention = RunStoreWriter.Retention()
        retention.age = 3600
        let writer = try RunStoreWriter(path, retention)
        let start = ContinuousClock.now
        for removed in [500, 1000, 1200, 1200] {
            writer.prune(now: start)
            #expect(writer.counts.removed == removed)
        }
        #expect(writer.counts.removedOwn == 0 && writer.counts.stored == 0)
        writer.add(.sample(1))
        writer.commit()
        try age()
        writer.prune(now: start + .seconds(59))
        #expect(writer.counts.removed == 1200)
        writer.prune(now: .now + .seconds(61))
        #expect(writer.counts.removed == 1201 && writer.counts.removedOwn == 1)
        #expect(try RunStoreReader(path).overview().runs == 0)
    }

    @Test("That old runs cannot go is told, and tried again a minute later")
    func pruningProblem() throws {
        _ = try store([.sample(1)])
        try age()
        var retention = RunStoreWriter.Retention()
        retention.age = 3600
        let writer = try RunStoreWriter(path, retention)
        let start = ContinuousClock.now
        try DatabaseQueue(path: path).inTransaction(.immediate) { _ in
            writer.prune(now: start)
            #expect(writer.counts.pruningProblem?.kind == .locked && writer.counts.problem == nil)
            return .rollback
        }
        writer.prune(now: start + .seconds(59))
        #expect(writer.counts.removed == 0 && writer.counts.pruningProblem != nil)
        writer.prune(now: start + .seconds(61))
        #expect(writer.counts.removed == 1 && writer.counts.pruningProblem == nil)
    }

    @Test("An age without end keeps all", arguments: [UInt64.max, 1 << 55, 1 << 34])
    func endless(age: UInt64) throws {
        var retention = RunStoreWriter.Retention()
        retention.age = age
        let writer = try store((0..<10).map { .sample($0) }, retention)
        writer.prune(now: .now + .seconds(61))
        #expect(writer.counts.removed == 0)
    }

    @Test("Texts and lists from outside are bounded", arguments: ["x", "ü", "👩‍👩‍👧", "a\u{301}"])
    func bounds(character: String) throws {
        var run = StoredRun.sample(1)
        run.requestID = String(repeating: character, count: 5000)
        run.response = run.requestID
        run.calls = (0..<500).map { _ in .init(tool: run.requestID, argumentsDigest: []) }
        run.omittedCalls = 0
        _ = try store([run])
        let found = try #require(try RunStoreReader(path).runs(ofRequest: run.requestID).first)
        // Whole scalars, and as many as there is room for: none has more than four bytes.
        #expect((StoredRun.maximumText - 3...StoredRun.maximumText).contains(found.requestID.utf8.count))
        #expect(run.requestID.utf8.starts(with: found.requestID.utf8))
        #expect((found.response ?? "").utf8.count <= StoredRun.maximumContent)
        #expect(found.calls.count == StoredRun.maximumCalls && found.omittedCalls == 300)
        #expect(found.calls[0].tool.utf8.count <= StoredRun.maximumText)
    }

    @Test("A second writer is refused, and a reader reads beside the first, and a copy")
    func beside() throws {
        let writer = try store([.sample(1)])
        let error = #expect(throws: RunStoreError.self) { try RunStoreWriter(path) }
        #expect(error?.kind == .inUse)
        let reader = try RunStoreReader(path)
        writer.add(.sample(2))
        writer.commit()
        #expect(try reader.overview().runs == 2)
        // With the last who has it open, the write-ahead log becomes part of the file.
        _ = consume reader
        _ = consume writer
        let copy = scratch.path("copy.db")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        #expect(try RunStoreReader(copy).overview().runs == 2)
    }

    @Test("What is no store of this version is refused, and left as it is")
    func others() throws {
        let text = scratch.path("text")
        try "no database, and long enough to be looked at as one".write(toFile: text, atomically: true, encoding: .utf8)
        let foreign = scratch.path("foreign.db")
        try DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE runs (id INTEGER)") }
        let newer = scratch.path("newer.db")
        _ = try RunStoreWriter(newer)
        try DatabaseQueue(path: newer).write { try $0.execute(sql: "PRAGMA user_version = 99") }
        let triggered = scratch.path("triggered.db")
        _ = try RunStoreWriter(triggered)
        try DatabaseQueue(path: triggered).write {
            try $0.execute(sql: "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END")
        }
        for (file, kind) in [(text, RunStoreError.Kind.notAStore), (foreign, .notAStore), (newer, .newer), (triggered, .notAStore), (scratch.path("none"), .notAStore)] {
            let before = FileManager.default.contents(atPath: file)
            #expect(#expect(throws: RunStoreError.self) { try RunStoreReader(file) }?.kind == kind, "\(file)")
            guard file != scratch.path("none") else { continue }
            #expect(#expect(throws: RunStoreError.self) { try RunStoreWriter(file) }?.kind == kind, "\(file)")
            #expect(FileManager.default.contents(atPath: file) == before)
        }
    }

    @Test("Digests tell equal from different within a store, and nothing across stores")
    func digests() throws {
        let writer = try store([])
        let other = try RunStoreWriter(scratch.path("other.db"))
        #expect(writer.digest(of: [1]) == writer.digest(of: [1]))
        #expect(writer.digest(of: [1]) != writer.digest(of: [2]))
        #expect(writer.digest(of: [1]) != other.digest(of: [1]))
    }
}
