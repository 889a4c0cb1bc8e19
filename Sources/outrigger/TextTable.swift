/// Rows for a terminal, in columns.
enum TextTable {
    /// The rows as lines, without blanks at their ends.
    ///
    /// - Parameters:
    ///   - rows: each with a cell for every column; escaped.
    ///   - widest: columns grow to this many characters and no further; longer cells stand out.
    static func lines(_ rows: [[String]], indent: String = "", widest: Int) -> String {
        let columns = rows.first?.indices ?? 0..<0
        let widths = columns.map { i in min(widest, rows.map { $0[i].count }.max() ?? 0) }
        return rows.map { row in
            var line = indent + zip(row, widths).map { $0.padded($1) }.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// The text escaped, and cut to `limit` characters with a sign that there were more.
    static func cell(_ text: String, limit: Int) -> String {
        let plain = text.escapedForTerminal
        return plain.count > limit ? plain.prefix(limit - 1) + "…" : plain
    }
}
