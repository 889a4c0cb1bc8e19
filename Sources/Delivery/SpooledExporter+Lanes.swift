internal import OTLP
internal import Spool
internal import Threads

/// From the queue to the senders and back: one thread for each kind of record.
extension SpooledExporter {
    /// The way of one kind of record to its endpoint.
    struct Lane: Sendable {
        /// The kind of its records in the spool.
        let kind: UInt8
        let exporter: HTTPExporter<Job>
        let batchItems: Int
        let batchBytes: Int
        let delay: Duration
    }

    /// A request's worth of batches, and where each came from.
    final class Job: Sendable {
        struct Part: Sendable {
            /// The part's spans in the request.
            var range: Range<Int>
            /// Where it is in the spool; else it is here.
            var position: Spool.Position?
            var batch: SpanBatch?
            /// Spans not yet settled, and those of the settled ones that were not sent.
            var left: Int
            var stays = 0
        }

        let kind: UInt8
        let parts: Monitor<[Part]>

        init(_ kind: UInt8, _ parts: [Part]) {
            self.kind = kind
            self.parts = Monitor(parts)
        }
    }

    /// How long a lane that has nothing to send does not look.
    private static let longestNap = Duration.milliseconds(50)

    struct Gathered {
        var batch = SpanBatch()
        var parts: [Job.Part] = []

        mutating func add(_ more: SpanBatch, _ position: Spool.Position?) {
            let start = batch.count
            batch.append(more)
            parts.append(
                Job.Part(range: start..<batch.count, position: position, batch: position == nil ? more : nil, left: more.count))
        }
    }

    /// Gathers requests and hands them to the senders, waiting for those while they are busy, until the stop.
    func run(_ lane: Lane) {
        var ready = Gathered()
        var oldest = ContinuousClock.now
        while true {
            // It has no means to send, and said so; what waits stays where it is.
            if lane.exporter.haltReason != nil, !stop.isSet {
                stop.sleep(.seconds(1))
                continue
            }
            // Read before looking.
            let isClosed = state.withLockQuietly { $0.isClosed }
            let wasEmpty = ready.batch.isEmpty
            gather(into: &ready, lane)
            if stop.isSet { return giveBack(ready, lane) }
            if wasEmpty { oldest = .now }
            let waited = ContinuousClock.now - oldest
            if !ready.batch.isEmpty, isFull(ready, lane) || waited >= lane.delay || isClosed {
                state.withLockQuietly { $0.counts.inFlight += ready.batch.count }
                lane.exporter.submit(ready.batch, Job(lane.kind, ready.parts))
                ready = Gathered()
                continue
            }
            let nap = min(Self.longestNap, lane.delay)
            _ = state.wait(atMost: ready.batch.isEmpty ? nap : min(nap, lane.delay - waited)) { $0.isClosed != isClosed ? () : nil }
        }
    }

    private func isFull(_ gathered: Gathered, _ lane: Lane) -> Bool {
        gathered.batch.count >= lane.batchItems || gathered.batch.byteCount >= lane.batchBytes
    }

    private func gather(into gathered: inout Gathered, _ lane: Lane) {
        while !isFull(gathered, lane), !stop.isSet {
            if let record = spool?.next(of: [lane.kind]) {
                guard let batch = SpanBatch(spoolForm: record.payload), batch.count == record.items else {
                    // The checksum was right, so a later version wrote it.
                    state.withLock { $0.counts.drop(record.items, "unknown_record") }
                    spool?.settle(record.position)
                    continue
                }
                gathered.add(batch, record.position)
                continue
            }
            let next = state.withLockQuietly { state -> SpanBatch? in
                guard let i = state.memory.firstIndex(where: { $0.kind == lane.kind }) else { return nil }
                let (_, batch) = state.memory.remove(at: i)
                state.memoryBytes -= batch.byteCount
                state.memoryInFlight += batch.count
                return batch
            }
            guard let next else { break }
            gathered.add(next, nil)
        }
        absorbLosses()
    }

    private func giveBack(_ gathered: Gathered, _ lane: Lane) {
        for part in gathered.parts.reversed() {
            if let position = part.position {
                spool?.release(position)
            } else if let batch = part.batch {
                putBack(batch, lane.kind)
                state.withLock { $0.memoryInFlight -= batch.count }
            }
        }
        absorbLosses()
    }

    /// Takes what became of some spans into the account, and lets the spool forget what needs not be sent again.
    func settled(_ job: Job, _ range: Range<Int>, _ settlement: Settlement) {
        // What was stopped is not lost: it stays where it is.
        let stays = settlement.unsent > 0 && ["stopped", "halted"].contains(settlement.reason)
        var fromMemory = 0
        let ended = job.parts.withLock { parts -> [Job.Part] in
            var ended: [Job.Part] = []
            for i in parts.indices where parts[i].range.overlaps(range) {
                let some = parts[i].range.clamped(to: range)
                parts[i].left -= some.count
                if stays { parts[i].stays += some.count }
                if parts[i].position == nil { fromMemory += some.count }
                if let batch = parts[i].batch, stays {
                    let start = parts[i].range.lowerBound
                    putBack(batch.spans((some.lowerBound - start)..<(some.upperBound - start)), job.kind)
                }
                if parts[i].left == 0 { ended.append(parts[i]) }
            }
            return ended
        }
        state.withLock { state in
            state.counts.delivered += settlement.accepted
            state.counts.rejected += settlement.rejected
            state.counts.waiting -= settlement.accepted + settlement.rejected
            if !stays { state.counts.drop(settlement.unsent, settlement.reason ?? "unsent") }
            state.counts.inFlight -= range.count
            state.memoryInFlight -= fromMemory
        }
        for part in ended {
            guard let position = part.position else { continue }
            if part.stays == 0 { spool?.settle(position) } else { spool?.release(position, remaining: part.stays) }
        }
        absorbLosses()
    }
}
