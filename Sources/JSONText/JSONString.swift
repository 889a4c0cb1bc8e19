/// Decoding and encoding of the text between the quotes of a JSON string (RFC 8259, section 7).
public enum JSONString {
    /// Appends the decoded text. Escapes must be valid, as ``JSONTape`` has checked.
    ///
    /// - Returns: whether the text held a lone surrogate, which no UTF-8 can say: U+FFFD stands in for it.
    @discardableResult
    public static func decode(_ text: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
        var replaced = false
        var i = 0
        while i < text.count {
            let byte = text[i]
            guard byte == UInt8(ascii: "\\"), i + 1 < text.count else {
                output.append(byte)
                i += 1
                continue
            }
            switch text[i + 1] {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"):
                let (scalar, length) = unicodeEscape(text, at: i)
                if scalar == nil { replaced = true }
                output.append(contentsOf: UTF8.encode(scalar ?? "\u{FFFD}").unsafelyUnwrapped)
                i += length
                continue
            case let character: output.append(character)
            }
            i += 2
        }
        return replaced
    }

    /// The scalar of the `\uXXXX` at `start`, or of a pair of surrogates, and how many bytes it took; nil if it is lone.
    private static func unicodeEscape(_ text: UnsafeRawBufferPointer, at start: Int) -> (Unicode.Scalar?, Int) {
        // Of text that is no JSON: no escape after all.
        guard let unit = codeUnit(text, at: start) else { return (nil, 2) }
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        if unit < 0xDC00, let low = codeUnit(text, at: start + 6), low >= 0xDC00, low < 0xE000 {
            return (Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)), 12)
        }
        return (nil, 6)
    }

    private static func codeUnit(_ text: UnsafeRawBufferPointer, at start: Int) -> UInt32? {
        guard start + 6 <= text.count, text[start] == UInt8(ascii: "\\"), text[start + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for i in start + 2..<start + 6 {
            let digit: UInt8 = switch text[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): text[i] - UInt8(ascii: "0")
            default: (text[i] | 0x20) &- UInt8(ascii: "a") &+ 10
            }
            guard digit < 16 else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Appends the text with quotes around it and escapes where JSON wants them. The text must be UTF-8.
    @inlinable
    public static func encode(_ text: some Sequence<UInt8>, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        escape(text, into: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// Appends the text with escapes where JSON wants them, without quotes.
    @inlinable
    public static func escape(_ text: some Sequence<UInt8>, into output: inout [UInt8]) {
        let isWritten: Void? = text.withContiguousStorageIfAvailable { escape(contiguous: $0, into: &output) }
        if isWritten == nil { for byte in text { escape(byte: byte, into: &output) } }
    }

    /// Takes over in one go what stands between escapes, which is all of most texts.
    @usableFromInline
    static func escape(contiguous text: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        var start = 0
        while true {
            let end = firstEscape(in: UnsafeRawBufferPointer(text), from: start)
            if end > start { output.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end])) }
            guard end < text.count else { return }
            escape(byte: text[end], into: &output)
            start = end + 1
        }
    }

    /// Where the first byte from `start` on stands that is a quote, a backslash or a control character; the end where none is.
    private static func firstEscape(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highBits: UInt64 = 0x8080_8080_8080_8080
        var i = start
        while i + 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            let quote: UInt64 = word ^ 0x2222_2222_2222_2222
            let backslash: UInt64 = word ^ 0x5C5C_5C5C_5C5C_5C5C
            // Subtracting sets the high bit of a byte that is too small for it, and by what it borrows perhaps of those that
            // come behind: the first one is right.
            var found: UInt64 = (word &- 0x2020_2020_2020_2020) & ~word
            found |= (quote &- ones) & ~quote
            found |= (backslash &- ones) & ~backslash
            found &= highBits
            if found != 0 { return i + found.trailingZeroBitCount / 8 }
            i += 8
        }
        while i < text.count {
            let byte = text[i]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return i }
            i += 1
        }
        return i
    }

    @usableFromInline
    static func escape(byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append("\\", byte, to: &output)
        case 0x0A: append("\\", UInt8(ascii: "n"), to: &output)
        case 0x0D: append("\\", UInt8(ascii: "r"), to: &output)
        case 0x09: append("\\", UInt8(ascii: "t"), to: &output)
        case 0..<0x20:
            let low = byte & 15
            append("\\u00", UInt8(ascii: "0") + byte >> 4, to: &output)
            output.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: output.append(byte)
        }
    }

    private static func append(_ start: StaticString, _ byte: UInt8, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: start.utf8Start, count: start.utf8CodeUnitCount))
        output.append(byte)
    }
}
