internal import Glibc
public import LiveRuns
public import OTLP
internal import RunSpans
public import Spool
public import Threads

/// Takes exchanges from the data plane and turns them into spans on a thread of its own, beside the requests.
///
/// ``offer(_:)`` never waits for that: what has no place in the bounded queue is dropped and counted. What was taken is
/// handed on within a few milliseconds. With a journal it outlives a kill from the moment it was offered: what stands in the
/// journal and was not handed on is recorded by the next process, with the same ids.
public final class LiveRecorder: Sendable {
    /// What became of the exchanges. `offered` is the sum of `dropped`, `unsampled`, `written` and `waiting`.
    public struct Counts: Sendable {
        public var offered = 0
        /// Dropped ones by the reason.
        public var drops: [Drop: Int] = [:]
        /// By the sampler's word.
        public var unsampled = 0
        public var written = 0
        public var spans = 0
        public var events = 0
        /// Written exchanges by the form of their answers.
        public var shapes: [String: Int] = [:]
        /// Answers with something wrong in them.
        public var problems = 0
        /// What shadows were compared in, by what came of it.
        public var comparisons: [ShadowComparison.Result: Int] = [:]
        /// Attributes that the limits have cost.
        public var droppedAttributes = 0
        /// Taken from the journal of an earlier process; they are among those offered.
        public var recovered = 0
        /// What the earlier process left in its journal, and this one cannot read.
        public var unreadable = 0
        /// Exchanges that the journal did not take, by why: a kill would have cost their spans.
        public var unprotected = Journal.Refusals()
        /// Whether there is a journal.
        public var isProtected = false
        public var waiting = 0

        public var dropped: Int { drops.values.reduce(0, +) }
    }

    /// Why an exchange was dropped.
    public enum Drop: String, CaseIterable, Sendable {
        /// As many waited as may.
        case queueFull = "queue_full"
        /// Those that waited held as many bytes as they may.
        case bytesFull = "bytes_full"
        /// It came after ``finish()``.
        case closed
    }

    /// Where spans and events go.
    public enum Signal: Sendable {
        case spans, events
    }

    /// An exchange in the queue. A class, since the queue must not move much memory while event loops stand before it.
    ///
    /// `@unchecked Sendable`: it is filled before it is queued, and emptied by the recorder's thread alone.
    private final class Waiting: @unchecked Sendable {
        private var exchange: Exchange?
        /// Why it is exported; nil for one that is kept as a run alone.
        let reason: LiveSampling.Reason?
        /// About how much memory it holds.
        let size: Int

        init(_ exchange: consuming Exchange, _ reason: LiveSampling.Reason?, size: Int) {
            self.exchange = exchange
            self.reason = reason
            self.size = size
        }

        /// Gives the exchange away, once: to copy it is to count anew the two dozen texts in it, and to forget each again.
        func take() -> Exchange? { exchange.take() }
    }

    private struct State: Sendable {
        /// Each with where it ends in the journal.
        var queue: [(waiting: Waiting, position: Journal.Position?)] = []
        /// Exchanges and bytes in the queue and under way: all that must be remembered.
        var held = 0
        var bytes = 0
        /// Exchanges that were let in, and those of them that were handed on.
        var admitted = 0
        var handedOn = 0
        var counts = Counts()
        var isClosed = false
        var isDone = false

        mutating func admit(_ waiting: Waiting, _ position: Journal.Position?) {
            queue.append((waiting, position))
            admitted += 1
            held += 1
            bytes += waiting.size
        }
    }

    private let state = Monitor(State())
    private let maximumExchanges: Int
    private let maximumBytes: Int
    private let sampling: LiveSampling
    private let journal: Journal?
    private let keeper: (any RunKeeper)?

    /// Microseconds.
    private static let pause: UInt32 = 2000
    /// Spans are handed on when they hold so many bytes, even if more could be added at once.
    private static let maximumPending = 1 << 20

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - maximumExchanges: how many are held at most.
    ///   - maximumBytes: about how many bytes those hold at most.
    ///   - journal: keeps what was offered until it was handed on; what an earlier process left in it is recorded first.
    ///   - keeper: is given every exchange that has a run, also those that are not exported.
    ///   - sink: takes what was made, on the thread; it may wait. It tells whether all that it was ever given outlives a kill.
    /// - Throws: `ThreadError` when the system has no more threads to give.
    public init<Encoder: SpanEncoder, Events: EventEncoder>(
        maximumExchanges: Int = 16_384, maximumBytes: Int = 64 << 20, sampling: LiveSampling, journal: Journal? = nil,
        keeper: (any RunKeeper)? = nil,
        makeWriter: @escaping @Sendable () -> LiveSpanWriter<Encoder, Events>, sink: @escaping @Sendable (SpanBatch, Signal) -> Bool
    ) throws(ThreadError) {
        self.maximumExchanges = maximumExchanges
        self.maximumBytes = maximumBytes
        self.sampling = sampling
        self.journal = journal
        self.keeper = keeper
        if let journal { recover(from: journal) }
        try WorkerThread { [self] in work(makeWriter(), sink) }.detach()
    }

    /// Takes an exchange; called from event loops.
    ///
    /// - Returns: false when it was dropped.
    @discardableResult
    public func offer(_ exchange: consuming Exchange) -> Bool {
        let reason = sampling.exports(exchange)
        guard reason != nil || (keeper != nil && exchange.hasRun) else {
            state.withLock { state in
                state.counts.offered += 1
                state.counts.unsampled += 1
            }
            return true
        }
        let size = exchange.size
        let entry = journal.map { _ in JournalEntry.bytes(exchange, reason) }
        let waiting = Waiting(exchange, reason, size: size)
        return state.withLock { state in
            state.counts.offered += 1
            if let drop = drop(size, state) {
                state.counts.drops[drop, default: 0] += 1
                return false
            }
            // In the order of the queue, so that the journal can be settled in that order.
            state.admit(waiting, entry.flatMap { journal?.append($0) })
            return true
        }
    }

    private func recover(from journal: Journal) {
        let found = journal.takeRecovered()
        state.withLock { state in
            for entry in found {
                guard let (exchange, reason) = JournalEntry.read(entry.payload) else {
                    state.counts.unreadable += 1
                    continue
                }
                state.counts.offered += 1
                state.counts.recovered += 1
                let size = exchange.size
                state.admit(Waiting(exchange, reason, size: size), entry.position)
            }
            // Those at the end that cannot be read have nobody who settles them.
            if state.queue.isEmpty, let last = found.last { journal.settle(last.position) }
        }
    }

    private func drop(_ size: Int, _ state: borrowing State) -> Drop? {
        if state.isClosed { return .closed }
        if state.held >= maximumExchanges { return .queueFull }
        return state.bytes + size > maximumBytes ? .bytesFull : nil
    }

    public var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.waiting = state.held
            counts.isProtected = journal != nil
            if let journal { counts.unprotected = journal.refusals }
            return counts
        }
    }

    /// Waits until all that was offered before has been handed on.
    public func flush() {
        let last = state.withLock { $0.admitted }
        state.wait { $0.handedOn >= last ? () : nil }
    }

    /// Takes nothing more, and waits until all is handed on.
    public func finish() {
        state.withLock { $0.isClosed = true }
        state.wait { $0.isDone ? () : nil }
    }

    // MARK: the thread

    private func work<Encoder: SpanEncoder, Events: EventEncoder>(
        _ writer: consuming LiveSpanWriter<Encoder, Events>, _ sink: (SpanBatch, Signal) -> Bool
    ) {
        var done = Counts()
        var bytes = 0
        var last: Journal.Position?
        // Used again for each.
        var run = LiveRun()
        while let queue = take() {
            for (i, (waiting, position)) in queue.enumerated() {
                if let exchange = waiting.take() { record(exchange, because: waiting.reason, into: &run, &writer, &done) }
                bytes += waiting.size
                last = position ?? last
                guard i == queue.count - 1 || writer.pendingBytes >= Self.maximumPending else { continue }
                let spans = writer.takeSpans()
                let events = writer.takeEvents()
                var isSafe = spans.isEmpty || sink(spans, .spans)
                if !events.isEmpty { isSafe = sink(events, .events) }
                keeper?.commit()
                // While the spool cannot be written, the journal keeps what it can.
                if isSafe, let last { journal?.settle(last) }
                done.spans = spans.count
                done.events = events.count
                done.droppedAttributes = writer.droppedAttributes
                handedOn(done, bytes)
                done = Counts()
                bytes = 0
            }
            // What the last one said is kept for nobody.
            run.removeAll()
            // Who works in one go does not have to be woken for each; those who wait for a place are never kept waiting.
            usleep(Self.pause)
        }
        journal?.removeIfSettled()
        state.withLock { $0.isDone = true }
    }

    private func record<Encoder: SpanEncoder, Events: EventEncoder>(
        _ exchange: Exchange, because reason: LiveSampling.Reason?, into run: inout LiveRun,
        _ writer: inout LiveSpanWriter<Encoder, Events>, _ done: inout Counts
    ) {
        writer.read(exchange, into: &run)
        if let reason {
            let outcome = writer.write(exchange, run, because: reason)
            done.written += 1
            done.shapes[outcome.shape.rawValue, default: 0] += 1
            if outcome.problem != nil { done.problems += 1 }
            for comparison in outcome.comparisons { done.comparisons[comparison, default: 0] += 1 }
        } else {
            done.unsampled += 1
        }
        if exchange.hasRun { keeper?.keep(exchange, run, isExported: reason != nil) }
    }

    private func handedOn(_ done: Counts, _ bytes: Int) {
        state.withLock { state in
            state.held -= done.written + done.unsampled
            state.handedOn += done.written + done.unsampled
            state.bytes -= bytes
            state.counts.written += done.written
            state.counts.unsampled += done.unsampled
            state.counts.spans += done.spans
            state.counts.events += done.events
            state.counts.shapes.merge(done.shapes, uniquingKeysWith: +)
            state.counts.problems += done.problems
            state.counts.comparisons.merge(done.comparisons, uniquingKeysWith: +)
            state.counts.droppedAttributes = done.droppedAttributes
        }
    }

    /// - Returns: nil when there is no more and never will be.
    private func take() -> [(waiting: Waiting, position: Journal.Position?)]? {
        state.wait { state in
            if state.queue.isEmpty { return state.isClosed ? .some(nil) : nil }
            var taken: [(waiting: Waiting, position: Journal.Position?)] = []
            swap(&taken, &state.queue)
            return taken
        }
    }
}

extension Exchange {
    /// About how much memory it holds.
    fileprivate var size: Int {
        var size = 2048
        // Each piece is an array of its own.
        for piece in request.body { size += piece.count + 64 }
        for piece in response?.body ?? [] { size += piece.count + 64 }
        for piece in pairedWith?.body ?? [] { size += piece.count + 64 }
        for call in observedCalls { size += call.size }
        for call in pairedWith?.observedCalls ?? [] { size += call.size }
        return size
    }
}
