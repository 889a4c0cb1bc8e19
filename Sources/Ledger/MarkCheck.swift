internal import DatabaseFiles
internal import GRDB
internal import Glibc

/// Whether marks are what the entries give, found out on one way through both: for each entry and each of its marked values
/// something is added to its block's sum, and for each place that the tables have for a value it is taken away again.
///
/// What is added is SipHash with a key that this process drew at its start, so that nobody can make up other rows with the same
/// sum.
struct MarkCheck {
    private struct Block {
        var block: UInt64
        var earliest = UInt64.max
        var latest: UInt64 = 0
        var sum = 0
    }

    private var open: Block?
    private var full: [Block] = []
    private static let fields = EntryMarks.fields.map(\.column)
    /// What ``add(_:_:)`` is given.
    static let columns = (["number", "time"] + EntryMarks.fields.map(\.rawValue)).joined(separator: ", ")

    /// Adds the next entry; the row has ``columns``.
    mutating func add(_ row: SQLStatement, _ number: EntryNumber) {
        var block = open ?? Block(block: EntryMarks.block(of: number))
        let time = row.number(1)
        block.earliest = min(block.earliest, time)
        block.latest = max(block.latest, time)
        let place = EntryMarks.place(of: number)
        for (i, field) in Self.fields.enumerated() where row.type(i + 2) != .null {
            row.withBytes(i + 2) { value in
                if !value.isEmpty { block.sum &+= Self.hash(field, value, place) }
            }
        }
        open = block
        guard number.isMultiple(of: EntryMarks.blockSize) else { return }
        full.append(block)
        open = nil
    }

    private static func hash(_ field: Int, _ value: UnsafeRawBufferPointer, _ place: UInt16) -> Int {
        var hasher = Hasher()
        // One word for both, which no two pairs share.
        hasher.combine(field << 16 | Int(place))
        hasher.combine(bytes: value)
        return hasher.finalize()
    }

    /// Below 0, 0 or above, as SQLite compares blobs.
    private static func order(_ one: [UInt8], _ other: UnsafeRawBufferPointer) -> Int {
        let common = min(one.count, other.count)
        let order = one.withUnsafeBytes { one in
            guard common > 0, let a = one.baseAddress, let b = other.baseAddress else { return 0 }
            return Int(memcmp(a, b, common))
        }
        return order == 0 ? one.count - other.count : order
    }

    /// Compares with what the database has.
    ///
    /// - Returns: the first block that something is wrong with; nil when all is well.
    mutating func firstDifference(_ db: Database) throws -> UInt64? {
        let first = full.first?.block ?? 0
        var wrong: UInt64?
        func note(_ block: UInt64) { wrong = min(wrong ?? block, block) }
        var known = 0
        try db.rows("SELECT block, earliest, latest FROM blocks ORDER BY block") { row in
            let isTyped = (0...2).allSatisfy { row.type($0) == .integer }
            guard known < full.count, row.number(0) == full[known].block else {
                // One that is not there, or one too many: both stand before this one.
                note(known < full.count ? min(row.number(0), full[known].block) : row.number(0))
                return
            }
            // Bytes of another type are found by no search, and compared otherwise.
            if !isTyped || (row.number(1), row.number(2)) != (full[known].earliest, full[known].latest) { note(full[known].block) }
            known += 1
        }
        if known < full.count { note(full[known].block) }
        // In the table's order, which is looked at as well: SQLite searches for what it takes to be sorted.
        var last: (field: Int, value: [UInt8], block: UInt64) = (-1, [], 0)
        try db.rows("SELECT field, value, block, places FROM marks ORDER BY field, value, block") { row in
            let isTyped = row.type(0) == .integer && row.type(1) == .blob && row.type(2) == .integer && row.type(3) == .blob
            let (field, block) = (Int(row.integer(0)), row.number(2))
            guard isTyped else { return note(block) }
            row.withBytes(1) { value in
                let order = last.field == field ? Self.order(last.value, value) : last.field < field ? -1 : 1
                if order == 0 ? last.block >= block : order > 0 { note(block) }
                if order != 0 {
                    last.value.removeAll(keepingCapacity: true)
                    last.value.append(contentsOf: value)
                }
                (last.field, last.block) = (field, block)
                guard block >= first, block - first < UInt64(full.count), Self.fields.contains(field) else { return note(block) }
                row.withBytes(3) { places in
                    let isSound = EntryMarks.forEachPlace(places) { full[Int(block - first)].sum &-= Self.hash(field, value, $0) }
                    if !isSound { note(block) }
                }
            }
        }
        for block in full where block.sum != 0 { note(block.block) }
        return wrong
    }
}
