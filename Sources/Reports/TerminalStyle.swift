/// Colours for a terminal, or none.
struct TerminalStyle {
    let colors: Bool

    enum Color: Int {
        case bold = 1, dim = 2, red = 31, green = 32, yellow = 33, cyan = 36
    }

    /// The text must hold no control characters: see ``Visible``.
    func paint(_ text: String, _ color: Color) -> String {
        colors && !text.isEmpty ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Rows with aligned columns. Numbers stand to the right.
struct TextTable {
    private var rows: [[String]] = []
    private let alignsRight: [Bool]
    private let maximumColumn: Int

    /// - Parameter maximumColumn: longer cells are cut.
    init(header: [String], alignsRight: [Bool], maximumColumn: Int = 60) {
        self.alignsRight = alignsRight
        self.maximumColumn = maximumColumn
        add(header)
    }

    mutating func add(_ cells: [String]) { rows.append(cells.map { Visible.line($0, limit: maximumColumn) }) }

    /// The lines, the header first.
    var lines: [String] {
        let widths = alignsRight.indices.map { column in
            rows.map { column < $0.count ? Visible.width($0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (i, cell) in row.enumerated() where i < widths.count {
                let space = String(repeating: " ", count: max(0, widths[i] - Visible.width(cell)))
                line += (i > 0 ? "  " : "") + (alignsRight[i] ? space + cell : cell + space)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}

extension String {
    /// Filled with spaces to this many columns of a terminal, or cut to them.
    func fitted(to columns: Int) -> String {
        var text = self
        if Visible.width(text) > columns {
            var kept = String.UnicodeScalarView()
            var width = 0
            for scalar in text.unicodeScalars {
                let next = Visible.width(String(scalar))
                if width + next > columns - 1 { break }
                kept.append(scalar)
                width += next
            }
            text = String(kept) + "…"
        }
        return text + String(repeating: " ", count: max(0, columns - Visible.width(text)))
    }
}
