internal import AgentRuns
internal import DatabaseFiles

/// A run as a row: which column holds what, written and read in one order.
enum RunRow {
    /// All but `id` and `stored`.
    static let columns = [
        "trace_id", "span_id", "role", "mode", "started", "duration", "request_id", "replay_id", "agent", "release_version",
        "release_digest", "rollout_id", "rollout_revision", "stage", "fallback", "status", "outcome", "error_type", "cost_tokens",
        "input_tokens", "output_tokens", "passed", "reasons", "response_digest", "response", "is_exported", "pair_trace_id",
        "pair_span_id", "divergence_index", "divergence_tool", "divergence_kind", "omitted_calls", "recorded_id",
    ]

    static let insertion =
        "INSERT INTO runs (stored, \(columns.joined(separator: ", "))) VALUES (?\(String(repeating: ", ?", count: columns.count)))"
    static let callInsertion = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    static let callColumns = "tool, arguments_digest, arguments, verdict, success, duration"

    static func values(_ run: StoredRun, stored: UInt64) -> [SQLStatement.Value] {
        func text(_ text: String) -> SQLStatement.Value { .text(StoredRun.bounded(text)) }
        func optional(_ value: String?) -> SQLStatement.Value { value.map(text) ?? .null }
        func number(_ value: Int64?) -> SQLStatement.Value { value.map { .integer($0) } ?? .null }
        return [
            .init(stored), .blob(run.traceID.bytes), .blob(run.spanID.bytes), .text(run.role.rawValue), .text(run.mode.rawValue),
            .init(run.started), run.duration.map { .init($0) } ?? .null, text(run.requestID), text(run.replayID), text(run.agent),
            text(run.releaseVersion), text(run.releaseDigest), text(run.rolloutID), .integer(Int64(run.rolloutRevision)),
            text(run.stage), text(run.fallback), number(run.status.map { Int64($0) }), optional(run.outcome), optional(run.errorType),
            run.costTokens.map { .real($0) } ?? .null, number(run.inputTokens), number(run.outputTokens),
            number(run.passed.map { $0 ? 1 : 0 }), text(run.reasons.joined(separator: "\n")), .init(run.responseDigest),
            run.response.map { .text(StoredRun.bounded($0, to: StoredRun.maximumContent)) } ?? .null,
            .integer(run.isExported ? 1 : 0), .init(run.pair?.traceID.bytes), .init(run.pair?.spanID.bytes),
            number(run.divergence.map { Int64($0.index) }), optional(run.divergence?.tool), optional(run.divergence?.kind),
            .integer(Int64(run.omittedCalls + max(0, run.calls.count - StoredRun.maximumCalls))), text(run.recordedID),
        ]
    }

    static func values(_ call: StoredRun.Call, run: Int64, place: Int) -> [SQLStatement.Value] {
        [
            .integer(run), .integer(Int64(place)), .text(StoredRun.bounded(call.tool)), .blob(call.argumentsDigest),
            call.arguments.map { .text(StoredRun.bounded($0, to: StoredRun.maximumContent)) } ?? .null,
            call.verdict.map { .text($0) } ?? .null, call.success.map { .integer($0 ? 1 : 0) } ?? .null,
            call.duration.map { .init($0) } ?? .null,
        ]
    }

    /// A store may come from anyone: what is read is within the bounds of what is written, and numbers that no run has are left
    /// out, so that nobody who counts or compares has to fear them.
    ///
    /// - Parameter row: `id`, then ``columns``.
    /// - Throws: ``RunStoreError`` for a row that does not say which run it is of.
    static func read(_ row: SQLStatement) throws -> (id: Int64, run: StoredRun) {
        let id = row.integer(0)
        func place(_ i: Int) -> Int { i + 1 }
        func text(_ i: Int) -> String { row.text(place(i), upTo: StoredRun.maximumText) ?? "" }
        func optional(_ i: Int) -> String? { row.text(place(i), upTo: StoredRun.maximumText) }
        func number(_ i: Int) -> Int64? { row.type(place(i)) == .null ? nil : row.integer(place(i)) }
        func amount(_ i: Int) -> Int64? { row.amount(place(i)) }
        func count(_ i: Int) -> Int? { row.amount(place(i)).flatMap { $0 <= maximumCount ? Int($0) : nil } }
        func traceID(_ i: Int) -> TraceID? { TraceID(bytes: row.bytes(place(i))) }
        func spanID(_ i: Int) -> SpanID? { SpanID(bytes: row.bytes(place(i))) }
        guard let trace = traceID(0), let span = spanID(1), let role = RunRole(rawValue: text(2)), let mode = RunMode(rawValue: text(3))
        else { throw RunStoreError(.corrupt, "run \(id) of the store is damaged") }
        var run = StoredRun(traceID: trace, spanID: span, role: role, mode: mode, started: row.number(place(4)))
        run.duration = amount(5).map { UInt64($0) }
        run.requestID = text(6)
        run.replayID = text(7)
        run.agent = text(8)
        run.releaseVersion = text(9)
        run.releaseDigest = text(10)
        run.rolloutID = text(11)
        run.rolloutRevision = Int(row.integer(place(12)))
        run.stage = text(13)
        run.fallback = text(14)
        run.status = number(15).map { Int($0) }
        run.outcome = optional(16)
        run.errorType = optional(17)
        let tokens = row.type(place(18)) == .null ? nil : row.real(place(18))
        run.costTokens = tokens.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        run.inputTokens = amount(19)
        run.outputTokens = amount(20)
        run.passed = number(21).map { $0 != 0 }
        run.reasons = text(22).split(separator: "\n").map(String.init)
        run.responseDigest = row.digest(place(23))
        run.response = row.text(place(24), upTo: StoredRun.maximumContent)
        run.isExported = number(25) != 0
        if let trace = traceID(26), let span = spanID(27) { run.pair = .init(traceID: trace, spanID: span) }
        if let index = count(28) { run.divergence = .init(index: index, tool: text(29), kind: text(30)) }
        run.omittedCalls = count(31) ?? 0
        run.recordedID = text(32)
        return (id, run)
    }

    /// Places among the calls, and numbers of calls, that are larger are no run's.
    private static let maximumCount = Int64(Int32.max)

    /// As ``read(_:)``, for a call.
    ///
    /// - Parameter row: ``callColumns``.
    static func readCall(_ row: SQLStatement) -> StoredRun.Call {
        var call = StoredRun.Call(tool: row.text(0, upTo: StoredRun.maximumText) ?? "", argumentsDigest: row.digest(1) ?? [])
        call.arguments = row.text(2, upTo: StoredRun.maximumContent)
        call.verdict = row.text(3, upTo: StoredRun.maximumText)
        call.success = row.type(4) == .null ? nil : row.integer(4) != 0
        call.duration = row.amount(5).map { UInt64($0) }
        return call
    }
}

extension SQLStatement {
    /// nil for NULL.
    fileprivate func text(_ column: Int, upTo bytes: Int) -> String? {
        type(column) == .null ? nil : StoredRun.bounded(text(column), to: bytes)
    }

    /// nil for NULL; ours have 32 bytes.
    fileprivate func digest(_ column: Int) -> [UInt8]? {
        type(column) == .null ? nil : withBytes(column) { Array($0.prefix(64)) }
    }

    /// nil for NULL, and below 0.
    fileprivate func amount(_ column: Int) -> Int64? {
        guard type(column) != .null else { return nil }
        let amount = integer(column)
        return amount >= 0 ? amount : nil
    }
}
