public import JSONText

/// Reads one JSON text after the other into documents or canonical bytes, and keeps its memory for the next one.
public struct JSONDocumentReader: ~Copyable {
    private var tape: JSONTape

    public init(maximumDepth: Int = JSONDocument.maximumDepth) { tape = JSONTape(maximumDepth: maximumDepth) }

    public mutating func read(_ text: UnsafeRawBufferPointer) throws(JSONDocumentError) -> JSONDocument {
        try parse(text)
        return try JSONDocument(tape, at: 0, of: text)
    }

    public mutating func read(_ text: [UInt8]) throws(JSONDocumentError) -> JSONDocument {
        try Self.withBytes(of: text) { bytes throws(JSONDocumentError) in try read(bytes) }
    }

    /// Appends the canonical form of the text without building a document; see ``JSONCanonical``.
    ///
    /// When it throws, what was appended by then stays.
    public mutating func appendCanonical(
        _ text: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) throws(JSONDocumentError) {
        try parse(text)
        output.reserveCapacity(output.count + text.count)
        try JSONCanonical.append(tape, at: 0, of: text, to: &output)
    }

    private mutating func parse(_ text: UnsafeRawBufferPointer) throws(JSONDocumentError) {
        do throws(JSONError) {
            try tape.parse(text)
        } catch {
            throw JSONDocumentError(error)
        }
    }

    /// `withUnsafeBytes` that keeps the type of the error.
    static func withBytes<Value>(
        of text: [UInt8], _ body: (UnsafeRawBufferPointer) throws(JSONDocumentError) -> Value
    ) throws(JSONDocumentError) -> Value {
        let result: Result<Value, JSONDocumentError> = text.withUnsafeBytes { bytes in
            do throws(JSONDocumentError) {
                return .success(try body(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension JSONDocument {
    /// The value at `index` of a tape that was read from `text`. Recurses as deep as the tape allowed.
    ///
    /// - Throws: ``JSONDocumentError`` only for a number out of range.
    public init(
        _ tape: borrowing JSONTape, at index: Int, of text: UnsafeRawBufferPointer
    ) throws(JSONDocumentError) {
        let token = tape[index]
        switch token.kind {
        case .null: self = .null
        case .true: self = .bool(true)
        case .false: self = .bool(false)
        case .string: self = .string(Self.string(token, of: text))
        case .number: self = .number(try JSONNumber(token, of: text))
        case .array:
            var elements: [JSONDocument] = []
            var i = index + 1
            while i < token.next {
                elements.append(try JSONDocument(tape, at: i, of: text))
                i = tape[i].next
            }
            self = .array(elements)
        case .object:
            var members: [JSONObject.Member] = []
            var i = index + 1
            while i < token.next {
                let value = try JSONDocument(tape, at: i + 1, of: text)
                members.append(JSONObject.Member(key: Self.string(tape[i], of: text), value: value))
                i = tape[i + 1].next
            }
            self = .object(JSONObject(members))
        }
    }

    private static func string(_ token: JSONToken, of text: UnsafeRawBufferPointer) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: text[token.range])
        guard token.hasEscapes else { return String(decoding: raw, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(raw.count)
        JSONString.decode(raw, into: &decoded)
        return String(decoding: decoded, as: UTF8.self)
    }
}

extension JSONNumber {
    init(_ token: JSONToken, of text: UnsafeRawBufferPointer) throws(JSONDocumentError) {
        guard let number = JSONNumber(checked: UnsafeRawBufferPointer(rebasing: text[token.range])) else {
            throw JSONDocumentError(problem: .exponentOutOfRange, offset: token.range.lowerBound)
        }
        self = number
    }
}
