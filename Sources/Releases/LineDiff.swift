/// The lines by which two texts differ, in the unified format of `diff -u` with three lines of context.
enum LineDiff {
    /// Beyond this many differing lines of both texts together the whole stretch is shown as replaced: finding the smallest
    /// difference takes the square of their number.
    private static let maximumCompared = 4_000
    private static let context = 3

    private enum Line {
        case same(Int, Int)
        case removed(Int)
        case added(Int)
    }

    /// Hunks, each starting with its `@@` line; none if the texts are the same bytes.
    static func hunks(_ old: [UInt8], _ new: [UInt8]) -> [String] {
        let (a, b) = (lines(old), lines(new))
        let script = script(a, b)
        let changes = script.indices.filter { if case .same = script[$0] { false } else { true } }
        var output: [String] = []
        var i = 0
        while i < changes.count {
            let start = max(0, changes[i] - context)
            var last = changes[i]
            while i < changes.count, changes[i] <= last + 2 * context + 1 {
                last = changes[i]
                i += 1
            }
            output += hunk(script, start..<min(script.count, last + context + 1), a, b)
        }
        return output
    }

    private static func hunk(_ script: [Line], _ range: Range<Int>, _ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> [String] {
        var before = (0, 0)
        for line in script[..<range.lowerBound] { count(line, &before) }
        var within = (0, 0)
        var text: [String] = []
        for line in script[range] {
            count(line, &within)
            switch line {
            case .same(let i, _): text += shown(" ", a[i])
            case .removed(let i): text += shown("-", a[i])
            case .added(let j): text += shown("+", b[j])
            }
        }
        func place(_ start: Int, _ count: Int) -> String { count == 1 ? "\(start + 1)" : "\(count == 0 ? start : start + 1),\(count)" }
        return ["@@ -\(place(before.0, within.0)) +\(place(before.1, within.1)) @@"] + text
    }

    private static func count(_ line: Line, _ lines: inout (Int, Int)) {
        switch line {
        case .same: lines = (lines.0 + 1, lines.1 + 1)
        case .removed: lines.0 += 1
        case .added: lines.1 += 1
        }
    }

    /// With control characters made visible: a prompt must not move the reader's cursor.
    private static func shown(_ mark: String, _ line: ArraySlice<UInt8>) -> [String] {
        let hasFeed = line.last == 0x0A
        let text = mark + visible(String(decoding: hasFeed ? line.dropLast() : line, as: UTF8.self))
        return hasFeed ? [text] : [text, "\\ No newline at end of file"]
    }

    static func visible(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\t", .format, .lineSeparator, .paragraphSeparator:
                output.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: output.append(scalar)
            }
        }
        return String(output)
    }

    private static func script(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> [Line] {
        var start = 0
        while start < min(a.count, b.count), a[start] == b[start] { start += 1 }
        var tail = 0
        while tail < min(a.count, b.count) - start, a[a.count - 1 - tail] == b[b.count - 1 - tail] { tail += 1 }
        let (oldEnd, newEnd) = (a.count - tail, b.count - tail)
        var script = (0..<start).map { Line.same($0, $0) }
        var removed = Set(start..<oldEnd)
        var added = Set(start..<newEnd)
        if oldEnd - start + newEnd - start <= maximumCompared {
            let difference = Array(b[start..<newEnd]).difference(from: Array(a[start..<oldEnd]))
            removed = Set(difference.removals.map { if case .remove(let i, _, _) = $0 { i + start } else { -1 } })
            added = Set(difference.insertions.map { if case .insert(let i, _, _) = $0 { i + start } else { -1 } })
        }
        var (i, j) = (start, start)
        while i < oldEnd || j < newEnd {
            if i < oldEnd, removed.contains(i) {
                script.append(.removed(i))
                i += 1
            } else if j < newEnd, added.contains(j) {
                script.append(.added(j))
                j += 1
            } else {
                script.append(.same(i, j))
                (i, j) = (i + 1, j + 1)
            }
        }
        return script + (0..<tail).map { Line.same(oldEnd + $0, newEnd + $0) }
    }

    /// With their line feeds.
    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count
            lines.append(text[start..<end])
            start = end
        }
        return lines
    }
}
