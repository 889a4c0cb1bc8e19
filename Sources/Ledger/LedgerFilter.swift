public import AgentRuns
internal import DatabaseFiles

/// Which entries are asked for; nil asks for all.
public struct LedgerFilter: Sendable {
    /// Unix nanoseconds; from then on.
    public var since: UInt64?
    /// Unix nanoseconds; before then.
    public var until: UInt64?
    public var kind: LedgerEntry.Kind?
    public var tool: String?
    public var arm: RunRole?
    public var mode: RunMode?
    public var agent: String?
    /// The version, or the digest.
    public var release: String?
    public var verdict: LedgerEntry.Verdict?
    public var traceID: TraceID?
    public var requestID: String?
    public var runID: String?
    /// Bytes that stand in the content that was kept, as they are.
    public var text: String?

    public init() {}

    /// The condition, with a `?` for each argument: no value ever becomes a part of the statement.
    struct Condition {
        var sql: [String] = []
        var arguments: [SQLStatement.Value] = []

        mutating func add(_ sql: String, _ values: SQLStatement.Value...) {
            self.sql.append(sql)
            arguments += values
        }

        var clause: String { sql.isEmpty ? "1" : sql.joined(separator: " AND ") }
    }

    /// Whether it lets everything through.
    public var isEmpty: Bool { condition().sql.isEmpty }

    /// Whether it can leave out the completion of an intent that it lets through. They have all else in common, and a
    /// completion is never the earlier of the two.
    var canHideCompletions: Bool { until != nil || kind != nil || verdict != nil || text != nil }

    /// The values that marks can be asked for, the rarest first.
    var terms: [(field: EntryField, value: [UInt8])] {
        let version = release.flatMap { $0.hasPrefix("sha256:") ? nil : $0 }
        return EntryMarks.fields.compactMap { field in
            let value: [UInt8]? =
                switch field {
                case .traceID: traceID?.bytes
                case .requestID: requestID.map { Array($0.utf8) }
                case .verdict: verdict.map { Array($0.rawValue.utf8) }
                case .kind: kind.map { Array($0.rawValue.utf8) }
                case .tool: tool.map { Array($0.utf8) }
                case .releaseVersion: version.map { Array($0.utf8) }
                case .agent: agent.map { Array($0.utf8) }
                case .arm: arm.map { Array($0.rawValue.utf8) }
                default: nil
                }
            return value.map { (field, $0) }
        }
    }

    /// - Parameter table: the name that `entries` goes by.
    func condition(_ table: String = "e") -> Condition {
        var condition = Condition()
        if let since { condition.add("\(table).time >= ?", .init(since)) }
        if let until { condition.add("\(table).time < ?", .init(until)) }
        if let kind { condition.add("\(table).kind = ?", .text(kind.rawValue)) }
        if let tool { condition.add("\(table).tool = ?", .text(tool)) }
        if let arm { condition.add("\(table).arm = ?", .text(arm.rawValue)) }
        if let mode { condition.add("\(table).mode = ?", .text(mode.rawValue)) }
        if let agent { condition.add("\(table).agent = ?", .text(agent)) }
        if let release {
            if release.hasPrefix("sha256:") {
                condition.add("\(table).release_digest = ?", .text(release))
            } else {
                condition.add("\(table).release_version = ?", .text(release))
            }
        }
        if let verdict { condition.add("\(table).verdict = ?", .text(verdict.rawValue)) }
        if let traceID { condition.add("\(table).trace_id = ?", .blob(traceID.bytes)) }
        if let requestID { condition.add("\(table).request_id = ?", .text(requestID)) }
        if let runID { condition.add("\(table).run_id = ?", .text(runID)) }
        if let text {
            condition.add(
                "EXISTS (SELECT 1 FROM contents t NOT INDEXED WHERE t.entry = \(table).number AND (instr(t.arguments, ?) > 0 OR instr(t.result, ?) > 0))",
                .blob(Array(text.utf8)), .blob(Array(text.utf8)))
        }
        return condition
    }
}
