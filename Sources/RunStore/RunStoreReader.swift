public import AgentRuns
internal import DatabaseFiles
internal import GRDB

/// Reads a run store, also one that is being written, a copy, or a read-only file. It never keeps the writer waiting.
public final class RunStoreReader: Sendable {
    public let path: String
    private let queue: DatabaseQueue

    /// - Throws: ``RunStoreError`` when there is no such store, or a later version wrote it.
    public init(_ path: String) throws(RunStoreError) {
        self.path = path
        do {
            queue = try DatabaseFile.openForReading(path) { try RunStoreSchema.check($0, path) }
        } catch {
            throw RunStoreError(error, path)
        }
    }

    /// Which runs, by when they were stored (Unix nanoseconds).
    public struct Period: Hashable, Sendable {
        /// From this time on.
        public var since: UInt64
        /// Before this time.
        public var until: UInt64

        public init(since: UInt64 = 0, until: UInt64 = .max) {
            self.since = since
            self.until = until
        }
    }

    /// A baseline's run and that of the candidate beside it.
    public struct Pair: Sendable {
        /// nil where it is not in the store, any more or at all.
        public var baseline: StoredRun?
        public var candidate: StoredRun

        public init(baseline: StoredRun?, candidate: StoredRun) {
            self.baseline = baseline
            self.candidate = candidate
        }
    }

    public func runs(ofRequest id: String) throws(RunStoreError) -> [StoredRun] {
        try collect(RunQuery.ofRequest, [.text(StoredRun.bounded(id))])
    }

    /// The runs that were recorded under this id, such as those of a replay by the trace's own.
    public func runs(recordedAs id: String) throws(RunStoreError) -> [StoredRun] {
        guard !id.isEmpty else { return [] }
        return try collect(RunQuery.recordedAs, [.text(StoredRun.bounded(id))])
    }

    public func runs(ofTrace id: TraceID) throws(RunStoreError) -> [StoredRun] {
        try collect(RunQuery.ofTrace, [.blob(id.bytes)])
    }

    /// The run that a candidate ran beside, or the candidates that ran beside a baseline.
    public func partners(of run: StoredRun) throws(RunStoreError) -> [StoredRun] {
        if let pair = run.pair {
            return try collect(RunQuery.one, [.blob(pair.traceID.bytes), .blob(pair.spanID.bytes)])
        }
        return try collect(RunQuery.beside, [.blob(run.traceID.bytes), .blob(run.spanID.bytes)])
    }

    /// All pairs of a period, the last stored candidates first.
    ///
    /// - Parameter body: returns whether to go on.
    public func forEachPair(in period: Period, _ body: (Pair) throws -> Bool) throws(RunStoreError) {
        try read { db in
            let reader = try RowReader(db)
            let baseline = try SQLStatement(db, RunQuery.one)
            try db.walk(RunQuery.candidates, [.init(period.since), .init(period.until)]) { row in
                let candidate = try reader.run(row)
                guard let link = candidate.pair else { return true }
                try baseline.bind([.blob(link.traceID.bytes), .blob(link.spanID.bytes)])
                defer { baseline.reset() }
                return try body(Pair(baseline: try baseline.step() ? reader.run(baseline) : nil, candidate: candidate))
            }
        }
    }

    /// All runs of a mode and a period, the first stored first.
    public func forEachRun(_ mode: RunMode, in period: Period, _ body: (StoredRun) throws -> Void) throws(RunStoreError) {
        try read { db in
            let reader = try RowReader(db)
            try db.rows(RunQuery.ofMode, [.init(period.since), .init(period.until), .text(mode.rawValue)]) { try body(reader.run($0)) }
        }
    }

    /// How many runs there are, and when the first of them was stored (Unix nanoseconds).
    public func overview() throws(RunStoreError) -> (runs: Int, since: UInt64?) {
        try read { db in
            (Int(clamping: try db.number("SELECT count(*) FROM runs") ?? 0), try db.number("SELECT min(stored) FROM runs"))
        }
    }

    private func collect(_ sql: String, _ arguments: [SQLStatement.Value]) throws(RunStoreError) -> [StoredRun] {
        try read { db in
            let reader = try RowReader(db)
            var found: [StoredRun] = []
            try db.rows(sql, arguments) { found.append(try reader.run($0)) }
            return found
        }
    }

    private func read<Result>(_ body: (Database) throws -> Result) throws(RunStoreError) -> Result {
        do {
            return try queue.read(body)
        } catch let error as RunStoreError {
            throw error
        } catch {
            throw RunStoreError(error, path)
        }
    }
}

/// Reads rows of runs, each with its calls.
private final class RowReader {
    private let calls: SQLStatement

    init(_ db: Database) throws { calls = try SQLStatement(db, RunQuery.calls) }

    func run(_ row: SQLStatement) throws -> StoredRun {
        var (id, run) = try RunRow.read(row)
        try calls.bind([.integer(id)])
        while try calls.step() { run.calls.append(RunRow.readCall(calls)) }
        calls.reset()
        return run
    }
}

extension Database {
    /// Reads rows one by one, as long as `body` wants more.
    fileprivate func walk(_ sql: String, _ arguments: [SQLStatement.Value], _ body: (SQLStatement) throws -> Bool) throws {
        let statement = try SQLStatement(self, sql)
        try statement.bind(arguments)
        while try statement.step() { guard try body(statement) else { return } }
    }
}
