/// The statements by which runs are read.
///
/// Each gives its rows in the order in which an index has them. To sort rows, SQLite would write them into files of its own, and
/// what agents said with them.
enum RunQuery {
    /// Candidates that ran beside a baseline, by when they were stored (from, before), the last first.
    static let candidates = selection("stored >= ? AND stored < ? AND pair_trace_id IS NOT NULL") + " ORDER BY stored DESC, id DESC"
    /// By when they were stored (from, before) and the mode, the first first.
    static let ofMode = selection("stored >= ? AND stored < ? AND mode = ?") + " ORDER BY stored, id"
    static let ofRequest = last("request_id = ?")
    static let recordedAs = last("recorded_id = ?")
    static let ofTrace = last("trace_id = ?")
    /// The one run of a trace id and a span id.
    static let one = selection("trace_id = ? AND span_id = ?") + " LIMIT 1"
    /// Those that ran beside the run of a trace id and a span id.
    static let beside = last("pair_trace_id = ? AND pair_span_id = ?")
    /// Of a run. The writer stores no more of them.
    static let calls = "SELECT \(RunRow.callColumns) FROM calls WHERE run = ? ORDER BY place LIMIT \(StoredRun.maximumCalls)"

    private static func selection(_ condition: String) -> String {
        "SELECT id, \(RunRow.columns.joined(separator: ", ")) FROM runs WHERE \(condition)"
    }

    /// The last runs of a condition, the first of them first: an id that a client gave can stand on any number of requests. Where
    /// the condition's index is not in the order of the ids, the ids are sorted, and nothing else.
    private static func last(_ condition: String) -> String {
        selection("id IN (SELECT id FROM runs WHERE \(condition) ORDER BY id DESC LIMIT 1000)") + " ORDER BY id"
    }
}
