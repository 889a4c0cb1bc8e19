internal import JSONDocuments

/// Finds an answer among the events of a stream, as it comes: each byte is looked at once.
///
/// Source: WHATWG HTML, "Server-sent events".
struct EventStreamAnswer {
    private let id: JSONDocument
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    /// The data of the first whole event that is a JSON-RPC response to the id.
    private(set) var answer: [UInt8]?

    init(_ id: JSONDocument) { self.id = id }

    /// - Returns: whether the answer is there.
    mutating func take(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes where answer == nil {
            if byte == UInt8(ascii: "\n") { endLine() } else { line.append(byte) }
        }
        return answer != nil
    }

    private mutating func endLine() {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty {
            if let document = try? JSONDocument(parsing: data), document["id"] == id, document["method"] == nil { answer = data }
            data.removeAll(keepingCapacity: true)
        } else if line.starts(with: "data:".utf8) {
            if !data.isEmpty { data.append(UInt8(ascii: "\n")) }
            let value = line.dropFirst(5)
            data.append(contentsOf: value.first == UInt8(ascii: " ") ? value.dropFirst() : value)
        }
        line.removeAll(keepingCapacity: true)
    }
}
