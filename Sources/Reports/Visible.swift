/// Text of unknown origin, made fit for one line of a report: nothing in it moves the cursor, hides, reorders, or is a command to
/// whoever runs us. GitHub's runner takes `##[command]` for one anywhere in a line, so that becomes `## [command]`.
enum Visible {
    /// Control, format (among them all that turn the direction of writing), and line separating characters as `\u{..}`.
    static func line(_ text: String) -> String {
        guard !isPlainASCII(text) else { return text }
        var result = ""
        for scalar in text.unicodeScalars { append(scalar, to: &result) }
        return result
    }

    /// As ``line(_:)``, with runs of white space as one space, and cut.
    static func line(_ text: String, limit: Int) -> String {
        if let plain = plainLine(text, limit) { return plain }
        var result = ""
        var length = 0
        var hasSpace = false
        for scalar in text.unicodeScalars {
            if scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t" {
                hasSpace = length > 0
                continue
            }
            if length >= limit { return result + "…" }
            if hasSpace {
                result += " "
                length += 1
                hasSpace = false
            }
            append(scalar, to: &result)
            length += 1
        }
        return result
    }

    /// What ``line(_:limit:)`` makes of text that needs no more than a cut, as most does; nil for all other.
    private static func plainLine(_ text: String, _ limit: Int) -> String? {
        // Bytes are characters here. One more than what stays: whether it is cut off shows there.
        let start = text.utf8.prefix(limit + 1)
        var wasSpace = true
        var marks = 0
        for byte in start {
            guard byte >= 0x20, byte < 0x7F else { return nil }
            if byte == UInt8(ascii: "["), marks >= 2 { return nil }
            marks = byte == UInt8(ascii: "#") ? marks + 1 : 0
            let isSpace = byte == 0x20
            if isSpace, wasSpace { return nil }
            wasSpace = isSpace
        }
        guard start.count > limit else { return wasSpace && !text.isEmpty ? nil : text }
        // A space at the cut stays or goes by what follows it.
        guard limit > 0, !wasSpace, let last = start.dropLast().last, last != 0x20 else { return nil }
        return String(text[..<start.index(before: start.endIndex)]) + "…"
    }

    /// As ``line(_:)``, but lines stay lines.
    static func lines(_ text: String, limit: Int) -> String {
        if text.utf8.count <= limit, isPlainASCII(text, allowingLines: true) { return text }
        var result = ""
        for (length, scalar) in text.unicodeScalars.enumerated() {
            if length >= limit { return result + "…" }
            if scalar == "\n" || scalar == "\t" {
                result.unicodeScalars.append(scalar)
            } else if scalar != "\r" {
                append(scalar, to: &result)
            }
        }
        return result
    }

    /// Whether all bytes are ASCII that shows, of which nothing has to be hidden or broken; a scan of bytes, since most text is.
    private static func isPlainASCII(_ text: String, allowingLines: Bool = false) -> Bool {
        var marks = 0
        return text.utf8.allSatisfy { byte in
            if byte == UInt8(ascii: "["), marks >= 2 { return false }
            marks = byte == UInt8(ascii: "#") ? marks + 1 : 0
            return (byte >= 0x20 && byte < 0x7F) || (allowingLines && (byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")))
        }
    }

    /// The first `limit` characters, with a sign that there were more.
    static func cut(_ text: String, _ limit: Int) -> String {
        let scalars = text.unicodeScalars
        guard text.utf8.count > limit, let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
            end < scalars.endIndex
        else { return text }
        return String(scalars[..<end]) + "…"
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        if isHidden(scalar) {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            if scalar == "[", result.utf8.suffix(2).elementsEqual("##".utf8) { result += " " }
            result.unicodeScalars.append(scalar)
        }
    }

    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value >= 0x20, scalar.value < 0x7F { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        // U+FFFE and the like: XML does not know them.
        case .unassigned: return scalar.properties.isNoncharacterCodePoint
        default: return false
        }
    }

    /// Columns that the text takes on a terminal, nearly: East Asian wide characters and emoji take two.
    static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        var width = 0
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case ..<0x300: width += 1
            case 0x300..<0x370, 0xFE00..<0xFE10: break
            case 0x1100..<0x1160, 0x2E80..<0xA4D0, 0xAC00..<0xD7A4, 0xF900..<0xFB00, 0xFE30..<0xFE70, 0xFF00..<0xFF61,
                0x1F300..<0x1F650, 0x1F900..<0x1FA00, 0x20000..<0x40000:
                width += 2
            default: width += scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
            }
        }
        return width
    }
}
