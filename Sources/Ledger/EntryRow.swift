internal import AgentRuns
internal import DatabaseFiles
internal import Digests
internal import GRDB

/// Entries as rows: the columns of `entries` are those of ``EntryField`` in their order, and `hash`.
enum EntryRow {
    static let columns = EntryField.allCases.map(\.rawValue).joined(separator: ", ") + ", hash"
    /// The same, of a table that goes by another name.
    static func columns(of table: String) -> String {
        columns.split(separator: ", ").map { "\(table).\($0)" }.joined(separator: ", ")
    }
    /// What queries read, by the name `e`: the table alone. This version's ledgers have no index on it, and one that an older
    /// version or a foreign hand made need not hold what the table does. Searches by number stay searches.
    static let table = "entries e NOT INDEXED"
    static let hashColumn = EntryField.allCases.count
    static let insertion =
        "INSERT INTO entries (\(columns)) VALUES (\(Array(repeating: "?", count: hashColumn + 1).joined(separator: ", ")))"

    /// What is bound to ``insertion``.
    static func arguments(_ values: [EntryValue], _ hash: Digest) -> [SQLStatement.Value] {
        var arguments: [SQLStatement.Value] = []
        arguments.reserveCapacity(hashColumn + 1)
        for value in values {
            switch value {
            case .absent: arguments.append(.null)
            case .number(let value): arguments.append(.init(value))
            case .text(let text): arguments.append(.text(text))
            case .bytes(let bytes): arguments.append(.blob(bytes))
            }
        }
        arguments.append(.blob(hash.bytes))
        return arguments
    }

    /// Encodes the row's fields as they stand in the database, and hashes them: what the columns hold is not interpreted, so
    /// nothing that was changed can slip through.
    ///
    /// - Returns: nil when a column holds something of another type, with its name.
    static func hash(
        _ row: SQLStatement, after previous: Digest, _ encoding: inout EntryEncoding
    ) -> (hash: Digest?, misfit: EntryField?) {
        encoding.begin(after: previous)
        let forms = forms
        for i in forms.indices {
            let cell = row.cell(i)
            switch (cell.type, forms[i]) {
            case (.null, _): encoding.appendAbsent()
            case (.integer, .number):
                let value = cell.integer
                guard value >= 0 else { return (nil, fields[i]) }
                encoding.append(UInt64(value))
            case (.text, .text), (.blob, .bytes):
                // Nothing encodes as NULL does, and reads otherwise.
                guard !cell.isEmpty else { return (nil, fields[i]) }
                cell.withBytes { encoding.append($0) }
            default: return (nil, fields[i])
            }
        }
        return (encoding.hash(), nil)
    }

    /// nil for what is none of ours.
    static func kind(_ row: SQLStatement) -> LedgerEntry.Kind? { LedgerEntry.Kind(rawValue: row.text(EntryField.kind.column)) }

    private static let fields = EntryField.allCases
    private static let forms = EntryField.allCases.map(\.form)

    static func storedHash(_ row: SQLStatement) -> Digest? { row.withBytes(hashColumn) { Digest($0) } }

    /// Reads a row.
    ///
    /// - Parameter contents: the column of the arguments that were kept, followed by that of the result; nil if not asked for.
    /// - Throws: ``LedgerError`` for what cannot be an entry.
    static func read(_ row: SQLStatement, contents: Int? = nil) throws(LedgerError) -> RecordedEntry {
        let number = row.number(0)
        func misfit(_ field: EntryField) -> LedgerError {
            LedgerError(.corrupt, "entry \(number) has no valid \(field.rawValue); outrigger audit verify says more")
        }
        func named<Case: RawRepresentable<String>>(_ field: EntryField) throws(LedgerError) -> Case? {
            guard row.type(field.column) != .null else { return nil }
            guard let value = Case(rawValue: row.text(field.column)) else { throw misfit(field) }
            return value
        }
        func optional(_ field: EntryField) -> UInt64? { row.type(field.column) == .null ? nil : row.number(field.column) }
        func digest(_ field: EntryField) throws(LedgerError) -> Digest? {
            guard row.type(field.column) != .null else { return nil }
            guard let digest = row.withBytes(field.column, { Digest($0) }) else { throw misfit(field) }
            return digest
        }
        func mark(_ size: EntryField, _ sent: EntryField, _ kept: EntryField) throws(LedgerError) -> LedgerEntry.ContentMark? {
            guard let sentDigest = try digest(sent) else { return nil }
            return LedgerEntry.ContentMark(size: optional(size) ?? 0, digest: sentDigest, kept: try digest(kept))
        }
        guard number > 0 else { throw LedgerError(.corrupt, "there is an entry without a number; outrigger audit verify says more") }
        guard let kind: LedgerEntry.Kind = try named(.kind) else { throw misfit(.kind) }
        guard let hash = storedHash(row) else { throw LedgerError(.corrupt, "entry \(number) has no valid hash") }
        var entry = LedgerEntry(kind, time: row.number(EntryField.time.column))
        entry.number = number
        entry.traceID = row.withBytes(EntryField.traceID.column) {
            $0.count == 16 ? TraceID(high: $0.word(0), low: $0.word(8)) : nil
        }
        entry.spanID = row.withBytes(EntryField.spanID.column) { $0.count == 8 ? SpanID($0.word(0)) : nil }
        entry.runID = row.text(EntryField.runID.column)
        entry.requestID = row.text(EntryField.requestID.column)
        entry.arm = try named(.arm)
        entry.mode = try named(.mode)
        entry.agent = row.text(EntryField.agent.column)
        entry.releaseVersion = row.text(EntryField.releaseVersion.column)
        entry.releaseDigest = row.text(EntryField.releaseDigest.column)
        entry.rolloutRevision = optional(.rolloutRevision)
        entry.tool = row.text(EntryField.tool.column)
        entry.effect = try named(.effect)
        entry.verdict = try named(.verdict)
        entry.reason = row.text(EntryField.reason.column)
        entry.refers = optional(.refers)
        entry.arguments = try mark(.argumentsSize, .argumentsDigest, .argumentsKept)
        entry.result = try mark(.resultSize, .resultDigest, .resultKept)
        entry.duration = optional(.duration)
        entry.outcome = try named(.outcome)
        func content(_ column: Int) -> [UInt8]? { row.type(column) == .null ? nil : row.bytes(column) }
        return RecordedEntry(
            entry: entry, hash: hash, arguments: contents.flatMap { content($0) }, result: contents.flatMap { content($0 + 1) })
    }
}

extension EntryField {
    /// Its place among the columns.
    var column: Int { Self.places[self] ?? 0 }
    private static let places = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}

extension UnsafeRawBufferPointer {
    fileprivate func word(_ offset: Int) -> UInt64 { UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
}
