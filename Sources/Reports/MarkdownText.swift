/// Text for GitHub's Markdown: nothing in it is taken for structure, a mention, a reference or a link, and what is copied from
/// the finished page is the text itself.
enum MarkdownText {
    /// The text on one line of prose.
    ///
    /// Characters of meaning become entities, which CommonMark never takes for structure. Source:
    /// https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
    static func inline(_ text: String, limit: Int = 200) -> String {
        Visible.line(text, limit: limit).split(separator: " ", omittingEmptySubsequences: false).map(word).joined(separator: " ")
    }

    /// The text as a name or a value.
    static func code(_ text: String, limit: Int = 200) -> String { span(Visible.line(text, limit: limit)) }

    /// As ``code(_:limit:)``, where Markdown is not read: on a line that begins with the tag of a block, such as `<details>`.
    static func element(_ text: String, limit: Int = 200) -> String { "<code>\(escaped(Visible.line(text, limit: limit)))</code>" }

    /// A word in which GitHub might find a name, a number or an address becomes code: there alone it does not look for them, while
    /// entities are gone by then.
    private static func word(_ word: Substring) -> String {
        guard isLinkLike(word) else { return escaped(word) }
        let start = word.prefix { "([{<\"'".contains($0) }
        let end = word.dropFirst(start.count).reversed().prefix { ")]}>\"',;:.!?".contains($0) }.count
        return escaped(start) + span(String(word.dropFirst(start.count).dropLast(end))) + escaped(word.suffix(end))
    }

    private static func isLinkLike(_ word: Substring) -> Bool {
        // By scalars: a mark behind an @ makes them one character.
        let scalars = word.unicodeScalars
        return scalars.contains { $0 == "@" || $0 == "#" } || scalars.dropLast().contains(":")
            || word.lowercased().utf8.contains("www.".utf8)
    }

    private static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "@", "#", "&", "<", ">", "\"", "'", "`", "|", "\\", "*", "_", "~", "[", "]", "(", ")", "!", "{", "}", "$", "^":
                result += "&#\(scalar.value);"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Code spans. A bar would end the cell of a table even within one, and so stands between two.
    private static func span(_ text: String) -> String {
        text.unicodeScalars.split(separator: "|", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : unbarredSpan(String($0)) }.joined(separator: "&#124;")
    }

    /// Code between more backticks than it has in a row.
    ///
    /// Source: https://spec.commonmark.org/0.31.2/#code-spans
    private static func unbarredSpan(_ text: String) -> String {
        let fence = String(repeating: "`", count: longestFence(text.utf8) + 1)
        // Of spaces on both sides one each is taken away again, unless there is nothing else.
        let edges = [text.utf8.first, text.utf8.last]
        let isPadded = edges.contains(UInt8(ascii: "`")) || edges == [0x20, 0x20] && text.utf8.contains { $0 != 0x20 }
        return isPadded ? "\(fence) \(text) \(fence)" : fence + text + fence
    }

    /// How many backticks stand in a row at most.
    private static func longestFence(_ bytes: some Sequence<UInt8>) -> Int {
        var longest = 0
        var run = 0
        for byte in bytes {
            run = byte == UInt8(ascii: "`") ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }

    /// A block of lines with a fence that none of them can close.
    static func fenced(_ lines: [String], _ language: String) -> String {
        let longest = lines.map { longestFence($0.utf8) }.max() ?? 0
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
