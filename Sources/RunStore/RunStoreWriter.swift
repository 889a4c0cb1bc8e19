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
        /// Of those that were removed: runs that this writer had stored itself.
        public var removedOwn = 0
        /// Why the last runs could not be stored; nil when they could.
        public var problem: RunStoreError?
        /// Why what is beyond the retention could not be taken away, the last time; nil when it could.
        public var pruningProblem: RunStoreError?
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
        /// When that was; nil before the first time.
        var prunedAt: ContinuousClock.Instant?
        /// The id of the first run that was stored.
        var firstOwn: Int64?

        mutating func beginPruning(_ now: ContinuousClock.Instant) {
            sincePruning = 0
            prunedAt = now
        }

        /// A failure has lost nothing, and is not tried again at once.
        mutating func note(_ pruning: Result<Removal, RunStoreError>) {
            switch pruning {
            case .success(let removal):
                counts.removed += removal.runs
                counts.removedOwn += removal.own
                counts.pruningProblem = nil
                mustPrune = removal.runs > 0
            case .failure(let problem):
                counts.pruningProblem = problem
                mustPrune = false
            }
        }
    }

    /// What was taken away at once.
    private struct Removal {
        var runs = 0
        var own = 0
    }

    /// The connection, and its statements, which only the state's owner touches.
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

    /// Looks at a store, as far as that goes without making, changing or locking anything: one that is being written, or was when
    /// its writer was killed, is not looked at.
    ///
    /// - Throws: ``RunStoreError`` for a file that opening would refuse.
    public static func inspect(_ path: String) throws(RunStoreError) {
        do {
            try DatabaseFile.inspect(path) { try RunStoreSchema.check($0, path) }
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
                let first = try connection.queue.write { db -> Int64? in
                    var first: Int64?
                    for run in runs {
                        let id = try Self.insert(run, connection, db)
                        first = first ?? id
                    }
                    return first
                }
                state.firstOwn = state.firstOwn ?? first
            } catch {
                state.counts.lost += runs.count
                state.counts.problem = RunStoreError(error, path)
                return false
            }
            state.counts.stored += runs.count
            state.counts.problem = nil
            state.sincePruning += runs.count
            if state.mustPrune || state.sincePruning >= min(100, max(1, retention.runs / 20)) {
                state.beginPruning(.now)
                state.note(remove(2000, state.connection, state.firstOwn))
            }
            return true
        }
    }

    /// - Returns: the id of its row.
    private static func insert(_ run: StoredRun, _ connection: Connection, _ db: Database) throws -> Int64 {
        try connection.deletion.run([.blob(run.traceID.bytes), .blob(run.spanID.bytes)])
        try connection.insertion.run(RunRow.values(run, stored: now()))
        let id = db.lastInsertedRowID
        for (place, call) in run.calls.prefix(StoredRun.maximumCalls).enumerated() {
            try connection.callInsertion.run(RunRow.values(call, run: id, place: place))
        }
        return id
    }

    // MARK: the retention

    /// Has runs go that have become too old also while none is stored. Call it every now and then: it looks once a minute, and goes
    /// on the next time while there is more to go.
    ///
    /// A failure is in the ``counts``. Little goes at once, since a ``commit()`` waits for it; ``add(_:)`` does not.
    public func prune(now: ContinuousClock.Instant = .now) {
        let work = state.withLock { state -> (connection: Connection, firstOwn: Int64?)? in
            if !state.mustPrune, let last = state.prunedAt, now - last < .seconds(60) { return nil }
            state.beginPruning(now)
            return (state.connection, state.firstOwn)
        }
        guard let work else { return }
        let removal = remove(500, work.connection, work.firstOwn)
        state.withLock { $0.note(removal) }
    }

    /// Takes away what is beyond the retention.
    ///
    /// - Parameter most: as many runs at once, so that nobody waits for long.
    private func remove(_ most: Int64, _ connection: Connection, _ firstOwn: Int64?) -> Result<Removal, RunStoreError> {
        do {
            return .success(
                try connection.queue.write { db -> Removal in
                    let bound = try lastToGo(db)
                    guard bound > 0 else { return Removal() }
                    let oldest = "SELECT id FROM runs WHERE id <= ? ORDER BY id LIMIT ?"
                    let values: [SQLStatement.Value] = [.init(bound), .integer(most)]
                    var removal = Removal()
                    if let firstOwn {
                        let own = try db.number("SELECT count(*) FROM (\(oldest)) WHERE id >= ?", values + [.integer(firstOwn)])
                        removal.own = Int(clamping: own ?? 0)
                    }
                    try db.run("DELETE FROM runs WHERE id IN (\(oldest))", values)
                    removal.runs = db.changesCount
                    return removal
                })
        } catch {
            return .failure(RunStoreError(error, path))
        }
    }

    /// The last id that is beyond the retention; 0 for none.
    private func lastToGo(_ db: Database) throws -> UInt64 {
        // A run's id only grows; those of runs that were replaced are missing, so that a few less than allowed may be kept.
        let last = try db.number("SELECT max(id) FROM runs") ?? 0
        var bound = last > UInt64(retention.runs) ? last - UInt64(retention.runs) : 0
        let (age, isEndless) = retention.age.multipliedReportingOverflow(by: 1_000_000_000)
        let now = Self.now()
        if !isEndless, age < now {
            bound = max(bound, try db.number("SELECT max(id) FROM runs WHERE stored < ?", [.init(now - age)]) ?? 0)
        }
        let pages = try db.number("PRAGMA page_count") ?? 0
        // The number in a damaged file may be any.
        let free = min(pages, try db.number("PRAGMA freelist_count") ?? 0)
        if try (pages - free) * (db.number("PRAGMA page_size") ?? 0) > UInt64(retention.bytes) {
            let first = try db.number("SELECT min(id) FROM runs") ?? 0
            bound = max(bound, first + (last - first) / 10)
        }
        return bound
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
