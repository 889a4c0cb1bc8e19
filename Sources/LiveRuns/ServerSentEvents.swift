/// The data of the events in a stream.
///
/// Source: WHATWG HTML, section 9.2 (server-sent events): lines end in CR, LF or both, the data of an event are its `data`
/// lines, joined by LF, and an event ends with an empty line.
struct ServerSentEvents: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var place = 0
    /// Whether the event that came last has no empty line behind it: the stream ended within it, or its writer saved the line.
    private(set) var isUnfinished = false

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    }

    mutating func next() -> [UInt8]? {
        var data: [UInt8]?
        while place < bytes.count {
            let line = nextLine()
            if line.isEmpty {
                if let data { return data }
            } else if let value = Self.data(of: bytes[line]) {
                if data == nil { data = [] } else { data?.append(0x0A) }
                data?.append(contentsOf: value)
            }
        }
        isUnfinished = data != nil
        return data
    }

    private mutating func nextLine() -> Range<Int> {
        var end = place
        while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
        let line = place..<end
        let isPair = end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A
        place = end + (isPair ? 2 : 1)
        return line
    }

    /// - Returns: nil for a comment and for fields other than `data`.
    private static func data(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard line.starts(with: "data".utf8) else { return nil }
        let rest = line.dropFirst(4)
        if rest.isEmpty { return rest }
        guard rest.first == UInt8(ascii: ":") else { return nil }
        let value = rest.dropFirst()
        return value.first == 0x20 ? value.dropFirst() : value
    }
}
