internal import AgentRuns
internal import DatabaseFiles
internal import Digests
internal import FileLocks
internal import GRDB
internal import Glibc
internal import Synchronization

/// Writes runs into a store, a transaction for all that came together, and takes the oldest away when there are too many.
///
/// It fails for a run's sake, never for a request's: what cannot be stored is counted, and the next run is tried again. A power
/// failure can cost the last runs, the death of the process none that was committed.
public final class RunStoreWriter: Sendable {
    /// How much is kept; whichever bound is reached first.
    public struct Retention: Hashable, Sendable {
        public var runs = 100_000
        /// Seconds since a run was stored.
        public var age: UInt64 = 7 * 86_400
        /// About, of the database.
        public var bytes = 256 << 20

        public init() {}
    }

    /// What became of the runs: `added` is the sum of `stored`, `lost` and those that wait for ``commit()``.
    public struct Counts: Hashable, Sendable {
        public var added = 0
        public var stored = 0
        /// Could not be stored.
        public var lost = 0
        /// Were stored, and taken away since, as the retention says.
        public var removed = 0
        /// Why the last transaction failed; nil when it did not.
        public var problem: RunStoreError?
    }

    public let path: String
    private let lock: FileLock
    private let retention: Retention
    private let digests: KeyedDigest
    private let state: Mutex<State>

    private struct State {
        let connection: Connection
        var waiting: [StoredRun] = []
        var counts = Counts()
        /// Whether the retention may ask for more to go, whatever was stored since it was looked at.
        var mustPrune = true
        /// Stored since the retention was last looked at.
        var sincePruning = 0
    }

    /// The connection and its statements, which only the state's owner touches.
    private final class Connection: @unchecked Sendable {
        let queue: DatabaseQueue
        let deletion: SQLStatement
        let insertion: SQLStatement
        let callInsertion: SQLStatement

        init(_ queue: DatabaseQueue) throws {
            self.queue = queue
            (deletion, insertion, callInsertion) = try queue.write { db in
                (
                    try SQLStatement(db, "DELETE FROM runs WHERE trace_id = ? AND span_id = ?"),
                    try SQLStatement(db, RunRow.insertion), try SQLStatement(db, RunRow.callInsertion)
                )
            }
        }
    }

    /// Opens a store, or makes one, for its owner alone.
    ///
    /// - Throws: ``RunStoreError`` when another process writes it, or when it is no store.
    public init(_ path: String, _ retention: Retention = Retention()) throws(RunStoreError) {
        self.path = path
        self.retention = retention
        lock = try Self.lock(path)
        do {
            // What is lost with the power is rebuilt by nobody, and missed by few: no write waits for the disk.
            let settings = "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"
            let queue = try DatabaseFile.openForWriting(path, busyTimeout: 1, settings: settings) { try RunStoreSchema.check($0, path) }
            try RunStoreSchema.migrator.migrate(queue)
            var key: [UInt8] = []
            try queue.read { db in try db.rows("SELECT key FROM store") { key = $0.bytes(0) } }
            guard key.count == 32 else { throw RunStoreError(.corrupt, "the run store \(path) has no key") }
            digests = KeyedDigest(key: key)
            state = Mutex(State(connection: try Connection(queue)))
        } catch {
            throw RunStoreError(error, path)
        }
    }

    private static func lock(_ path: String) throws(RunStoreError) -> FileLock {
        let file = FileLock.path(ofDatabase: path)
        do throws(FileLock.Failure) {
            return try FileLock(file)
        } catch {
            switch error {
            case .taken:
                throw RunStoreError(
                    .inUse, "the run store \(path) is written by another process, such as a sidecar; give each a store of its own")
            case .unopenable(let reason):
                throw RunStoreError(.system, "the run store \(path) cannot be locked: \(file): \(String(cString: strerror(reason)))")
            case .unlockable: throw RunStoreError(.system, "the run store \(path) cannot be locked")
            }
        }
    }

    /// What the store keeps instead of the bytes, to tell equal ones from different.
    public func digest(of bytes: [UInt8]) -> [UInt8] { digests.digest(of: bytes).bytes }

    public var counts: Counts { state.withLock { $0.counts } }

    /// Takes a run, which is in the store after the next ``commit()``. One that is there already under its ids is replaced.
    public func add(_ run: StoredRun) {
        state.withLock { state in
            state.counts.added += 1
            state.waiting.append(run)
        }
    }

    /// Stores what was added.
    ///
    /// - Returns: whether all of it was stored; what was not is counted, and given up.
    @discardableResult
    public func commit() -> Bool {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return true }
            var runs: [StoredRun] = []
            swap(&runs, &state.waiting)
            do {
                let connection = state.connection
                try connection.queue.write { db in
                    for run in runs { try Self.insert(run, connection, db) }
                }
            } catch {
                state.counts.lost += runs.count
                state.counts.problem = RunStoreError(error, path)
                return false
            }
            state.counts.stored += runs.count
            state.counts.problem = nil
            state.sincePruning += runs.count
            // A failure to take old ones away has lost nothing.
            do { try prune(&state) } catch { state.counts.problem = RunStoreError(error, path) }
            return true
        }
    }

    private static func insert(_ run: StoredRun, _ connection: Connection, _ db: Database) throws {
        try connection.deletion.run([.blob(run.traceID.bytes), .blob(run.spanID.bytes)])
        try connection.insertion.run(RunRow.values(run, stored: now()))
        let id = db.lastInsertedRowID
        for (place, call) in run.calls.prefix(StoredRun.maximumCalls).enumerated() {
            try connection.callInsertion.run(RunRow.values(call, run: id, place: place))
        }
    }

    /// Takes away what is beyond the retention, a little at a time so that no commit takes long.
    private func prune(_ state: inout State) throws {
        guard state.mustPrune || state.sincePruning >= min(100, max(1, retention.runs / 20)) else { return }
        state.sincePruning = 0
        let oldest = Self.now().subtractingReportingOverflow(retention.age.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
        let removed = try state.connection.queue.write { db in
            // A run's id only grows; those of runs that were replaced are missing, so that a few less than allowed may be kept.
            let last = try db.number("SELECT max(id) FROM runs") ?? 0
            var bound = last > UInt64(retention.runs) ? last - UInt64(retention.runs) : 0
            if !oldest.overflow {
                bound = max(bound, try db.number("SELECT max(id) FROM runs WHERE stored < ?", [.init(oldest.partialValue)]) ?? 0)
            }
            let pages = try (db.number("PRAGMA page_count") ?? 0) - (db.number("PRAGMA freelist_count") ?? 0)
            if try pages * (db.number("PRAGMA page_size") ?? 0) > UInt64(retention.bytes) {
                let first = try db.number("SELECT min(id) FROM runs") ?? 0
                bound = max(bound, first + (last - first) / 10)
            }
            guard bound > 0 else { return 0 }
            try db.run("DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE id <= ? ORDER BY id LIMIT 2000)", [.init(bound)])
            return db.changesCount
        }
        state.counts.removed += removed
        state.mustPrune = removed > 0
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
