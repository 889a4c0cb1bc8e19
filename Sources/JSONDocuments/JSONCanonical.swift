public import JSONText

/// The canonical form of JSON: two documents are equal if and only if their canonical bytes are.
///
/// It follows the JSON Canonicalization Scheme (RFC 8785): no white space, keys sorted by UTF-16 code units, strings with
/// no escapes but `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r` and `\u00xx` for the other control characters. It differs in
/// two points, both so that nothing is lost:
///
/// - Numbers keep all their digits. RFC 8785 makes each number a `Double`, and so 9007199254740993 and 9007199254740992
///   the same. Here the rules of ECMAScript for writing a number (section 3.2.2.3 there) are applied to the exact
///   decimal: `1.0` is `1`, `1e2` is `100`, `1e21` is `1e+21`, `-0` is `0`. For a number that a `Double` gives back
///   digit by digit, the bytes are those of RFC 8785; for others (0.1000000000000000055, 12345678901234567890) they are
///   longer. Neither size nor precision are limited, but for ``JSONNumber/maximumExponent``.
/// - Where RFC 8785 refuses, this takes what the rest of the project takes: the last of repeated keys, and U+FFFD for a
///   lone surrogate.
public enum JSONCanonical {
    /// The canonical form of a JSON text.
    public static func bytes(ofJSON text: UnsafeRawBufferPointer) throws(JSONDocumentError) -> [UInt8] {
        var reader = JSONDocumentReader()
        var output: [UInt8] = []
        try reader.appendCanonical(text, to: &output)
        return output
    }

    /// The canonical form of a JSON text.
    public static func bytes(ofJSON text: [UInt8]) throws(JSONDocumentError) -> [UInt8] {
        try JSONDocumentReader.withBytes(of: text) { bytes throws(JSONDocumentError) in try Self.bytes(ofJSON: bytes) }
    }

    /// Appends the canonical form of the value at `index` of a tape that was read from `text`.
    ///
    /// - Throws: ``JSONDocumentError`` only for a number out of range; what was appended by then stays.
    public static func append(
        _ tape: borrowing JSONTape, at index: Int, of text: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) throws(JSONDocumentError) {
        let token = tape[index]
        switch token.kind {
        case .null, .true, .false: output.append(contentsOf: text[token.range])
        case .string: append(token, of: text, to: &output)
        case .number: try appendNumber(token, of: text, to: &output)
        case .array:
            output.append(UInt8(ascii: "["))
            var i = index + 1
            while i < token.next {
                if i > index + 1 { output.append(UInt8(ascii: ",")) }
                try append(tape, at: i, of: text, to: &output)
                i = tape[i].next
            }
            output.append(UInt8(ascii: "]"))
        case .object:
            output.append(UInt8(ascii: "{"))
            for (i, key) in sortedKeys(tape, at: index, of: text).enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                append(tape[key], of: text, to: &output)
                output.append(UInt8(ascii: ":"))
                try append(tape, at: key + 1, of: text, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// The indices of an object's keys in canonical order, the last one of those that are repeated.
    private static func sortedKeys(
        _ tape: borrowing JSONTape, at index: Int, of text: UnsafeRawBufferPointer
    ) -> [Int] {
        var keys: [(index: Int, text: UnsafeRawBufferPointer, decoded: [UInt8]?)] = []
        var i = index + 1
        while i < tape[index].next {
            let raw = UnsafeRawBufferPointer(rebasing: text[tape[i].range])
            var decoded: [UInt8]?
            if tape[i].hasEscapes {
                var bytes: [UInt8] = []
                JSONString.decode(raw, into: &bytes)
                decoded = bytes
            }
            keys.append((i, raw, decoded))
            i = tape[i + 1].next
        }
        func order(_ a: Int, _ b: Int) -> Int {
            switch (keys[a].decoded, keys[b].decoded) {
            case (nil, nil): ExactText.order(keys[a].text, keys[b].text)
            case (nil, let y?): ExactText.order(keys[a].text, y)
            case (let x?, nil): ExactText.order(x, keys[b].text)
            case (let x?, let y?): ExactText.order(x, y)
            }
        }
        // Often the keys are written in order already, and then there is nothing to sort.
        if keys.indices.dropFirst().allSatisfy({ order($0 - 1, $0) < 0 }) { return keys.map(\.index) }
        let sorted = keys.indices.sorted { a, b in
            let order = order(a, b)
            return order == 0 ? a < b : order < 0
        }
        return sorted.indices
            .filter { $0 + 1 == sorted.count || order(sorted[$0], sorted[$0 + 1]) != 0 }
            .map { keys[sorted[$0]].index }
    }

    private static func append(_ token: JSONToken, of text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        // Without escapes, the text is already written as it must be: control characters cannot stand in it.
        guard token.hasEscapes else {
            output.append(contentsOf: text[token.rawRange])
            return
        }
        var decoded: [UInt8] = []
        JSONString.decode(UnsafeRawBufferPointer(rebasing: text[token.range]), into: &decoded)
        decoded.withUnsafeBufferPointer { appendText($0, to: &output) }
    }

    private static func appendNumber(
        _ token: JSONToken, of text: UnsafeRawBufferPointer, to output: inout [UInt8]
    ) throws(JSONDocumentError) {
        let bytes = text[token.range]
        // A short integer is its own canonical form, but for -0.
        if bytes.count <= 18, bytes.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
            output.append(contentsOf: bytes)
        } else {
            try JSONNumber(token, of: text).append(to: &output)
        }
    }

    /// Appends the text with quotes around it and no more escapes than must be.
    static func append(_ text: String, to output: inout [UInt8]) {
        var text = text
        text.withUTF8 { appendText($0, to: &output) }
    }

    private static func appendText(_ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        // What needs no escape, which most text is, is taken over in one go.
        var plain = 0
        for (i, byte) in text.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            output.append(contentsOf: text[plain..<i])
            plain = i + 1
            switch byte {
            case 0x08: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "b")])
            case 0x0C: output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "f")])
            default: JSONString.escape(CollectionOfOne(byte), into: &output)
            }
        }
        output.append(contentsOf: text[plain...])
        output.append(UInt8(ascii: "\""))
    }
}

extension JSONDocument {
    /// The canonical form; see ``JSONCanonical``.
    public var canonicalBytes: [UInt8] {
        var output: [UInt8] = []
        appendCanonical(to: &output)
        return output
    }

    private func appendCanonical(to output: inout [UInt8]) {
        switch self {
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (i, element) in elements.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                element.appendCanonical(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            for (i, place) in object.sorted.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                JSONCanonical.append(object.members[place].key, to: &output)
                output.append(UInt8(ascii: ":"))
                object.members[place].value.appendCanonical(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        default: appendScalar(to: &output)
        }
    }
}

/// Whether two JSON texts say the same.
public enum JSONEquality {
    /// Compares the bytes first, and the canonical forms only where those differ.
    ///
    /// - Throws: ``JSONDocumentError`` if one of them is not JSON; texts that are the same byte for byte are not read.
    public static func areEqual(
        _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer
    ) throws(JSONDocumentError) -> Bool {
        if a.count == b.count, a.elementsEqual(b) { return true }
        var reader = JSONDocumentReader()
        var left: [UInt8] = []
        var right: [UInt8] = []
        try reader.appendCanonical(a, to: &left)
        try reader.appendCanonical(b, to: &right)
        return left == right
    }

    public static func areEqual(_ a: [UInt8], _ b: [UInt8]) throws(JSONDocumentError) -> Bool {
        try JSONDocumentReader.withBytes(of: a) { a throws(JSONDocumentError) in
            try JSONDocumentReader.withBytes(of: b) { b throws(JSONDocumentError) in try areEqual(a, b) }
        }
    }
}
