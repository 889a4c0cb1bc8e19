/// Text for GitHub's Markdown.
enum MarkdownText {
    /// The text on one line, with nothing in it that Markdown, HTML, tables or GitHub would take for their own: neither
    /// mentions nor references to issues nor links.
    ///
    /// Characters of meaning become entities, which CommonMark never takes for structure. Source:
    /// https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
    static func inline(_ text: String, limit: Int = 200) -> String {
        var result = ""
        for scalar in Visible.line(text, limit: limit).unicodeScalars {
            switch scalar {
            // After these GitHub looks for names and numbers in the finished text, where entities are gone.
            case "@", "#": result += "&#\(scalar.value);\u{200B}"
            case "&", "<", ">", "\"", "'", "`", "|", "\\", "*", "_", "~", "[", "]", "(", ")", "!", "{", "}", "$", "^":
                result += "&#\(scalar.value);"
            // Of `https://…` and `www.…` no links are made.
            case ":": result += ":\u{200B}"
            case ".": result += result.hasSuffix("www") ? "\u{200B}." : "."
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As code. An element with escaped content, because a span of backticks cannot hold every text.
    static func code(_ text: String, limit: Int = 200) -> String { "<code>\(inline(text, limit: limit))</code>" }

    /// A block of lines with a fence that none of them can close.
    static func fenced(_ lines: [String], _ language: String) -> String {
        var longest = 0
        for line in lines {
            var run = 0
            for byte in line.utf8 {
                run = byte == UInt8(ascii: "`") ? run + 1 : 0
                longest = max(longest, run)
            }
        }
        let fence = String(repeating: "`", count: max(3, longest + 1))
        return "\(fence)\(language)\n\(lines.joined(separator: "\n"))\n\(fence)\n"
    }
}

/// A text of bounded size: what does not fit stays out as a whole, and it is known that it did.
struct BoundedText {
    private(set) var text = ""
    private(set) var isCut = false
    private let limit: Int

    /// - Parameter limit: bytes of UTF-8, of which there are never fewer than characters.
    init(limit: Int) { self.limit = limit }

    /// - Parameter reserve: bytes that must remain for what follows.
    /// - Returns: whether it was added.
    @discardableResult
    mutating func add(_ part: String, reserve: Int = 0) -> Bool {
        guard text.utf8.count + part.utf8.count + reserve <= limit else {
            isCut = true
            return false
        }
        text += part
        return true
    }
}
