/// Text for XML 1.0 documents.
enum XMLText {
    /// Escaped for content and attributes alike. Characters that XML 1.0 does not know become U+FFFD.
    ///
    /// Source: https://www.w3.org/TR/xml/#charsets
    static func escaped(_ text: String) -> String {
        // Most text has nothing to escape, and its bytes say so faster than its characters.
        guard text.utf8.contains(where: needsLook) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            // Of `]]>` this is the part that may not stand in content.
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // GitHub's runner takes `##[` for the start of a command, wherever it stands in a line of standard output.
            case "[" where result.utf8.suffix(2).elementsEqual("##".utf8): result += "&#91;"
            // Readers would make spaces of them in attributes.
            case "\n": result += "&#10;"
            case "\r": result += "&#13;"
            case "\t": result += "&#9;"
            case "\u{20}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                result.unicodeScalars.append(scalar)
            default: result += "\u{FFFD}"
            }
        }
        return result
    }

    /// Whether the byte may belong to a character that is escaped or that XML does not know. Of the characters beyond ASCII
    /// those are U+FFFE and U+FFFF alone, which start with the byte EF.
    private static func needsLook(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00..<0x20, 0xEF: true
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "["): true
        default: false
        }
    }

    /// As ``escaped(_:)`` for content, where lines stay lines.
    static func content(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }.joined(separator: "\n")
    }
}
