internal import JSONText

/// The start of a text that is JSON, made JSON again: what is open at its end is closed, and what cannot be closed is left out.
///
/// What redaction finds by a key it finds in the whole only as long as it can be read.
enum JSONStart {
    /// - Parameter text: as much as is wanted of a longer text, without a part of a character at its end.
    /// - Returns: nil where that is the start of no JSON text.
    static func closed(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var scan = Scan()
        for i in text.indices { scan.take(text[i], at: i) }
        guard !scan.isBroken else { return nil }
        var result: [UInt8]
        if let end = scan.stringEnd(text), !mayHoldJSON(text[scan.stringStart..<end]) {
            result = text[..<end] + [UInt8(ascii: "\"")]
        } else {
            result = Array(text[..<max(text.startIndex, scan.lastWhole)])
        }
        result += scan.open.reversed()
        let isJSON = result.withUnsafeBytes { bytes in
            var tape = JSONTape(maximumDepth: 1024)
            return (try? tape.parse(bytes)) != nil
        }
        return isJSON ? result : nil
    }

    /// A string that is JSON of its own would be cut off in it, and not be read as JSON any more.
    private static func mayHoldJSON(_ string: ArraySlice<UInt8>) -> Bool {
        var decoded: [UInt8] = []
        _ = string.withUnsafeBytes { JSONString.decode($0, into: &decoded) }
        guard let first = decoded.first(where: { $0 > 0x20 }) else { return false }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    private struct Scan {
        /// What closes the objects and arrays that are open.
        var open: [UInt8] = []
        /// Before this place all values are whole, and nothing but closing is needed.
        var lastWhole = 0
        /// Of the string that is open, behind its quote.
        var stringStart = 0
        /// Whether more follows where the value is whole.
        var isBroken = false
        private var isOver = false
        private var isInString = false
        private var isKey = false
        private var isAfterColon = false
        private var escapeStart: Int?

        mutating func take(_ byte: UInt8, at i: Int) {
            if isInString { return takeOfString(byte, at: i) }
            if isOver, byte > 0x20 { isBroken = true }
            switch byte {
            case UInt8(ascii: "\""):
                isInString = true
                stringStart = i + 1
                isKey = open.last == UInt8(ascii: "}") && !isAfterColon
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(byte == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"))
                isAfterColon = false
                lastWhole = i + 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                isOver = open.count < 2
                _ = open.popLast()
                lastWhole = i + 1
            case UInt8(ascii: ","):
                isAfterColon = false
                lastWhole = i
            case UInt8(ascii: ":"): isAfterColon = true
            default: break
            }
        }

        private mutating func takeOfString(_ byte: UInt8, at i: Int) {
            if let start = escapeStart {
                let isLong = i > start + 1 || byte == UInt8(ascii: "u")
                if !isLong || i == start + 5 { escapeStart = nil }
            } else if byte == UInt8(ascii: "\\") {
                escapeStart = i
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
        }

        /// Where the string can be closed in which the text ends; nil where it ends in none, or in a key.
        func stringEnd(_ text: ArraySlice<UInt8>) -> Int? { isInString && !isKey ? escapeStart ?? text.endIndex : nil }
    }
}
