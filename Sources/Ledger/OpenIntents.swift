internal import DatabaseFiles
internal import GRDB

/// The intents of a selection that are not completed, found on one way through it in the order of the entries.
///
/// A selection can leave out completions of intents that it has, such as those after its end. Those are looked for beside it,
/// only where an intent is open and never before it, so that there is memory for what is open at one time and no more.
struct OpenIntents {
    /// What each open intent counts for.
    private var groups: [EntryNumber: Int] = [:]
    /// All completions after an entry; nil where the selection has those of its intents.
    private let completions: SQLStatement?
    /// The next completion that was not taken yet.
    private var next: (number: EntryNumber, refers: EntryNumber)?
    private var isAtEnd = false

    init(_ db: Database, of filter: LedgerFilter) throws {
        completions =
            filter.canHideCompletions
            ? try SQLStatement(
                db, "SELECT e.number, e.refers FROM \(EntryRow.table) WHERE e.kind = 'completion' AND e.number > ? ORDER BY e.number")
            : nil
    }

    mutating func begin(_ number: EntryNumber, in group: Int) throws {
        try settle(before: number)
        if groups.isEmpty, let completions, !isAtEnd, (next?.number ?? 0) < number {
            // None up to here is about what is open from now on.
            try completions.bind([.init(number)])
            try advance()
        }
        groups[number] = group
    }

    /// - Parameter number: that of the intent that a completion of the selection refers to.
    mutating func complete(_ number: EntryNumber) { groups[number] = nil }

    /// Call it once, at the selection's end.
    ///
    /// - Returns: what each intent that is still open counts for.
    mutating func finish() throws -> [Int] {
        try settle(before: .max)
        return Array(groups.values)
    }

    private mutating func settle(before limit: EntryNumber) throws {
        while !groups.isEmpty, let completion = next, completion.number < limit {
            groups[completion.refers] = nil
            try advance()
        }
    }

    private mutating func advance() throws {
        guard let completions, try completions.step() else {
            next = nil
            isAtEnd = true
            return
        }
        next = (completions.number(0), completions.number(1))
    }
}
