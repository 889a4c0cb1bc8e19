internal import DatabaseFiles
internal import GRDB
internal import Glibc

/// Whether marks are what the entries give, found out on one way through both: what the entries of a block give is added up,
/// and what the tables have is taken away again.
///
/// Sums are of SipHash with a key that this process drew at its start, so that nobody can make up other rows with the same.
struct MarkCheck {
    private struct Block {
        var block: UInt64
        var earliest: UInt64
        var latest: UInt64
        var sum: Int
    }

    private var open: OpenBlock?
    private var full: [Block] = []

    /// Adds the next entry; the columns are ``EntryRow/columns``.
    mutating func add(_ row: SQLStatement, _ number: EntryNumber) {
        if open == nil { open = OpenBlock(EntryMarks.block(of: number)) }
        open?.add(row)
        guard number.isMultiple(of: EntryMarks.blockSize), let block = open else { return }
        open = nil
        var sum = 0
        block.forEachMark { field, value, places in
            value.withUnsafeBytes { value in places.withUnsafeBytes { sum &+= Self.hash(field, value, $0) } }
        }
        full.append(Block(block: block.block, earliest: block.earliest, latest: block.latest, sum: sum))
    }

    private static func hash(_ field: Int, _ value: UnsafeRawBufferPointer, _ places: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(field)
        hasher.combine(value.count)
        hasher.combine(bytes: value)
        hasher.combine(bytes: places)
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
            guard known < full.count, row.number(0) == full[known].block else {
                // One that is not there, or one too many: both stand before this one.
                note(known < full.count ? min(row.number(0), full[known].block) : row.number(0))
                return
            }
            if (row.number(1), row.number(2)) != (full[known].earliest, full[known].latest) { note(full[known].block) }
            known += 1
        }
        if known < full.count { note(full[known].block) }
        // In the table's order, which is looked at as well: SQLite searches for what it takes to be sorted.
        var last: (field: Int, value: [UInt8], block: UInt64) = (-1, [], 0)
        try db.rows("SELECT field, value, block, places FROM marks ORDER BY field, value, block") { row in
            let (field, block) = (Int(row.integer(0)), row.number(2))
            row.withBytes(1) { value in
                let order = last.field == field ? Self.order(last.value, value) : last.field < field ? -1 : 1
                if order == 0 ? last.block >= block : order > 0 { note(block) }
                if order != 0 {
                    last.value.removeAll(keepingCapacity: true)
                    last.value.append(contentsOf: value)
                }
                (last.field, last.block) = (field, block)
                guard block >= first, block - first < UInt64(full.count) else { return note(block) }
                row.withBytes(3) { places in full[Int(block - first)].sum &-= Self.hash(field, value, places) }
            }
        }
        for block in full where block.sum != 0 { note(block.block) }
        return wrong
    }
}
