public import AgentRuns
internal import DatabaseFiles
internal import GRDB

/// What one arm did with one tool.
public struct CallStatistics: Sendable {
    public var tool: String
    /// Nil where the entries name no arm.
    public var arm: RunRole?
    /// Calls that were let through, intents and what needed none alike.
    public var calls = 0
    public var refusals = 0
    public var errors = 0
    /// Calls that got no answer, or were cancelled: whether they took effect is not known.
    public var unknown = 0
    /// Writes whose end is recorded nowhere in the ledger.
    public var open = 0
    /// Nanoseconds, of the calls that were carried out and whose duration is known.
    public var p50: UInt64?
    public var p95: UInt64?
}

/// A tool that the candidate called and the baseline never did.
public struct CallDifference: Sendable {
    public var tool: String
    /// Calls that the baseline never made.
    public var calls: Int
    /// Refused ones that the baseline never tried.
    public var refusals: Int
    public var first: EntryNumber
    /// Whether the baseline did the same with the tool, with other arguments.
    public var isKnownTool: Bool
}

extension LedgerReader {
    /// Calls, refusals, errors and durations by tool and arm, the tool with most calls first.
    ///
    /// Percentiles are nearest-rank, of what was carried out: how soon something was refused says nothing of a tool. Memory
    /// grows with the number of durations, eight bytes each, and of writes that are open at one time.
    public func statistics(_ filter: LedgerFilter) throws(LedgerError) -> [CallStatistics] {
        struct Key: Hashable {
            var tool: String
            var arm: String
        }
        return try read { db in
            var places: [Key: Int] = [:]
            var groups: [(statistics: CallStatistics, durations: [UInt64])] = []
            var open = try OpenIntents(db, of: filter)
            let page = Page(limit: .max, newestFirst: false)
            let selection = "SELECT e.tool, e.arm, e.kind, e.outcome, e.duration, e.number, e.refers FROM \(EntryRow.table)"
            try EntrySearch.run(db, selection, filter, page) { row in
                let kind = LedgerEntry.Kind(rawValue: row.text(2))
                if kind == .completion { open.complete(row.number(6)) }
                guard row.type(0) != .null else { return }
                let key = Key(tool: row.text(0), arm: row.text(1))
                let place = places[key] ?? groups.count
                if place == groups.count {
                    places[key] = place
                    groups.append((CallStatistics(tool: key.tool, arm: RunRole(rawValue: key.arm)), []))
                }
                switch kind {
                case .intent:
                    groups[place].statistics.calls += 1
                    try open.begin(row.number(5), in: place)
                case .call: groups[place].statistics.calls += 1
                case .refusal: groups[place].statistics.refusals += 1
                default: break
                }
                switch LedgerEntry.Outcome(rawValue: row.text(3)) {
                case .error: groups[place].statistics.errors += 1
                case .unknown, .cancelled: groups[place].statistics.unknown += 1
                case .success, nil: break
                }
                if kind == .call || kind == .completion, row.type(4) == .integer { groups[place].durations.append(row.number(4)) }
            }
            for place in try open.finish() { groups[place].statistics.open += 1 }
            return groups.map { group in
                var statistics = group.statistics
                let sorted = group.durations.sorted()
                statistics.p50 = Self.percentile(50, of: sorted)
                statistics.p95 = Self.percentile(95, of: sorted)
                return statistics
            }.sorted {
                ($1.calls + $1.refusals, $0.tool, $0.arm?.rawValue ?? "") < (
                    $0.calls + $0.refusals, $1.tool, $1.arm?.rawValue ?? ""
                )
            }
        }
    }

    private static func percentile(_ percent: Int, of sorted: [UInt64]) -> UInt64? {
        sorted.isEmpty ? nil : sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }

    /// What the candidate called that the baseline never called, and what it was refused that the baseline never tried.
    ///
    /// Who was refused has tried, and has called nothing: a call that the baseline was always refused is a difference.
    ///
    /// - Parameter byArguments: whether the same tool with other arguments is another call; they are told apart by digest.
    public func difference(_ filter: LedgerFilter, byArguments: Bool) throws(LedgerError) -> [CallDifference] {
        try read { db in
            var condition = filter.condition()
            condition.add("e.arm = 'candidate'")
            // One value, since SQLite looks through all of a set of pairs for each pair that is not in it. A digest has 32 bytes.
            func call(_ table: String) -> String {
                (byArguments ? "coalesce(\(table).arguments_digest, zeroblob(32)) || " : "") + "\(table).tool"
            }
            func tries(_ table: String) -> String {
                "\(table).tool IS NOT NULL AND \(table).kind IN ('intent', 'call', 'refusal')"
            }
            // Of what the baseline did SQLite makes a table once, on disk when it is large, and sets of that.
            let sql = """
                WITH baseline AS MATERIALIZED (
                    SELECT DISTINCT \(call("b")) AS call, b.tool AS tool, b.kind <> 'refusal' AS called
                    FROM entries b NOT INDEXED WHERE b.arm = 'baseline' AND \(tries("b")))
                SELECT e.tool, sum(e.kind <> 'refusal'), sum(e.kind = 'refusal'), min(e.number),
                    min(CASE e.kind WHEN 'refusal' THEN e.tool IN (SELECT tool FROM baseline)
                        ELSE e.tool IN (SELECT tool FROM baseline WHERE called) END)
                FROM \(EntryRow.table) WHERE \(condition.clause) AND \(tries("e"))
                    AND CASE e.kind WHEN 'refusal' THEN \(call("e")) NOT IN (SELECT call FROM baseline)
                        ELSE \(call("e")) NOT IN (SELECT call FROM baseline WHERE called) END
                GROUP BY e.tool ORDER BY min(e.number)
                """
            var found: [CallDifference] = []
            try db.rows(sql, condition.arguments) { row in
                found.append(
                    CallDifference(
                        tool: row.text(0), calls: Int(row.integer(1)), refusals: Int(row.integer(2)), first: row.number(3),
                        isKnownTool: row.integer(4) != 0))
            }
            return found
        }
    }
}
