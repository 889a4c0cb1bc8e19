internal import Glibc
internal import Threads

/// What a ``LedgerWriter``'s thread does.
final class WriterLoop: Sendable {
    private typealias Work = (items: [LedgerWriter.Item], requests: [LedgerWriter.Request], losses: UInt64)

    private let state: Monitor<LedgerWriter.State>
    /// Taken by the thread, which lets go of it at its end: with it goes the ledger's lock.
    private let store: Monitor<LedgerStore?>
    private let configuration: LedgerConfiguration
    private let onCheckpoint: @Sendable (Checkpoint) -> Void

    init(
        _ state: Monitor<LedgerWriter.State>, _ store: LedgerStore, _ configuration: LedgerConfiguration,
        _ onCheckpoint: @escaping @Sendable (Checkpoint) -> Void
    ) {
        self.state = state
        self.store = Monitor(store)
        self.configuration = configuration
        self.onCheckpoint = onCheckpoint
    }

    func run() {
        write()
        let left = state.withLock { state in
            state.hasEnded = true
            defer { (state.closers, state.items, state.requests, state.intents) = ([], [], [], 0) }
            state.health.lost += UInt64(state.items.count - state.intents)
            state.health.refused += UInt64(state.intents)
            return (closers: state.closers, items: state.items, requests: state.requests)
        }
        // What could not be written before the end; nobody may be left waiting.
        let closed = LedgerError(.closed, "the ledger was closed before this could be recorded")
        for item in left.items { item.waiter?.resume(throwing: closed) }
        for request in left.requests { fail(request, closed) }
        for closer in left.closers { closer.resume() }
    }

    private func write() {
        guard
            let store = store.withLock({ store in
                defer { store = nil }
                return store
            })
        else { return }
        var mustRecover = false
        var intents = 0
        while true {
            // Where many ask at once, a moment brings more of them into one write to the disk; one alone never waits.
            if intents >= Self.crowd { usleep(Self.moment) }
            guard let work = next() else { return }
            intents = work.items.count { $0.waiter != nil }
            var problem: LedgerError?
            do throws(LedgerError) {
                if mustRecover { try store.recover() }
                mustRecover = false
                do throws(LedgerError) {
                    try write(work, to: store)
                } catch {
                    guard error.kind == .unrecordable else { throw error }
                    mustRecover = true
                    problem = writeSingly(work, to: store)
                }
            } catch {
                mustRecover = true
                problem = error
                keep(work, error)
            }
            for request in work.requests {
                do throws(LedgerError) {
                    if let problem { throw problem }
                    if mustRecover { try store.recover() }
                    mustRecover = false
                    try answer(request, store)
                } catch {
                    mustRecover = true
                    fail(request, error)
                }
            }
        }
    }

    /// Intents of one transaction from which on more can be expected at once.
    private static let crowd = 8
    /// Microseconds.
    private static let moment: UInt32 = 1000
    /// How long notes, which nobody waits for, may wait for company.
    private static let patience = Duration.milliseconds(5)

    /// Waits for something to do.
    ///
    /// - Returns: nil when the ledger is closed and all is done.
    private func next() -> Work? {
        gather()
        return takeNext()
    }

    /// Waits until there is something, and where that is notes alone, a little longer.
    private func gather() {
        func isUrgent(_ state: LedgerWriter.State) -> Bool {
            state.intents > 0 || !state.requests.isEmpty || state.isClosed || state.isResting
                || state.items.count >= configuration.maximumBatch
        }
        let isUrgentNow = state.wait { state -> Bool? in
            if isUrgent(state) { return true }
            guard !state.items.isEmpty else { return nil }
            state.isGathering = true
            return false
        }
        guard !isUrgentNow else { return }
        _ = state.wait(atMost: Self.patience) { isUrgent($0) ? () : nil }
        state.withLockQuietly { $0.isGathering = false }
    }

    private func takeNext() -> Work? {
        func take(_ state: inout LedgerWriter.State) -> Work?? {
            if !state.isResting, !state.items.isEmpty || !state.requests.isEmpty {
                let count = min(state.items.count, configuration.maximumBatch)
                let items = Array(state.items[..<count])
                state.items.removeFirst(count)
                state.intents -= items.count { $0.waiter != nil }
                state.contentBytes -= items.reduce(0) { $1.waiter == nil ? $0 + $1.record.contentSize : $0 }
                // Who asks for something means all that waited before.
                let requests = state.items.isEmpty ? state.requests : []
                if state.items.isEmpty { state.requests = [] }
                return .some((items, requests, state.untoldLosses))
            }
            return state.isClosed ? .some(nil) : nil
        }
        while true {
            let isResting = state.withLockQuietly { $0.isResting && !$0.isClosed }
            guard isResting else { break }
            if let work = state.wait(atMost: .seconds(1), for: take) { return work }
            state.withLockQuietly { $0.isResting = false }
        }
        return state.wait(for: take)
    }

    private func write(_ work: Work, to store: LedgerStore) throws(LedgerError) {
        guard !work.items.isEmpty || work.losses > 0 else { return }
        var records = work.items.map(\.record)
        if work.losses > 0 {
            var loss = LedgerEntry(.loss, time: unixNanoseconds())
            loss.reason = "\(work.losses) entries could not be recorded"
            records.append(LedgerRecord(loss))
        }
        let first = try store.append(records)
        state.withLock { state in
            state.untoldLosses -= work.losses
            state.health.written += UInt64(records.count)
            state.health.problem = nil
        }
        for (i, item) in work.items.enumerated() { item.waiter?.resume(returning: first + UInt64(i)) }
        var problem: LedgerError?
        do throws(LedgerError) {
            _ = try store.checkpoint(every: configuration.checkpointInterval)
        } catch {
            // The entries are recorded; the checkpoint, or its line in the file, is tried again after the next ones.
            problem = error
        }
        tellCheckpoints(of: store, problem)
    }

    /// Says which checkpoints there are, whoever made them, and whether they can be written.
    private func tellCheckpoints(of store: LedgerStore, _ problem: LedgerError?) {
        for checkpoint in store.takeUntold() { onCheckpoint(checkpoint) }
        state.withLockQuietly { $0.health.checkpointProblem = problem }
    }

    /// One entry that can never be recorded must not keep all others from it: each in a transaction of its own, the culprits left
    /// out and counted.
    ///
    /// - Returns: what kept the rest from being recorded, which is put back; nil when nothing did.
    private func writeSingly(_ work: Work, to store: LedgerStore) -> LedgerError? {
        for (i, item) in work.items.enumerated() {
            do throws(LedgerError) {
                try store.recover()
                try write(([item], [], i == 0 ? work.losses : 0), to: store)
            } catch {
                guard error.kind == .unrecordable else {
                    keep((Array(work.items[i...]), [], 0), error)
                    return error
                }
                state.withLock { state in
                    state.health.problem = nil
                    if item.waiter == nil {
                        state.health.lost += 1
                        state.untoldLosses += 1
                    } else {
                        state.health.refused += 1
                    }
                }
                item.waiter?.resume(throwing: error)
            }
        }
        return nil
    }

    /// Refuses the intents, and puts the rest back to be tried again.
    private func keep(_ work: Work, _ problem: LedgerError) {
        let notes = work.items.filter { $0.waiter == nil }
        state.withLock { state in
            let kept = notes.suffix(max(0, configuration.capacity - (state.items.count - state.intents)))
            state.items.insert(contentsOf: kept, at: 0)
            state.contentBytes += kept.reduce(0) { $0 + $1.record.contentSize }
            state.health.lost += UInt64(notes.count - kept.count)
            state.untoldLosses += UInt64(notes.count - kept.count)
            state.health.refused += UInt64(work.items.count - notes.count)
            state.health.problem = problem
            // An intent that came meanwhile is an attempt of its own.
            state.isResting = !state.items.contains { $0.waiter != nil } && state.requests.isEmpty
        }
        for item in work.items { item.waiter?.resume(throwing: problem) }
    }

    private func answer(_ request: LedgerWriter.Request, _ store: LedgerStore) throws(LedgerError) {
        switch request {
        case .flush(let waiter): waiter.resume()
        case .checkpoint(let waiter):
            let checkpoint = try store.checkpoint()
            tellCheckpoints(of: store, nil)
            waiter.resume(returning: checkpoint)
        case .keeping:
            let before = store.head.count
            defer {
                state.withLock { $0.health.written += store.head.count - min(before, store.head.count) }
                for checkpoint in store.takeUntold() { onCheckpoint(checkpoint) }
            }
            try store.carryOutRequests()
        }
    }

    private func fail(_ request: LedgerWriter.Request, _ problem: LedgerError) {
        switch request {
        case .flush(let waiter): waiter.resume(throwing: problem)
        case .checkpoint(let waiter): waiter.resume(throwing: problem)
        // Who asked was answered, or asks until it is done.
        case .keeping: break
        }
    }
}
