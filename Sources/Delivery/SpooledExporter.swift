public import OTLP
public import Spool
internal import Threads

/// Delivers the spans and events of a process that stays: what is submitted is on disk before ``submit(_:_:)`` returns, and
/// stays there until the collector has answered for good.
///
/// Each batch is written first, and read back to be sent: a process that is killed at any moment loses nothing that was
/// submitted. Retryable failures are tried again for as long as it takes; answers that are final for a batch are counted,
/// with the collector's words in a notice. Spans and events go to endpoints of their own and do not wait for each other.
///
/// Delivery is at least once: what was sent when the process ended, and not yet marked in the spool, comes again with the
/// same ids. Resource and scope are those of the process that sends.
///
/// Without a spool, and while it cannot be written, what is submitted waits in memory, which is bounded: the oldest goes
/// first, and is counted. Once the spool can be written again, what waits in memory moves there.
public final class SpooledExporter: Sendable {
    /// Which of OTLP's endpoints a batch is for.
    public enum Signal: Hashable, Sendable, CaseIterable {
        case spans, events
    }

    /// How batches of both signals become requests in one encoding.
    public struct Forms: Sendable {
        public var spans: MessageForm
        public var events: MessageForm

        public init(spans: MessageForm, events: MessageForm) {
            self.spans = spans
            self.events = events
        }
    }

    /// The account, in spans and events: at every instant, `submitted + recovered` is the sum of delivered, rejected, dropped
    /// and waiting.
    public struct Counts: Sendable {
        public var submitted = 0
        /// Found in the spool at the start.
        public var recovered = 0
        public var delivered = 0
        /// Refused by the collector for good.
        public var rejected = 0
        /// Lost, by reason: `spool_full`, `spool_damaged`, `spool_failed` (no room in memory while the spool could not be
        /// written), `queue_full` and `stopped` (without a spool), and what ``Settlement/reason`` can be.
        public var dropped: [String: Int] = [:]
        /// In the spool, in memory, or with the senders.
        public var waiting = 0
        /// Of those that wait: with the senders.
        public var inFlight = 0
        public var spoolBytes = 0
        public var spoolSegments = 0
        /// Seconds; 0 when nothing waits on disk.
        public var spoolOldestAge = 0
        /// Bytes found damaged on disk.
        public var spoolDamagedBytes = 0
        public var requests = 0
        public var retries = 0
        /// Why the last append to the spool failed; nil when it did not.
        public var spoolProblem: String?

        mutating func drop(_ count: Int, _ reason: String) {
            guard count > 0 else { return }
            dropped[reason, default: 0] += count
            waiting -= count
        }
    }

    struct State: Sendable {
        var counts = Counts()
        var memory: [(kind: UInt8, batch: SpanBatch)] = []
        var memoryBytes = 0
        /// Items that were taken from memory and are with the senders.
        var memoryInFlight = 0
        /// Losses of the spool that are in `counts` already.
        var knownFull = 0
        var knownDamaged = 0
        var isClosed = false
        var isEnded = false
        var lanesRunning = 0
        /// When a loss was last told of.
        var lastNotice: ContinuousClock.Instant?
    }

    let spool: Spool?
    let state = Monitor(State())
    let stop = StopFlag()
    private let lanes: [Lane]
    /// The number of the process's own encoding.
    private let encoding: UInt8
    private let maximumMemory: Int
    private let onNotice: @Sendable (String) -> Void

    /// Starts the senders.
    ///
    /// - Parameters:
    ///   - otherForms: of the encoding that is not used, for what an earlier process with other settings left in the spool;
    ///     without them it stays there.
    ///   - batchItems: spans of a request at most.
    ///   - delay: how long the first span of a request waits for others.
    ///   - maximumMemory: bytes that wait in memory where there is no spool, or where it cannot be written.
    ///   - onNotice: what a person should know while it happens.
    /// - Throws: `ThreadError` when the system has no more threads to give.
    public init(
        _ configuration: ExportConfiguration, logsEndpoint: String, forms: Forms, otherForms: Forms? = nil, spool: Spool?,
        batchItems: Int, delay: Duration, maximumMemory: Int = 32 << 20, onNotice: @escaping @Sendable (String) -> Void
    ) throws {
        self.spool = spool
        self.maximumMemory = maximumMemory
        self.onNotice = onNotice
        encoding = Self.encoding(of: forms)
        var configuration = configuration
        configuration.endsOnRefusal = false
        configuration.stopCutsOff = true
        configuration.retry.giveUpAfter = .seconds(100 * 365 * 86_400)
        configuration.retry.longestRequested = .seconds(3600)
        configuration.connections = min(configuration.connections, 2)
        configuration.queuedRequests = 2
        // A log of days that is full of one outage is read by nobody.
        configuration.immediateNotices = 2
        let waiting = spool?.waitingKinds ?? []
        let relay = SettlementRelay()
        var lanes: [Lane] = []
        for forms in [forms] + (otherForms.map { [$0] } ?? []) {
            for signal in Signal.allCases {
                let kind = Self.kind(signal, Self.encoding(of: forms))
                guard Self.encoding(of: forms) == encoding || waiting.contains(kind) else { continue }
                var configuration = configuration
                if signal == .events {
                    configuration.endpoint = logsEndpoint
                    configuration.connections = 1
                }
                let exporter = try HTTPExporter(
                    configuration, form: signal == .spans ? forms.spans : forms.events, stop: stop,
                    onSettled: relay.settled, onNotice: onNotice)
                lanes.append(
                    Lane(
                        kind: kind, exporter: exporter, batchItems: batchItems, batchBytes: configuration.maximumRequest, delay: delay))
            }
        }
        self.lanes = lanes
        takeStock()
        relay.connect { [weak self] in self?.settled($0, $1, $2) }
        for lane in lanes {
            state.withLock { $0.lanesRunning += 1 }
            try WorkerThread { [self] in
                run(lane)
                state.withLock { $0.lanesRunning -= 1 }
            }.detach()
        }
    }

    private static func encoding(of forms: Forms) -> UInt8 { forms.spans.contentType == "application/json" ? 1 : 0 }

    /// What a record is: 1 spans and 2 events in protobuf, 3 and 4 in JSON.
    private static func kind(_ signal: Signal, _ encoding: UInt8) -> UInt8 { (signal == .spans ? 1 : 2) + 2 * encoding }

    /// Takes account of what an earlier process left.
    private func takeStock() {
        guard let spool else { return }
        let found = spool.counts
        state.withLock { state in
            state.counts.recovered = found.recoveredItems
            state.counts.waiting = found.recoveredItems
        }
        if found.damagedBytes > 0 {
            onNotice("\(found.damagedBytes) bytes of the spool are damaged; \(found.damagedItems) spans and events in them are lost, as far as can be told")
        }
        // Their checksums are right, so a later version wrote them.
        while let record = spool.next(of: Set(5...255).union([0])) {
            state.withLock { $0.counts.drop(record.items, "unknown_record") }
            spool.settle(record.position)
        }
        absorbLosses()
        let left = spool.waitingKinds.subtracting(lanes.map(\.kind))
        if !left.isEmpty { onNotice("the spool has spans in another encoding than the one configured; they stay there") }
    }

    /// Takes a batch. It is on disk when this returns, if there is a spool that can be written; the collector is not waited for.
    ///
    /// - Returns: whether all that was ever submitted would outlive a kill, or has been delivered.
    @discardableResult
    public func submit(_ batch: SpanBatch, _ signal: Signal) -> Bool {
        guard !batch.isEmpty else { return isSafe }
        let kind = Self.kind(signal, encoding)
        // The lanes look for themselves every so often: waking them for each batch would cost more than the batch.
        let hasMemory = state.withLockQuietly { state in
            state.counts.submitted += batch.count
            state.counts.waiting += batch.count
            return !state.memory.isEmpty
        }
        guard spool != nil else {
            keepInMemory(batch, kind)
            return false
        }
        // What waits in memory is older; but nobody is to wait for all of it.
        let isCatchingUp = !hasMemory || moveMemoryToSpool(atMost: 16)
        if let problem = write(batch, kind) {
            keepInMemory(batch, kind)
            note(problem)
        } else if isCatchingUp {
            // A small batch can find room on a disk that is full for the larger ones which wait.
            note(nil)
        }
        absorbLosses()
        return isSafe
    }

    private var isSafe: Bool { state.withLockQuietly { $0.memory.isEmpty && $0.memoryInFlight == 0 } }

    /// - Returns: why it could not be written.
    private func write(_ batch: SpanBatch, _ kind: UInt8) -> String? {
        do throws(SpoolError) {
            try spool?.append(kind: kind, items: batch.count, batch.spoolHead, batch.bytes)
            return nil
        } catch {
            return error.message
        }
    }

    private func note(_ problem: String?) {
        let before = state.withLockQuietly { state in
            defer { state.counts.spoolProblem = problem }
            return state.counts.spoolProblem
        }
        switch (before, problem) {
        case (nil, let problem?): onNotice("\(problem); spans wait in memory until the spool can be written")
        case (_?, nil): onNotice("the spool can be written again")
        default: break
        }
    }

    private func keepInMemory(_ batch: SpanBatch, _ kind: UInt8) {
        let lost = state.withLockQuietly { state in
            guard !state.isEnded else {
                state.counts.drop(batch.count, spool == nil ? "stopped" : "spool_failed")
                return false
            }
            state.memory.append((kind, batch))
            state.memoryBytes += batch.byteCount
            var lost = false
            while state.memoryBytes > maximumMemory, state.memory.count > 1 {
                let oldest = state.memory.removeFirst()
                state.memoryBytes -= oldest.batch.byteCount
                state.counts.drop(oldest.batch.count, spool == nil ? "queue_full" : "spool_failed")
                lost = true
            }
            return lost
        }
        if lost { tellOfLoss("there is no more room in memory") }
    }

    /// - Returns: whether the spool took all that it was given.
    @discardableResult
    private func moveMemoryToSpool(atMost limit: Int) -> Bool {
        for _ in 0..<limit {
            let oldest = state.withLock { state -> (UInt8, SpanBatch)? in
                guard !state.memory.isEmpty else { return nil }
                let (kind, batch) = state.memory.removeFirst()
                state.memoryBytes -= batch.byteCount
                return (kind, batch)
            }
            guard let (kind, batch) = oldest else { return true }
            guard write(batch, kind) != nil else { continue }
            putBack(batch, kind)
            return false
        }
        return true
    }

    /// In front of all others: it is the oldest.
    func putBack(_ batch: SpanBatch, _ kind: UInt8) {
        state.withLock { state in
            state.memory.insert((kind, batch), at: 0)
            state.memoryBytes += batch.byteCount
        }
    }

    /// Takes what the spool lost into the account.
    func absorbLosses() {
        guard let found = spool?.counts else { return }
        let isFull = state.withLockQuietly { state in
            let full = found.droppedItems - state.knownFull
            state.counts.drop(full, "spool_full")
            state.knownFull = max(state.knownFull, found.droppedItems)
            state.counts.drop(found.damagedItems - state.knownDamaged, "spool_damaged")
            state.knownDamaged = max(state.knownDamaged, found.damagedItems)
            return full > 0
        }
        if isFull { tellOfLoss("the spool is full") }
    }

    /// Once a minute at most; the counts have it all.
    private func tellOfLoss(_ why: String) {
        let now = ContinuousClock.now
        let dropped = state.withLock { state -> Int? in
            guard state.lastNotice.map({ now - $0 >= .seconds(60) }) ?? true else { return nil }
            state.lastNotice = now
            return state.counts.dropped.values.reduce(0, +)
        }
        if let dropped { onNotice("\(why): the oldest spans go first; \(dropped) spans and events are lost so far") }
    }

    public var counts: Counts {
        absorbLosses()
        let spooled = spool?.counts
        let traffic = lanes.map(\.exporter.traffic)
        return state.withLockQuietly { state in
            var counts = state.counts
            counts.spoolBytes = spooled?.bytes ?? 0
            counts.spoolSegments = spooled?.segments ?? 0
            counts.spoolOldestAge = spooled?.oldestAge ?? 0
            counts.spoolDamagedBytes = spooled?.damagedBytes ?? 0
            counts.requests = traffic.reduce(0) { $0 + $1.requests }
            counts.retries = traffic.reduce(0) { $0 + $1.retries }
            return counts
        }
    }

    /// Tries to deliver what waits, for `bound`, and what failed again soon; then it cuts off what is under way, which takes
    /// about a second.
    ///
    /// What is submitted afterwards goes to the spool, or is dropped where there is none.
    ///
    /// - Returns: items that were not delivered: with a spool they wait there for the next start. Without one they are
    ///   dropped by now, and this is 0.
    @discardableResult
    public func finish(within bound: Duration) -> Int {
        state.withLock { $0.isClosed = true }
        absorbLosses()
        for lane in lanes { lane.exporter.hurry() }
        _ = state.wait(atMost: bound) { $0.counts.waiting == 0 ? () : nil }
        stop.set()
        state.wait { $0.lanesRunning == 0 ? () : nil }
        for lane in lanes { lane.exporter.finish() }
        if spool != nil { moveMemoryToSpool(atMost: .max) }
        state.withLock { state in
            state.isEnded = true
            for (_, batch) in state.memory { state.counts.drop(batch.count, spool == nil ? "stopped" : "spool_failed") }
            state.memory = []
            state.memoryBytes = 0
        }
        spool?.sync()
        absorbLosses()
        return state.withLock { $0.counts.waiting }
    }
}
