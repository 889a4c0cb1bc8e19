internal import Glibc
public import LiveRuns
public import OTLP
internal import RunSpans
public import Threads

/// Takes exchanges from the data plane and turns them into spans on a thread of its own, beside the requests.
///
/// ``offer(_:)`` never waits: what has no place in the bounded queue is dropped and counted. What was taken is handed on
/// within a few milliseconds, so that little is lost when the process is killed.
public final class LiveRecorder: Sendable {
    /// What became of the exchanges. `offered` is the sum of the rest and of what still waits.
    public struct Counts: Sendable {
        public var offered = 0
        public var dropped = 0
        /// By the sampler's word.
        public var unsampled = 0
        public var written = 0
        public var spans = 0
        public var events = 0
        /// Written exchanges by the form of their answers.
        public var shapes: [String: Int] = [:]
        /// Answers with something wrong in them.
        public var problems = 0
        public var waiting = 0
    }

    /// Where spans and events go.
    public enum Signal: Sendable {
        case spans, events
    }

    private struct State: Sendable {
        var exchanges: [Exchange] = []
        var bytes = 0
        var counts = Counts()
        var isClosed = false
        var isBusy = false
        var isDone = false
    }

    private let state = Monitor(State())
    private let maximumExchanges: Int
    private let maximumBytes: Int
    private let sampling: LiveSampling

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - maximumExchanges: how many wait at most.
    ///   - maximumBytes: how many bytes of bodies wait at most.
    ///   - sink: takes what was made, on the thread; it may wait.
    /// - Throws: `ThreadError` when the system has no more threads to give.
    public init<Encoder: SpanEncoder, Events: EventEncoder>(
        maximumExchanges: Int = 16_384, maximumBytes: Int = 64 << 20, sampling: LiveSampling,
        makeWriter: @escaping @Sendable () -> LiveSpanWriter<Encoder, Events>, sink: @escaping @Sendable (SpanBatch, Signal) -> Void
    ) throws(ThreadError) {
        self.maximumExchanges = maximumExchanges
        self.maximumBytes = maximumBytes
        self.sampling = sampling
        try WorkerThread { [self] in work(makeWriter(), sink) }.detach()
    }

    /// Takes an exchange; called from event loops.
    ///
    /// - Returns: false when it was dropped.
    @discardableResult
    public func offer(_ exchange: Exchange) -> Bool {
        let size = exchange.size
        return state.withLock { state in
            state.counts.offered += 1
            guard sampling.exports(exchange) else {
                state.counts.unsampled += 1
                return true
            }
            guard !state.isClosed, state.exchanges.count < maximumExchanges, state.bytes + size <= maximumBytes else {
                state.counts.dropped += 1
                return false
            }
            state.exchanges.append(exchange)
            state.bytes += size
            return true
        }
    }

    public var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.waiting = counts.offered - counts.dropped - counts.unsampled - counts.written
            return counts
        }
    }

    /// Waits until all that was offered before has been handed on.
    public func flush() {
        state.wait { $0.exchanges.isEmpty && !$0.isBusy ? () : nil }
    }

    /// Takes nothing more, and waits until all is handed on.
    public func finish() {
        state.withLock { $0.isClosed = true }
        state.wait { $0.isDone ? () : nil }
    }

    private func work<Encoder: SpanEncoder, Events: EventEncoder>(
        _ writer: consuming LiveSpanWriter<Encoder, Events>, _ sink: (SpanBatch, Signal) -> Void
    ) {
        while let exchanges = take() {
            var shapes: [String: Int] = [:]
            var problems = 0
            for exchange in exchanges {
                let outcome = writer.write(exchange)
                shapes[outcome.shape.rawValue, default: 0] += 1
                if outcome.problem != nil { problems += 1 }
            }
            let spans = writer.takeSpans()
            let events = writer.takeEvents()
            if !spans.isEmpty { sink(spans, .spans) }
            if !events.isEmpty { sink(events, .events) }
            state.withLock { state in
                state.isBusy = false
                state.counts.written += exchanges.count
                state.counts.spans += spans.count
                state.counts.events += events.count
                state.counts.shapes.merge(shapes, uniquingKeysWith: +)
                state.counts.problems += problems
            }
            // Who works in one go does not have to be woken for each; those who wait for a place are never kept waiting.
            usleep(Self.pause)
        }
        state.withLock { $0.isDone = true }
    }

    /// Microseconds.
    private static let pause: UInt32 = 2000

    /// - Returns: nil when there is no more and never will be.
    private func take() -> [Exchange]? {
        state.wait { state in
            if state.exchanges.isEmpty { return state.isClosed ? .some(nil) : nil }
            var taken: [Exchange] = []
            swap(&taken, &state.exchanges)
            state.bytes = 0
            state.isBusy = true
            return taken
        }
    }
}

extension Exchange {
    /// About how much memory it holds.
    fileprivate var size: Int {
        var size = 2048
        for piece in request.body { size += piece.count }
        for piece in response?.body ?? [] { size += piece.count }
        for piece in pairedWith?.body ?? [] { size += piece.count }
        return size
    }
}
