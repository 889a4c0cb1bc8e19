internal import JSONText

/// JSON, appended as bytes. What is written for every trace goes through here, so nothing is allocated on the way.
extension [UInt8] {
    @inline(__always)
    mutating func append(_ fragment: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: fragment.utf8Start, count: fragment.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func appendBool(_ value: Bool) { append(value ? "true" : "false") }

    mutating func appendInteger(_ value: Int) {
        if value >= 0, value < 10 { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = count
        while rest > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        self[start...].reverse()
    }

    mutating func appendInteger(_ value: Int?) {
        if let value { appendInteger(value) } else { append("null") }
    }

    /// Whole numbers without a fraction, and what is no number as null, since JSON has no word for it.
    mutating func appendNumber(_ value: Double) {
        if let whole = Int(exactly: value) {
            appendInteger(whole)
        } else if value.isFinite {
            append(contentsOf: value.description.utf8)
        } else {
            append("null")
        }
    }

    mutating func appendNumber(_ value: Double?) {
        if let value { appendNumber(value) } else { append("null") }
    }

    /// The text in quotes.
    mutating func appendText(_ text: String) {
        let isPlain: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
            if bytes.needsNoEscape {
                append(UInt8(ascii: "\""))
                append(contentsOf: bytes)
                append(UInt8(ascii: "\""))
            } else {
                JSONString.encode(bytes, into: &self)
            }
        }
        if isPlain == nil { JSONString.encode(text.utf8, into: &self) }
    }

    mutating func appendText(_ text: String?) {
        if let text { appendText(text) } else { append("null") }
    }

    mutating func appendTexts(_ texts: [String]) {
        append(UInt8(ascii: "["))
        for i in texts.indices {
            if i > 0 { append(UInt8(ascii: ",")) }
            appendText(texts[i])
        }
        append(UInt8(ascii: "]"))
    }

    /// The value with each member and element on a line of its own, as Python's `json.dumps(…, indent=2)` has them.
    mutating func append(_ value: JSONValue, indent: Int) {
        switch value {
        case .raw(let bytes): append(contentsOf: bytes)
        case .null: append("null")
        case .bool(let value): appendBool(value)
        case .integer(let value): appendInteger(value)
        case .number(let value): appendNumber(value)
        case .text(let text): appendText(text)
        case .array(let values):
            appendList("[", values.count, "]", indent) { output, i in output.append(values[i], indent: indent + 2) }
        case .object(let members):
            appendList("{", members.count, "}", indent) { output, i in
                output.appendText(members[i].0)
                output.append(": ")
                output.append(members[i].1, indent: indent + 2)
            }
        }
    }

    private mutating func appendList(
        _ opening: StaticString, _ count: Int, _ closing: StaticString, _ indent: Int, _ element: (inout [UInt8], Int) -> Void
    ) {
        append(opening)
        for i in 0..<count {
            append(i > 0 ? ",\n" : "\n")
            append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent + 2))
            element(&self, i)
        }
        if count > 0 {
            append("\n")
            append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent))
        }
        append(closing)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether none of the bytes is a quote, a backslash or a control character. Looks at eight at a time.
    fileprivate var needsNoEscape: Bool {
        let raw = UnsafeRawBufferPointer(self)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        var found: UInt64 = 0
        var i = 0
        while i + 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // A byte below n leaves its high bit set after subtraction, unless it was set before.
            found |= (word &- ones &* 0x20) & ~word
            found |= (quote &- ones) & ~quote
            found |= (backslash &- ones) & ~backslash
            i += 8
        }
        if found & high != 0 { return false }
        while i < raw.count {
            let byte = raw[i]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return false }
            i += 1
        }
        return true
    }
}
