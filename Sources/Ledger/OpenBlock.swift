internal import DatabaseFiles
internal import Glibc

/// What there is to know of a block of entries, while they are added one by one.
struct OpenBlock {
    let block: UInt64
    /// Times of its entries, Unix nanoseconds.
    private(set) var earliest = UInt64.max
    private(set) var latest: UInt64 = 0
    var isEmpty: Bool { lists.isEmpty }

    private struct Mark: Hashable {
        var field: Int
        var value: [UInt8]
    }

    /// Where among `lists` the places of a value are.
    private var places: [Mark: Int] = [:]
    private var lists: [[UInt16]] = []
    /// The value that each field had last: most entries have the same as the one before.
    private var recent = [(value: [UInt8], list: Int)?](repeating: nil, count: EntryMarks.fields.count)

    init(_ block: UInt64) { self.block = block }

    /// Adds an entry by its values, in the order of ``EntryField``.
    mutating func add(_ number: EntryNumber, _ time: UInt64, _ values: [EntryValue]) {
        let place = begin(number, time)
        for (i, column) in Self.columns.enumerated() {
            switch values[column] {
            case .text(var text): text.withUTF8 { add(i, UnsafeRawBufferPointer($0), place) }
            case .bytes(let bytes): bytes.withUnsafeBytes { add(i, $0, place) }
            case .absent, .number: break
            }
        }
    }

    /// Adds an entry that is read; the columns are ``EntryRow/columns``.
    mutating func add(_ row: SQLStatement) {
        let place = begin(row.number(0), row.number(EntryField.time.column))
        for (i, column) in Self.columns.enumerated() where row.type(column) != .null {
            row.withBytes(column) { add(i, $0, place) }
        }
    }

    private static let columns = EntryMarks.fields.map(\.column)

    private mutating func begin(_ number: EntryNumber, _ time: UInt64) -> UInt16 {
        earliest = min(earliest, time)
        latest = max(latest, time)
        return EntryMarks.place(of: number)
    }

    private mutating func add(_ i: Int, _ value: UnsafeRawBufferPointer, _ place: UInt16) {
        guard let start = value.baseAddress, !value.isEmpty else { return }
        if let (known, list) = recent[i], known.count == value.count, memcmp(known, start, value.count) == 0 {
            lists[list].append(place)
            return
        }
        let mark = Mark(field: i, value: Array(value))
        let list = places[mark] ?? lists.count
        if list == lists.count {
            lists.append([])
            places[mark] = list
        }
        lists[list].append(place)
        recent[i] = (mark.value, list)
    }

    /// Whether an entry that was added has this value.
    func has(_ value: [UInt8], in field: EntryField) -> Bool {
        guard let i = EntryMarks.fields.firstIndex(of: field) else { return false }
        return places[Mark(field: i, value: value)] != nil
    }

    /// The rows of `marks`, in the order in which the table keeps them.
    var marks: [(field: Int, value: [UInt8], places: [UInt8])] {
        places.map { mark, list in (Self.columns[mark.field], mark.value, EntryMarks.encode(lists[list])) }
            .sorted { ($0.0, Bytes($0.1)) < ($1.0, Bytes($1.1)) }
    }
}

/// In the order in which SQLite compares blobs.
struct Bytes: Comparable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func < (one: Bytes, other: Bytes) -> Bool {
        let order = memcmp(one.bytes, other.bytes, min(one.bytes.count, other.bytes.count))
        return order == 0 ? one.bytes.count < other.bytes.count : order < 0
    }
}
