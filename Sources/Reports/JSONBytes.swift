internal import AgentRuns
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
        // No 64 bits have more digits and a sign.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            var rest = value.magnitude
            while rest > 0 {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            if value < 0 {
                start -= 1
                digits[start] = UInt8(ascii: "-")
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    mutating func appendInteger(_ value: Int?) {
        if let value { appendInteger(value) } else { append("null") }
    }

    /// Whole numbers without a fraction, and what is no number as null, since JSON has no word for it.
    mutating func appendNumber(_ value: Double) {
        if let whole = Int(exactly: value) {
            appendInteger(whole)
        } else if value.isFinite {
            if !appendThousandths(value) { append(contentsOf: value.description.utf8) }
        } else {
            append("null")
        }
    }

    /// Writes a fraction of up to three digits, as most times in milliseconds have, as `description` does.
    ///
    /// No two decimals of up to 15 digits are the same number, so that none that is shorter can be this one.
    ///
    /// - Returns: false, with nothing written, for any other number.
    private mutating func appendThousandths(_ value: Double) -> Bool {
        let scaled = (value * 1000).rounded()
        guard abs(scaled) < 1e15, scaled / 1000 == value, let thousandths = Int(exactly: scaled) else { return false }
        if thousandths < 0 { append(UInt8(ascii: "-")) }
        let whole = Int(thousandths.magnitude / 1000)
        var fraction = Int(thousandths.magnitude % 1000)
        appendInteger(whole)
        append(UInt8(ascii: "."))
        var place = 100
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / place))
            fraction %= place
            place /= 10
        } while fraction > 0
        return true
    }

    mutating func appendNumber(_ value: Double?) {
        if let value { appendNumber(value) } else { append("null") }
    }

    /// The text in quotes.
    mutating func appendText(_ text: String) { JSONString.encode(text.utf8, into: &self) }

    mutating func appendText(_ text: String?) {
        if let text { appendText(text) } else { append("null") }
    }

    /// A text of a run in quotes, from where it stands.
    mutating func appendText(_ text: Text?, of run: borrowing AgentRun) {
        guard let text else { return append("null") }
        let isWritten = run.storage.withUnsafeBytes { appendASCII(UnsafeRawBufferPointer(rebasing: $0[text.range])) }
        // Of bytes that are no UTF-8 a string makes such that are.
        if !isWritten { appendText(run.string(text)) }
    }

    /// - Returns: false, with nothing written, for bytes that are not all ASCII.
    private mutating func appendASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var all: UInt64 = 0
        var i = 0
        while i + 8 <= bytes.count {
            all |= bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            i += 8
        }
        while i < bytes.count {
            all |= UInt64(bytes[i])
            i += 1
        }
        guard all & 0x8080_8080_8080_8080 == 0 else { return false }
        JSONString.encode(bytes.assumingMemoryBound(to: UInt8.self), into: &self)
        return true
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
