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
    /// Writes whose end is not recorded.
    public var open = 0
    /// Nanoseconds, of the calls whose duration is known.
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
    /// Percentiles are nearest-rank. Memory grows with the number of durations, eight bytes each.
    public func statistics(_ filter: LedgerFilter) throws(LedgerError) -> [CallStatistics] {
        struct Key: Hashable {
            var tool: String
            var arm: String
        }
        return try read { db in
            var groups: [Key: (statistics: CallStatistics, durations: [UInt64])] = [:]
            let page = Page(limit: .max, newestFirst: false)
            let selection = "SELECT e.tool, e.arm, e.kind, e.outcome, e.duration FROM \(EntryRow.table)"
            try EntrySearch.run(db, selection, filter, page) { row in
                guard row.type(0) != .null else { return }
                let key = Key(tool: row.text(0), arm: row.text(1))
                var group =
                    groups.removeValue(forKey: key) ?? (CallStatistics(tool: key.tool, arm: RunRole(rawValue: key.arm)), [])
                let outcome = row.text(3)
                switch LedgerEntry.Kind(rawValue: row.text(2)) {
                case .intent:
                    group.statistics.calls += 1
                    group.statistics.open += 1
                case .completion: group.statistics.open -= 1
                case .call: group.statistics.calls += 1
                case .refusal: group.statistics.refusals += 1
                default: break
                }
                if outcome == LedgerEntry.Outcome.error.rawValue { group.statistics.errors += 1 }
                if row.type(4) == .integer { group.durations.append(row.number(4)) }
                groups[key] = group
            }
            return groups.values.map { group in
                var statistics = group.statistics
                statistics.open = max(0, statistics.open)
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
