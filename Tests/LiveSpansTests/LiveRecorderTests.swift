import AgentRuns
import LiveRuns
import LiveSpans
import OTLP
import RunSpans
import Testing
import Threads

/// What a recorder handed on, behind a gate that can hold it.
private final class Sink: Sendable {
    struct Taken: Sendable {
        var spans = 0
        var events = 0
        var isHeld = false
        var isWaiting = false
    }

    let state = Monitor(Taken())

    func take(_ batch: SpanBatch, _ signal: LiveRecorder.Signal) {
        state.withLock { $0.isWaiting = true }
        state.wait { $0.isHeld ? nil : () }
        state.withLock { taken in
            taken.isWaiting = false
            if signal == .spans { taken.spans += batch.count } else { taken.events += batch.count }
        }
    }

    func hold() { state.withLock { $0.isHeld = true } }
    func release() { state.withLock { $0.isHeld = false } }
    /// Until the recorder stands before the gate.
    func waitForRecorder() { state.wait { $0.isWaiting ? () : nil } }
    var taken: Taken { state.withLock { $0 } }
}

@Suite("The recorder", .timeLimit(.minutes(10)))
struct LiveRecorderTests {
    private static let origin = Origin(resource: [], scopeName: "outrigger", scopeVersion: "1")

    private func recorder(
        _ sink: Sink, exchanges: Int = 16_384, bytes: Int = 64 << 20, sampling: LiveSampling = LiveSampling()
    ) throws -> LiveRecorder {
        try LiveRecorder(maximumExchanges: exchanges, maximumBytes: bytes, sampling: sampling) {
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
}
