internal import DatabaseFiles
internal import GRDB

/// Which entries have which values: how a few of a million are found.
///
/// An index of SQLite's is changed by every entry, on a page that differs from run to run: a transaction of many runs' calls
/// would write as many pages for each of its indexes. Entries come in blocks of 1024 instead. With a block's last entry, a row
/// of `blocks` says when its entries were, and a row of `marks` for each value of each marked field says which of them have
/// it. What comes after the last full block is looked through one by one.
enum EntryMarks {
    static let blockSize: UInt64 = 1024
    /// The rarest first: what is looked for by several is best looked for by that.
    static let fields: [EntryField] = [.traceID, .requestID, .verdict, .kind, .tool, .releaseVersion, .agent, .arm]
    /// Far more than a ledger can have, and little enough to be counted with.
    static let maximumBlock: UInt64 = 1 << 50

    static func block(of number: EntryNumber) -> UInt64 { (max(1, number) - 1) / blockSize }

    /// The entries of a block, those among them that were pruned too.
    static func numbers(of block: UInt64) -> ClosedRange<EntryNumber> {
        let start = min(block, maximumBlock) * blockSize
        return (start + 1)...(start + blockSize)
    }

    /// The block that entries are being added to, of a ledger of `count` entries.
    static func open(_ db: Database, count: UInt64) throws -> OpenBlock {
        var open = OpenBlock(count / blockSize)
        let sql = "SELECT \(EntryRow.columns) FROM entries WHERE number > ? ORDER BY number"
        try db.rows(sql, [.init(count / blockSize * blockSize)]) { open.add($0) }
        return open
    }

    /// Marks all full blocks anew from this one on.
    ///
    /// - Parameter count: of the ledger's entries.
    static func build(_ db: Database, from first: UInt64 = 0, count: UInt64) throws {
        let insertion = try MarkInsertion(db)
        var open = OpenBlock(first)
        let sql = "SELECT \(EntryRow.columns) FROM entries WHERE number > ? AND number <= ? ORDER BY number"
        try db.rows(sql, [.init(first * blockSize), .init(count / blockSize * blockSize)]) { row in
            let block = block(of: row.number(0))
            if block != open.block {
                if !open.isEmpty { try insertion.insert(open) }
                open = OpenBlock(block)
            }
            open.add(row)
        }
        if !open.isEmpty { try insertion.insert(open) }
    }

    /// Marks what is left of the ledger after the entries up to `base` were removed.
    static func prune(_ db: Database, base: UInt64, count: UInt64) throws {
        // Of the block that the cut goes through, the entries that are left are marked.
        let cut = base / blockSize
        try db.run("DELETE FROM marks WHERE block <= ?", [.init(cut)])
        try db.run("DELETE FROM blocks WHERE block <= ?", [.init(cut)])
        try build(db, from: cut, count: min(count, (cut + 1) * blockSize))
    }

    /// The places within a block as `marks` has them: two bytes each, big-endian, or from 64 of them on a bit for each of the
    /// block's places, the first the lowest of its byte.
    static func encode(_ places: [UInt16]) -> [UInt8] {
        guard places.count >= 64 else {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(2 * places.count)
            for place in places {
                bytes.append(UInt8(place >> 8))
                bytes.append(UInt8(place & 0xFF))
            }
            return bytes
        }
        var bits = [UInt8](repeating: 0, count: Int(blockSize / 8))
        for place in places { bits[Int(place / 8)] |= 1 << UInt8(place % 8) }
        return bits
    }

    /// Where an entry stands in its block.
    static func place(of number: EntryNumber) -> UInt16 { UInt16((max(1, number) - 1) % blockSize) }

    /// Gives each place that the bytes encode.
    ///
    /// - Returns: whether ``encode(_:)`` would write them so; if not, not all places may have been given.
    static func forEachPlace(_ bytes: UnsafeRawBufferPointer, _ body: (UInt16) -> Void) -> Bool {
        if bytes.count == Int(blockSize / 8) {
            var count = 0
            for place in 0..<UInt16(blockSize) where bytes[Int(place / 8)] >> UInt8(place % 8) & 1 == 1 {
                count += 1
                body(place)
            }
            return count >= 64
        }
        guard bytes.count.isMultiple(of: 2), !bytes.isEmpty else { return false }
        var last = -1
        for i in stride(from: 0, to: bytes.count, by: 2) {
            let place = Int(bytes[i]) << 8 | Int(bytes[i + 1])
            guard place > last, place < blockSize else { return false }
            last = place
            body(UInt16(place))
        }
        return true
    }

    /// - Returns: nil for what encodes no places.
    static func decode(_ bytes: [UInt8]) -> [UInt16]? {
        if bytes.count == Int(blockSize / 8) {
            return (0..<UInt16(blockSize)).filter { bytes[Int($0 / 8)] >> UInt8($0 % 8) & 1 == 1 }
        }
        guard bytes.count.isMultiple(of: 2) else { return nil }
        let places = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        return places.allSatisfy { $0 < blockSize } ? places : nil
    }
}

/// Writes what is known of a full block.
struct MarkInsertion {
    private let block: SQLStatement
    private let mark: SQLStatement

    init(_ db: Database) throws {
        block = try SQLStatement(db, "INSERT INTO blocks VALUES (?, ?, ?)")
        mark = try SQLStatement(db, "INSERT INTO marks VALUES (?, ?, ?, ?)")
    }

    func insert(_ full: OpenBlock) throws {
        try block.run([.init(full.block), .init(full.earliest), .init(full.latest)])
        for (field, value, places) in full.marks {
            try mark.run([.integer(Int64(field)), .blob(value), .init(full.block), .blob(places)])
        }
    }
}
