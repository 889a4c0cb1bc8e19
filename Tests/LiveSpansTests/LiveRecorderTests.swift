import AgentRuns
import Foundation
import LiveRuns
import LiveSpans
import OTLP
import RunSpans
import Spool
import Testing
import Threads

/// What a recorder handed on, behind a gate that can hold it.
private final class Sink: Sendable {
    struct Taken: Sendable {
        var spans = 0
        var events = 0
        var items: [[UInt8]] = []
        var isSafe = true
        var isHeld = false
        var isWaiting = false
    }

    let state = Monitor(Taken())

    func take(_ batch: SpanBatch, _ signal: LiveRecorder.Signal) -> Bool {
        state.withLock { $0.isWaiting = true }
        state.wait { $0.isHeld ? nil : () }
        return state.withLock { taken in
            taken.isWaiting = false
            for i in 0..<batch.count { taken.items.append(Array(batch[i..<(i + 1)])) }
            if signal == .spans { taken.spans += batch.count } else { taken.events += batch.count }
            return taken.isSafe
        }
    }

    func hold() { state.withLock { $0.isHeld = true } }
    func release() { state.withLock { $0.isHeld = false } }
    /// Until the recorder stands before the gate.
    func waitForRecorder() { state.wait { $0.isWaiting ? () : nil } }
    var taken: Taken { state.withLock { $0 } }
}

/// What a recorder gave to be kept.
private final class Kept: RunKeeper {
    struct Runs: Sendable {
        var exported: [String] = []
        var others: [String] = []
        var uncommitted = 0
    }

    let runs = Monitor(Runs())

    func keep(_ exchange: Exchange, _ run: LiveRun, isExported: Bool) {
        runs.withLock { runs in
            if isExported { runs.exported.append(exchange.requestID) } else { runs.others.append(exchange.requestID) }
            runs.uncommitted += 1
        }
    }

    func commit() { runs.withLock { $0.uncommitted = 0 } }
}

@Suite("The recorder", .timeLimit(.minutes(10)))
struct LiveRecorderTests {
    private static let origin = Origin(resource: [], scopeName: "outrigger", scopeVersion: "1")

    private func recorder(
        _ sink: Sink, exchanges: Int = 16_384, bytes: Int = 64 << 20, sampling: LiveSampling = LiveSampling(),
        journal: Journal? = nil, keeper: (any RunKeeper)? = nil
    ) throws -> LiveRecorder {
        try LiveRecorder(maximumExchanges: exchanges, maximumBytes: bytes, sampling: sampling, journal: journal, keeper: keeper) {
            LiveSpanWriter(
                RunMapping(mode: .live), baseline: nil, candidate: nil, encoder: ProtobufSpanEncoder(Self.origin),
                events: ProtobufEventEncoder(Self.origin))
        } sink: {
            sink.take($0, $1)
        }
    }

    private func isBalanced(_ counts: LiveRecorder.Counts) -> Bool {
        counts.offered == counts.dropped + counts.unsampled + counts.written + counts.waiting
    }

    @Test("What is offered is handed on, and the counts add up")
    func all() throws {
        let sink = Sink()
        let recorder = try recorder(sink)
        for i in 0..<500 {
            #expect(recorder.offer(.sample(i % 2 == 0 ? .live : .canary, answer: i % 5 == 0 ? "{" : #"{"response":1,"tool_calls":["a"]}"#)))
        }
        recorder.flush()
        let counts = recorder.counts
        // SERVER, run, step and CLIENT; the 400 that can be read also a call.
        #expect(counts.spans == 2400 && sink.taken.spans == 2400)
        #expect(counts.events == 500 && sink.taken.events == 500)
        #expect(counts.shapes == ["agent": 400, "unknown": 100])
        #expect(counts.problems == 100)
        #expect(counts.written == 500 && counts.waiting == 0 && counts.dropped == 0)
        #expect(isBalanced(counts))
        recorder.finish()
    }

    @Test("A keeper is given every run, exported or not, and told to commit before it is forgotten")
    func keeper() throws {
        let sink = Sink()
        let kept = Kept()
        let recorder = try recorder(sink, sampling: LiveSampling(root: .alwaysOff), keeper: kept)
        for i in 0..<300 {
            var exchange = Exchange.sample(.live)
            exchange.requestID = "\(i)"
            exchange.trace.isSampled = i % 3 == 0
            // What was refused before an arm was chosen is no run.
            if i % 10 == 9 { (exchange.upstream, exchange.times.sent) = (nil, nil) }
            recorder.offer(exchange)
        }
        recorder.flush()
        let runs = kept.runs.withLock { $0 }
        let expected = (0..<300).filter { $0 % 10 != 9 }
        #expect(runs.exported == expected.filter { $0 % 3 == 0 }.map(String.init))
        #expect(runs.others == expected.filter { $0 % 3 != 0 }.map(String.init))
        #expect(runs.uncommitted == 0)
        let counts = recorder.counts
        #expect(counts.written == 100 && counts.unsampled == 200 && counts.waiting == 0 && isBalanced(counts))
        recorder.finish()
    }

    @Test("As many are held as may be, with those under way; the rest is dropped and counted")
    func queueBound() throws {
        let sink = Sink()
        sink.hold()
        let recorder = try recorder(sink, exchanges: 10)
        #expect(recorder.offer(.sample(.live)))
        sink.waitForRecorder()
        let taken = (0..<50).map { _ in recorder.offer(.sample(.live)) }
        #expect(taken == Array(repeating: true, count: 9) + Array(repeating: false, count: 41))
        #expect(recorder.counts.drops == [.queueFull: 41])
        #expect(recorder.counts.waiting == 10)
        #expect(isBalanced(recorder.counts))
        sink.release()
        recorder.flush()
        #expect(recorder.counts.written == 10)
        #expect(recorder.offer(.sample(.live)))
        recorder.finish()
        #expect(sink.taken.events == 11)
    }

    @Test("As many bytes are held as may be")
    func byteBound() throws {
        let sink = Sink()
        sink.hold()
        let recorder = try recorder(sink, bytes: 100_000)
        let large = Exchange.sample(.live) { $0.response?.body = [[UInt8](repeating: 0x20, count: 30_000)] }
        #expect(!recorder.offer(.sample(.live) { $0.request.body = [[UInt8](repeating: 0x20, count: 200_000)] }))
        #expect(recorder.offer(large))
        sink.waitForRecorder()
        #expect([1, 2, 3].map { _ in recorder.offer(large) } == [true, true, false])
        #expect(recorder.counts.drops == [.bytesFull: 2])
        sink.release()
        recorder.flush()
        #expect(recorder.offer(large))
        recorder.finish()
        #expect(isBalanced(recorder.counts))
        #expect(recorder.counts.written == 4)
    }

    @Test("What is not sampled is counted, and makes no spans")
    func unsampled() throws {
        let sink = Sink()
        let recorder = try recorder(sink)
        for i in 0..<30 {
            recorder.offer(
                .sample(.canary, i % 3 == 0 ? .candidate : .baseline) {
                    $0.trace.isSampled = false
                    $0.trace.flags = 2
                })
        }
        recorder.finish()
        let counts = recorder.counts
        #expect(counts.unsampled == 20 && counts.written == 10 && counts.offered == 30)
        #expect(sink.taken.events == 10)
    }

    @Test("After the end nothing is taken")
    func closed() throws {
        let sink = Sink()
        let recorder = try recorder(sink)
        recorder.offer(.sample(.live))
        recorder.finish()
        #expect(!recorder.offer(.sample(.live)))
        #expect(recorder.counts.drops == [.closed: 1])
        #expect(sink.taken.events == 1)
        recorder.flush()
        recorder.finish()
    }

    @Test("Many threads offer, one flushes, and nothing is lost or counted twice")
    func concurrent() async throws {
        let sink = Sink()
        let recorder = try recorder(sink, exchanges: 300)
        let accepted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<1000).count { _ in recorder.offer(.sample(.live)) } }
            }
            return await group.reduce(0, +)
        }
        recorder.flush()
        recorder.finish()
        let counts = recorder.counts
        #expect(counts.offered == 4000)
        #expect(counts.written == accepted)
        #expect(counts.dropped == 4000 - counts.written)
        #expect(sink.taken.events == counts.written)
        #expect(isBalanced(counts))
    }

    @Test("An exchange of very many calls is whole")
    func large() throws {
        let sink = Sink()
        let recorder = try recorder(sink)
        let calls = Array(repeating: #"{"name":"t","result":1}"#, count: 10_000).joined(separator: ",")
        for _ in 0..<3 { recorder.offer(.sample(.live, answer: #"{"response":1,"tool_calls":[\#(calls)]}"#)) }
        recorder.finish()
        #expect(sink.taken.spans == 3 * 30_003)
        #expect(recorder.counts.spans == 3 * 30_003)
    }

    // MARK: the journal

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("recorder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test("What was offered and not handed on is recorded by the next process, byte for byte")
    func recovered() throws {
        try withFolder { folder in
            let sink = Sink()
            sink.hold()
            let recorder = try recorder(sink, journal: Journal("\(folder)/a", capacity: 1 << 20))
            for i in 0..<50 {
                #expect(
                    recorder.offer(
                        .sample(i % 3 == 0 ? .live : .canary, i % 2 == 0 ? .baseline : .candidate) {
                            if i == 7 { $0.trace.isSampled = false }
                            if i == 8 { ($0.trace.isSampled, $0.response) = (false, nil) }
                        }))
            }
            // As it stands when the process is killed.
            try FileManager.default.copyItem(atPath: "\(folder)/a", toPath: "\(folder)/b")
            sink.release()
            recorder.finish()
            #expect(recorder.counts.isProtected && recorder.counts.unprotected == Journal.Refusals())
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/a"))

            let next = Sink()
            let successor = try self.recorder(next, journal: Journal("\(folder)/b", capacity: 1 << 20))
            #expect(successor.counts.recovered == 50 && successor.counts.unreadable == 0)
            successor.finish()
            #expect(isBalanced(successor.counts) && successor.counts.written == 50)
            // Those of several modes and arms stand in another order where batches were cut elsewhere.
            func sorted(_ sink: Sink) -> [[UInt8]] { sink.taken.items.sorted { $0.lexicographicallyPrecedes($1) } }
            #expect(sorted(next) == sorted(sink))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/b"))
        }
    }

    @Test("What the sink cannot keep stays in the journal, until it can")
    func unsafe() throws {
        try withFolder { folder in
            let sink = Sink()
            sink.state.withLock { $0.isSafe = false }
            let recorder = try recorder(sink, journal: Journal("\(folder)/a", capacity: 1 << 20))
            for _ in 0..<5 { recorder.offer(.sample(.live)) }
            recorder.flush()
            try FileManager.default.copyItem(atPath: "\(folder)/a", toPath: "\(folder)/b")
            #expect(try Journal("\(folder)/b", capacity: 1 << 20).takeRecovered().count == 5)
            sink.state.withLock { $0.isSafe = true }
            recorder.offer(.sample(.live))
            recorder.finish()
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/a"))
        }
    }

    @Test("What the journal does not take is recorded all the same, and counted")
    func unprotected() throws {
        try withFolder { folder in
            let sink = Sink()
            sink.hold()
            let recorder = try recorder(sink, journal: Journal("\(folder)/a", capacity: 16 << 10))
            let large = Exchange.sample(.live) { $0.request.body = [[UInt8](repeating: 0x20, count: 8000)] }
            #expect(recorder.offer(large))
            for _ in 0..<40 { #expect(recorder.offer(.sample(.live))) }
            #expect(recorder.counts.unprotected.tooLarge == 1 && recorder.counts.unprotected.full > 0)
            sink.release()
            recorder.finish()
            #expect(recorder.counts.written == 41)
        }
    }

    @Test("A journal that another version wrote costs what is in it, and no more")
    func otherVersion() throws {
        try withFolder { folder in
            do {
                let journal = try Journal("\(folder)/a", capacity: 1 << 20)
                for _ in 0..<3 { #expect(journal.append([99, 1, 2, 3]) != nil) }
            }
            let sink = Sink()
            let recorder = try recorder(sink, journal: Journal("\(folder)/a", capacity: 1 << 20))
            #expect(recorder.counts.unreadable == 3 && recorder.counts.recovered == 0)
            #expect(recorder.offer(.sample(.live)))
            recorder.finish()
            #expect(recorder.counts.written == 1)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/a"))
        }
    }
}
