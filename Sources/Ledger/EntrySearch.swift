internal import DatabaseFiles
internal import GRDB

/// Finds the entries that a filter lets through, in the order of their numbers: by the marks of their blocks, and where there
/// are none, as in an older version's database and after the last full block, one by one.
///
/// Marks only say where to look: each entry is held against the filter itself.
struct EntrySearch {
    private let db: Database
    private let filter: LedgerFilter
    private let arguments: [SQLStatement.Value]
    private let page: LedgerReader.Page
    private let inRange: SQLStatement
    private let single: SQLStatement
    private let body: (SQLStatement) throws -> Void
    private var left: Int

    /// - Parameters:
    ///   - selection: a statement up to its WHERE, from ``EntryRow/table``.
    ///   - body: gets each row.
    private init(
        _ db: Database, _ selection: String, _ filter: LedgerFilter, _ page: LedgerReader.Page,
        _ body: @escaping (SQLStatement) throws -> Void
    ) throws {
        (self.db, self.filter, self.page, self.body, left) = (db, filter, page, body, page.limit)
        let condition = filter.condition()
        arguments = condition.arguments
        let start = "\(selection) WHERE \(condition.clause) AND e.number"
        inRange = try SQLStatement(db, "\(start) BETWEEN ? AND ? ORDER BY e.number \(page.newestFirst ? "DESC" : "ASC")")
        single = try SQLStatement(db, "\(start) = ?")
    }

    static func run(
        _ db: Database, _ selection: String, _ filter: LedgerFilter, _ page: LedgerReader.Page,
        _ body: (SQLStatement) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { body in
            var search = try EntrySearch(db, selection, filter, page, body)
            try search.run()
        }
    }

    private mutating func run() throws {
        let last = UInt64(Int64.max)
        var (low, high): (EntryNumber, EntryNumber) = (0, last)
        if let after = page.after, page.newestFirst { high = min(high, max(1, after) - 1) }
        if let after = page.after, !page.newestFirst { low = min(last, after) + 1 }
        guard low <= high, low <= last else { return }
        guard !filter.terms.isEmpty || filter.since != nil || filter.until != nil, let marked = try Self.lastMarked(db) else {
            return try scan(low...high)
        }
        if !page.newestFirst, low <= marked { try walk(low...min(high, marked)) }
        if high > marked { try scan(max(low, marked + 1)...high) }
        if page.newestFirst, low <= marked { try walk(low...min(high, marked)) }
    }

    /// The last entry that is marked; nil when none is.
    private static func lastMarked(_ db: Database) throws -> EntryNumber? {
        guard try db.number("PRAGMA user_version") ?? 0 >= 3 else { return nil }
        return try db.number("SELECT max(block) FROM blocks").map { EntryMarks.numbers(of: $0).upperBound }
    }

    private mutating func scan(_ numbers: ClosedRange<EntryNumber>) throws {
        guard left > 0 else { return }
        try inRange.bind(arguments + [.init(numbers.lowerBound), .init(numbers.upperBound)])
        defer { inRange.reset() }
        while left > 0, try inRange.step() {
            left -= 1
            try body(inRange)
        }
    }

    private mutating func look(at number: EntryNumber) throws {
        try single.bind(arguments + [.init(number)])
        defer { single.reset() }
        guard try single.step() else { return }
        left -= 1
        try body(single)
    }

    /// Goes through the blocks that have all of the filter's values.
    private mutating func walk(_ numbers: ClosedRange<EntryNumber>) throws {
        let terms = filter.terms
        var condition = LedgerFilter.Condition()
        for (i, term) in terms.enumerated() {
            condition.add("m\(i).field = ? AND m\(i).value = ?", .integer(Int64(term.field.column)), .blob(term.value))
            if i > 0 { condition.add("m\(i).block = m0.block") }
        }
        if let since = filter.since { condition.add("b.latest >= ?", .init(since)) }
        if let until = filter.until { condition.add("b.earliest < ?", .init(until)) }
        let block = terms.isEmpty ? "b.block" : "m0.block"
        if !terms.isEmpty { condition.add("b.block = m0.block") }
        condition.add(
            "\(block) BETWEEN ? AND ?", .init(EntryMarks.block(of: numbers.lowerBound)),
            .init(EntryMarks.block(of: numbers.upperBound)))
        // CROSS JOIN is SQLite's word for: in this order.
        let tables = terms.indices.map { "marks m\($0)" } + ["blocks b"]
        let columns = [block] + terms.indices.map { "m\($0).places" }
        let blocks = try SQLStatement(
            db,
            "SELECT \(columns.joined(separator: ", ")) FROM \(tables.joined(separator: " CROSS JOIN ")) "
                + "WHERE \(condition.clause) ORDER BY \(block) \(page.newestFirst ? "DESC" : "ASC")")
        try blocks.bind(condition.arguments)
        while left > 0, try blocks.step() {
            let places = terms.indices.map { EntryMarks.decode(blocks.bytes($0 + 1)) }
            try look(into: EntryMarks.numbers(of: blocks.number(0)).clamped(to: numbers), of: blocks.number(0), places)
        }
    }

    /// - Parameter places: for each of the filter's values, where in the block it is; nil where that cannot be read.
    private mutating func look(into numbers: ClosedRange<EntryNumber>, of block: UInt64, _ places: [[UInt16]?]) throws {
        var candidates: Set<UInt16>?
        for list in places.compactMap({ $0 }) { candidates = candidates?.intersection(list) ?? Set(list) }
        // Row by row costs more than to go through all of them when many are asked for.
        guard let candidates, candidates.count < 128 else { return try scan(numbers) }
        let start = EntryMarks.numbers(of: block).lowerBound
        for place in candidates.sorted(by: page.newestFirst ? (>) : (<)) where left > 0 {
            if numbers.contains(start + UInt64(place)) { try look(at: start + UInt64(place)) }
        }
    }
}
