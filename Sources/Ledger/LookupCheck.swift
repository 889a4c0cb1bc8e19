internal import DatabaseFiles
internal import GRDB
internal import Threads

/// Whether readers find what is there: by the marks that filters go by, and by the pages that searches go through. The chain says
/// nothing of either.
///
/// On a thread and a connection of its own, since it takes about as long as the chain, beside which it runs.
final class LookupCheck: Sendable {
    struct Result: Sendable {
        /// Nil when all is well.
        var finding: LedgerFinding?
        var notes: [String] = []
    }

    private enum Ending: Sendable {
        case done(Result)
        case failed(LedgerError)
    }

    private let path: String
    private let ending = Monitor<Ending?>(nil)
    private let stop = StopFlag()
    /// Entries between two looks at the flag.
    private static let stride: UInt64 = 4096

    private init(_ path: String) { self.path = path }

    /// - Throws: ``LedgerError`` when the system has no thread to give.
    static func start(_ path: String) throws(LedgerError) -> LookupCheck {
        let check = LookupCheck(path)
        do throws(ThreadError) {
            try WorkerThread { check.work() }.detach()
        } catch {
            throw LedgerError(.system, error.description)
        }
        return check
    }

    /// Waits for its end.
    ///
    /// - Parameter isWanted: whether anybody asks for the result any more.
    /// - Throws: ``LedgerError`` when the ledger could not be read for a reason that says nothing of it.
    func finish(isWanted: Bool) throws(LedgerError) -> Result {
        if !isWanted { stop.set() }
        switch ending.wait(for: { $0 }) {
        case .done(let result): return result
        case .failed(let error): throw error
        }
    }

    private func work() {
        var found: Result?
        var problem: LedgerError?
        do {
            try LedgerFile.openForReading(path).read { found = try check($0) }
        } catch {
            problem = LedgerError(error, path)
        }
        // Where a page is damaged, to end reading can fail too: what was found by then is what there is to say.
        if found?.finding != nil { problem = nil }
        let last: Ending = problem.map { .failed($0) } ?? .done(found ?? Result())
        ending.withLock { $0 = last }
    }

    private func check(_ db: Database) throws -> Result {
        var result = Result()
        do {
            if try db.number("PRAGMA user_version") ?? 0 >= 3 {
                try checkMarks(db)
            } else {
                result.notes.append("an older version made this ledger: its indexes were not checked; a writer brings it up to date")
            }
            if !stop.isSet { try checkPages(db) }
        } catch let bad as FoundBad {
            result.finding = bad.finding
        } catch let error as DatabaseError where error.resultCode != .SQLITE_BUSY {
            result.finding = LedgerFinding(
                problem: .unreadable, entry: nil, message: "the database cannot be read on: \(LedgerError(error, path).message)")
        }
        return result
    }

    /// What hides an entry from a list is found as what changes it is.
    private func checkMarks(_ db: Database) throws {
        let base = try db.number("SELECT base_count FROM ledger") ?? 0
        var marks = MarkCheck()
        do {
            guard try read(db, after: base, &marks), let wrong = try marks.firstDifference(db) else { return }
            let numbers = EntryMarks.numbers(of: wrong)
            let first = max(numbers.lowerBound, base + 1)
            throw FoundBad(
                .index, first,
                "what filters look up of the entries \(first) to \(max(first, numbers.upperBound)) is not what they give: lists can leave some out; outrigger audit reindex makes it anew"
            )
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            throw FoundBad(.index, nil, "what filters look up cannot be read: \(error.message ?? ""); outrigger audit reindex makes it anew")
        }
    }

    /// - Returns: false where an entry is missing, which the chain tells of, or nobody wants to know any more.
    private func read(_ db: Database, after base: UInt64, _ marks: inout MarkCheck) throws -> Bool {
        let entries = try SQLStatement(db, "SELECT \(MarkCheck.columns) FROM entries NOT INDEXED ORDER BY number")
        var last = base
        while try entries.step() {
            let number = entries.number(0)
            guard number == last + 1 else { return false }
            marks.add(entries, number)
            last = number
            if number.isMultiple(of: Self.stride), stop.isSet { return false }
        }
        return true
    }

    /// Rows that are read in order are not all that a reader finds: it searches for them by what pages say of each other, and takes
    /// values to be of their columns' types.
    private func checkPages(_ db: Database) throws {
        var answer = ""
        do {
            try db.rows("PRAGMA quick_check(1)") { answer = $0.text(0) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            answer = error.message ?? ""
        }
        guard answer != "ok" else { return }
        throw FoundBad(.unreadable, nil, "its pages do not fit together, so that a reader may not find what is there: \(answer)")
    }
}
