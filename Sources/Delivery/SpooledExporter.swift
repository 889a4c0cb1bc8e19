public import OTLP
public import Spool
internal import Glibc
internal import Threads

/// Delivers the spans and events of a process that stays: what is submitted is on disk before it is sent, and stays there
/// until the collector has answered for good.
///
/// Retryable failures are tried again for as long as it takes. Without a spool, what waits is in memory only and bounded by
/// the same rule: the oldest goes first, and is counted.
public final class SpooledExporter: Sendable {
    /// Which of OTLP's endpoints a batch is for; its number is the record's kind.
    public enum Signal: UInt8, Sendable, CaseIterable {
        case spans = 1
        case events = 2
    }

    /// The account: `submitted + recovered` is the sum of delivered, rejected, dropped and waiting.
    public struct Counts: Sendable {
        public var submitted = 0
        /// Found waiting at the start.
        public var recovered = 0
        public var delivered = 0
        public var rejected = 0
        public var dropped: [String: Int] = [:]
        public var waiting = 0
        public var spoolBytes = 0
        public var spoolSegments = 0
        public var requests = 0
        public var retries = 0
        /// Why the last append to the spool failed; nil when it did not.
        public var spoolProblem: String?
    }

    /// A request's worth of records.
    private final class Job: Sendable {
        let positions: [Spool.Position]
        /// Items not yet settled, and whether any of them must stay.
        let rest: Monitor<(items: Int, stays: Bool)>

        init(_ positions: [Spool.Position], items: Int) {
            self.positions = positions
            rest = Monitor((items, false))
        }
    }

    private struct State: Sendable {
        var counts = Counts()
        var memory: [(signal: Signal, batch: SpanBatch)] = []
        var memoryBytes = 0
        /// Items handed to the senders from memory, which no spool counts.
        var inFlight = 0
        var hasNews = false
        var isClosed = false
        var isDone = false
    }

    private let spool: Spool?
    private let stop: StopFlag
    private let spans: HTTPExporter<Job>
    private let events: HTTPExporter<Job>
    private let state = Monitor(State())
    private let batchItems: Int
    private let delay: Duration
    /// Bytes that wait in memory where there is no spool, or where it cannot be written.
    private static let maximumMemory = 32 << 20

    /// Starts the senders.
    ///
    /// - Parameters:
    ///   - batchItems: spans of a request at most.
    ///   - delay: how long the first span of a request waits for others.
    ///   - onNotice: what a person should know while it happens.
    /// - Throws: `ThreadError` when the system has no more threads to give.
    public init(
        _ configuration: ExportConfiguration, logsEndpoint: String, spanForm: MessageForm, eventForm: MessageForm, spool: Spool?,
        batchItems: Int, delay: Duration, onNotice: @escaping @Sendable (String) -> Void
    ) throws {
        self.spool = spool
        self.batchItems = batchItems
        self.delay = delay
        let stop = StopFlag()
        self.stop = stop
        var configuration = configuration
        configuration.endsOnRefusal = false
        configuration.retry.giveUpAfter = .seconds(100 * 365 * 86_400)
        configuration.connections = min(configuration.connections, 2)
        configuration.queuedRequests = 2
        let settle = Settling()
        spans = try HTTPExporter(configuration, form: spanForm, stop: stop, onSettled: settle.settled, onNotice: onNotice)
        configuration.endpoint = logsEndpoint
        configuration.connections = 1
        events = try HTTPExporter(configuration, form: eventForm, stop: stop, onSettled: settle.settled, onNotice: onNotice)
        state.withLock { $0.counts.recovered = spool?.counts.waitingItems ?? 0 }
        settle.connect { [weak self] in self?.settled($0, $1) }
        try WorkerThread { [self] in
            pump()
            state.withLock { $0.isDone = true }
        }.detach()
    }

    /// The senders are made before there is anyone to tell.
    private final class Settling: Sendable {
        private let target = Monitor<(@Sendable (Job, Settlement) -> Void)?>(nil)

        func connect(_ body: @escaping @Sendable (Job, Settlement) -> Void) { target.withLock { $0 = body } }
        @Sendable func settled(_ job: Job, _ range: Range<Int>, _ settlement: Settlement) { target.withLock { $0 }?(job, settlement) }
    }

    /// Takes a batch. It is on disk when this returns; the collector is not waited for.
    public func submit(_ batch: SpanBatch, _ signal: Signal) {
        guard !batch.isEmpty else { return }
        var problem: String?
        var isSpooled = false
        if let spool {
            do throws(SpoolError) {
                try spool.append(kind: signal.rawValue, items: batch.count, batch.spoolForm)
                isSpooled = true
            } catch {
                problem = error.message
            }
        }
        state.withLock { state in
            state.counts.submitted += batch.count
            state.counts.spoolProblem = problem
            state.hasNews = true
            guard !isSpooled else { return }
            state.memory.append((signal, batch))
            state.memoryBytes += batch.byteCount
            while state.memoryBytes > Self.maximumMemory, state.memory.count > 1 {
                let oldest = state.memory.removeFirst()
                state.memoryBytes -= oldest.batch.byteCount
                state.counts.dropped[spool == nil ? "queue_full" : "spool_failed", default: 0] += oldest.batch.count
            }
        }
    }

    public var counts: Counts {
        let spooled = spool?.counts
        let traffic = [spans.traffic, events.traffic]
        return state.withLock { state in
            var counts = state.counts
            counts.waiting = (spooled?.waitingItems ?? 0) + state.memory.reduce(0) { $0 + $1.batch.count } + state.inFlight
            if let lost = spooled?.droppedItems, lost > 0 { counts.dropped["spool_full"] = lost }
            counts.spoolBytes = spooled?.bytes ?? 0
            counts.spoolSegments = spooled?.segments ?? 0
            counts.requests = traffic.reduce(0) { $0 + $1.requests }
            counts.retries = traffic.reduce(0) { $0 + $1.retries }
            return counts
        }
    }

    /// Takes nothing more, and tries to deliver what waits.
    ///
    /// - Returns: items that were not delivered: with a spool they wait there for the next start.
    public func finish(within bound: Duration) -> Int {
        state.withLock {
            $0.isClosed = true
            $0.hasNews = true
        }
        let deadline = ContinuousClock.now + bound
        while counts.waiting > 0, ContinuousClock.now < deadline { usleep(5000) }
        stop.set()
        state.wait { $0.isDone ? () : nil }
        spans.finish()
        events.finish()
        spool?.sync()
        return counts.waiting
    }

    // MARK: from the queue to the senders

    private struct Gathered {
        var batch = SpanBatch()
        var positions: [Spool.Position] = []
    }

    private func pump() {
        var gathered: [Signal: Gathered] = [:]
        var oldest: ContinuousClock.Instant?
        while true {
            let hasMore = gather(into: &gathered)
            let waited = oldest.map { ContinuousClock.now - $0 } ?? .zero
            let isClosed = state.withLock { $0.isClosed }
            for signal in Signal.allCases {
                guard let ready = gathered[signal], !ready.batch.isEmpty else { continue }
                if ready.batch.count >= batchItems || waited >= delay || isClosed || stop.isSet {
                    hand(ready, signal)
                    gathered[signal] = nil
                }
            }
            let holds = gathered.values.contains { !$0.batch.isEmpty }
            oldest = holds ? oldest ?? .now : nil
            if stop.isSet { return }
            if hasMore { continue }
            if isClosed, !holds {
                usleep(5000)
                continue
            }
            let wait = holds ? max(.milliseconds(1), delay - (oldest.map { ContinuousClock.now - $0 } ?? .zero)) : .milliseconds(500)
            _ = state.wait(atMost: wait) { state -> Void? in
                guard state.hasNews else { return nil }
                state.hasNews = false
                return ()
            }
        }
    }

    /// Takes records until a request is full.
    ///
    /// - Returns: whether there may be more.
    private func gather(into gathered: inout [Signal: Gathered]) -> Bool {
        while gathered.values.allSatisfy({ $0.batch.count < batchItems }) {
            if let record = spool?.next() {
                guard let signal = Signal(rawValue: record.kind), let batch = SpanBatch(spoolForm: record.payload) else {
                    // The checksum was right, so a later version wrote it.
                    state.withLock { $0.counts.dropped["unknown_record", default: 0] += record.items }
                    spool?.settle(record.position)
                    continue
                }
                gathered[signal, default: Gathered()].batch.append(batch)
                gathered[signal]?.positions.append(record.position)
                continue
            }
            let next = state.withLock { state -> (Signal, SpanBatch)? in
                guard !state.memory.isEmpty else { return nil }
                let (signal, batch) = state.memory.removeFirst()
                state.memoryBytes -= batch.byteCount
                state.inFlight += batch.count
                return (signal, batch)
            }
            guard let (signal, batch) = next else { return false }
            if spool == nil {
                gathered[signal, default: Gathered()].batch.append(batch)
            } else {
                // It has no record to be settled, so it does not go with those that have.
                hand(Gathered(batch: batch), signal)
            }
        }
        return true
    }

    private func hand(_ ready: Gathered, _ signal: Signal) {
        let job = Job(ready.positions, items: ready.batch.count)
        (signal == .spans ? spans : events).submit(ready.batch, job)
    }

    private func settled(_ job: Job, _ settlement: Settlement) {
        let count = settlement.accepted + settlement.rejected + settlement.unsent
        // What was stopped is not lost: it stays where it is.
        let stays = settlement.unsent > 0 && ["stopped", "halted"].contains(settlement.reason)
        let isSpooled = !job.positions.isEmpty
        let done = job.rest.withLock { rest in
            rest.items -= count
            rest.stays = rest.stays || stays
            return rest
        }
        state.withLock { state in
            state.counts.delivered += settlement.accepted
            state.counts.rejected += settlement.rejected
            if settlement.unsent > 0, !stays || !isSpooled {
                state.counts.dropped[settlement.reason ?? "unsent", default: 0] += settlement.unsent
            }
            if !isSpooled { state.inFlight -= count }
        }
        if done.items == 0, !done.stays { for position in job.positions { spool?.settle(position) } }
    }
}

extension SpanBatch {
    /// The ends of all spans, four bytes each, little-endian, and their bytes; the record says how many they are.
    fileprivate var spoolForm: [UInt8] {
        var form: [UInt8] = []
        form.reserveCapacity(4 + 4 * count + byteCount)
        for value in [count] + (0..<count).map({ end(of: $0) }) {
            for shift in stride(from: 0, to: 32, by: 8) { form.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        form.append(contentsOf: self[0..<count])
        return form
    }

    fileprivate init?(spoolForm form: [UInt8]) {
        func integer(_ i: Int) -> Int { (0..<4).reduce(0) { $0 | Int(form[4 * i + $1]) << (8 * $1) } }
        guard form.count >= 4, case let count = integer(0), form.count >= 4 + 4 * count else { return nil }
        let bytes = form[(4 + 4 * count)...]
        var start = 0
        self.init()
        for i in 0..<count {
            let end = integer(i + 1)
            guard end >= start, end <= bytes.count else { return nil }
            append(bytes[(bytes.startIndex + start)..<(bytes.startIndex + end)])
            start = end
        }
        guard start == bytes.count else { return nil }
    }
}
