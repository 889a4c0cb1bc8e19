internal import Threads

/// Where calls are recorded, as whoever lets them through sees it.
public protocol CallLedger: Sendable {
    /// Records what is about to happen. It is durable when this returns.
    ///
    /// - Throws: ``LedgerError`` when it cannot be recorded; then it must not happen.
    func begin(_ record: LedgerRecord) async throws -> EntryNumber

    /// Records what became of it. Nobody waits; what cannot be recorded is counted and told of in the chain later.
    func complete(_ intent: EntryNumber, _ record: LedgerRecord)

    /// Records what needs no promise beforehand: reads, refusals, changes of the rollout. Nobody waits.
    func note(_ record: LedgerRecord)
}

/// Whether a ledger can be written, and what was.
public struct LedgerHealth: Hashable, Sendable {
    public var written: UInt64 = 0
    /// Notes and completions that could not be recorded.
    public var lost: UInt64 = 0
    /// Intents that were refused.
    public var refused: UInt64 = 0
    /// Entries that wait.
    public var waiting = 0
    /// Why the last attempt failed; nil when it did not.
    public var problem: LedgerError?
    /// Why the last checkpoint, or its line in the checkpoint file, could not be written; nil when it could. Entries are recorded
    /// all the same.
    public var checkpointProblem: LedgerError?

    public var isWritable: Bool { problem == nil }
}

/// Writes a ledger on a thread of its own. Whatever waits when a transaction begins goes into that transaction, so that one
/// write to the disk makes many calls durable.
///
/// When a transaction fails (disk full, database locked or damaged) the intents in it are refused, and what nobody waits for
/// is kept, within bounds, and tried again: with the next entry, and every second.
public final class LedgerWriter: CallLedger, Sendable {
    struct Item: Sendable {
        var record: LedgerRecord
        var waiter: CheckedContinuation<EntryNumber, any Error>?
    }

    enum Request: Sendable {
        case checkpoint(CheckedContinuation<Checkpoint?, any Error>)
        case flush(CheckedContinuation<Void, any Error>)
        /// To carry out what other processes ask for.
        case keeping
    }

    struct State: Sendable {
        var items: [Item] = []
        /// How many of the items are intents. They have a bound of their own, so that notes that wait for a ledger which
        /// cannot be written never keep an intent from trying.
        var intents = 0
        /// Of the items that are no intents.
        var contentBytes = 0
        var requests: [Request] = []
        /// Whether the thread lets notes gather, and is to be woken by what is more only.
        var isGathering = false
        var isClosed = false
        var hasEnded = false
        /// Who waits for the end.
        var closers: [CheckedContinuation<Void, Never>] = []
        /// Set by a failure: nothing is tried again until something new comes or a second has passed.
        var isResting = false
        var health = LedgerHealth()
        /// Losses that the chain does not tell of yet.
        var untoldLosses: UInt64 = 0
    }

    private let state = Monitor(State())
    private let capacity: Int
    private let capacityBytes: Int
    private let requests: RequestFolder

    /// Opens the ledger, which no other process may be writing, and starts its thread.
    ///
    /// - Parameter onCheckpoint: told of every checkpoint, on the writer's thread.
    /// - Throws: ``LedgerError``, or ``ThreadError``.
    public init(_ configuration: LedgerConfiguration, onCheckpoint: @escaping @Sendable (Checkpoint) -> Void = { _ in }) throws
    {
        capacity = configuration.capacity
        capacityBytes = configuration.capacityBytes
        requests = RequestFolder(ofLedger: configuration.path)
        let loop = WriterLoop(state, try LedgerStore(configuration), configuration, onCheckpoint)
        try WorkerThread { loop.run() }.detach()
    }

    deinit { state.withLock { $0.isClosed = true } }

    /// Looks at a ledger, as far as that goes without making, changing or locking anything: one that is being written, or was
    /// when its writer was killed, is not looked at.
    ///
    /// - Throws: ``LedgerError`` for one that opening would refuse.
    public static func inspect(_ configuration: LedgerConfiguration) throws(LedgerError) {
        try LedgerStore.inspect(configuration)
    }

    public var health: LedgerHealth {
        state.withLockQuietly {
            var health = $0.health
            health.waiting = $0.items.count
            return health
        }
    }

    public func begin(_ record: LedgerRecord) async throws -> EntryNumber {
        try await withCheckedThrowingContinuation { continuation in
            let refusal: LedgerError? = state.withLock { state in
                if state.isClosed {
                    state.health.refused += 1
                    return LedgerError(.closed, "the ledger is closed")
                }
                guard state.intents < capacity else {
                    state.health.refused += 1
                    return LedgerError(.overloaded, "\(capacity) intents wait to be recorded")
                }
                state.intents += 1
                state.items.append(Item(record: record, waiter: continuation))
                state.isResting = false
                return nil
            }
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }

    public func complete(_ intent: EntryNumber, _ record: LedgerRecord) {
        var record = record
        record.entry.refers = intent
        note(record)
    }

    public func note(_ record: LedgerRecord) {
        let size = record.contentSize
        state.change(wakingIf: { state in
            guard !state.isClosed, state.items.count - state.intents < capacity, state.contentBytes + size <= capacityBytes else {
                state.health.lost += 1
                state.untoldLosses += 1
                return true
            }
            state.contentBytes += size
            state.items.append(Item(record: record, waiter: nil))
            return !state.isGathering
        })
    }

    /// Makes a checkpoint of all that was recorded before; nil when there is one already.
    public func checkpoint() async throws -> Checkpoint? {
        try await withCheckedThrowingContinuation { continuation in
            request(.checkpoint(continuation)) { continuation.resume(throwing: $0) }
        }
    }

    /// Waits until all that was handed over before is durable.
    ///
    /// - Throws: ``LedgerError`` when it could not be written; it is kept and tried again.
    public func flush() async throws {
        try await withCheckedThrowingContinuation { continuation in
            request(.flush(continuation)) { continuation.resume(throwing: $0) }
        }
    }

    /// Looks whether another process asks to erase or to remove something, which is done on the writer's thread then. To be
    /// called every second or so.
    public func lookForRequests() {
        if !requests.waiting.isEmpty { request(.keeping) { _ in } }
    }

    private func request(_ request: Request, refuse: (LedgerError) -> Void) {
        let isClosed = state.withLock { state in
            if !state.isClosed {
                state.requests.append(request)
                state.isResting = false
            }
            return state.isClosed
        }
        if isClosed { refuse(LedgerError(.closed, "the ledger is closed")) }
    }

    /// Writes what waits, makes a last checkpoint, and gives the ledger free. What still cannot be written is lost.
    ///
    /// - Throws: ``LedgerError`` when something could not be written.
    public func close() async throws {
        var problem: (any Error)?
        do {
            try await flush()
            _ = try await checkpoint()
        } catch {
            problem = error
        }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let hasEnded = state.withLock { state in
                state.isClosed = true
                if !state.hasEnded { state.closers.append(done) }
                return state.hasEnded
            }
            if hasEnded { done.resume() }
        }
        if let problem { throw problem }
    }
}
