/// Bounds what it can cost to compare the keys of a text before it is parsed.
///
/// Yams compares each mapping's keys with all that is in them, so keys within keys cost their depth times their size. That
/// depth is at most that of the brackets plus the column of a `?` at the start of a line. Quotes and block text are not told
/// apart: files that people write stay far below the bound, but closing brackets hidden in quotes count as well, so a
/// hostile file can still make the parser take its time (a minute for a whole megabyte), never unbounded memory.
enum NestingCost {
    static let maximum = 32 << 20

    static func isBearable(_ bytes: [UInt8]) -> Bool {
        var (depth, deepest) = (0, 0)
        var (column, deepestKey) = (0, 0)
        var isLineStart = true
        for byte in bytes {
            column += 1
            switch byte {
            case 0x0A, 0x0D: (column, isLineStart) = (0, true)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
                isLineStart = false
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth = max(0, depth - 1)
                isLineStart = false
            case UInt8(ascii: "?"): if isLineStart { deepestKey = max(deepestKey, column) }
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"): break
            default: isLineStart = false
            }
        }
        // The parser itself goes no deeper than 1000.
        return min(deepest + deepestKey, 1_000) * bytes.count <= maximum
    }
}
