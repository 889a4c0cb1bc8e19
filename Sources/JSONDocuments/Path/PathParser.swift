/// Reads the text of a query: its segments and selectors. Filters are in `PathParser+Filters.swift`.
struct PathParser {
    let text: [Unicode.Scalar]
    var position = 0
    /// How many filters and parentheses are open.
    var depth = 0
    static let maximumDepth = 32

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    mutating func parse() throws(JSONPathError) -> [PathSegment] {
        guard text.count <= JSONPath.maximumLength else {
            throw error("a query of more than \(JSONPath.maximumLength) characters", at: JSONPath.maximumLength)
        }
        guard skip("$") else { throw error("a query starts with $") }
        let segments = try parseSegments()
        guard position == text.count else { throw error("expected . or [ or the end") }
        return segments
    }

    var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

    func error(_ problem: String, at place: Int? = nil) -> JSONPathError {
        JSONPathError(problem: problem, column: (place ?? position) + 1)
    }

    mutating func skip(_ expected: String) -> Bool {
        guard text[position...].starts(with: expected.unicodeScalars) else { return false }
        position += expected.unicodeScalars.count
        return true
    }

    mutating func skipBlanks() {
        while let scalar = next, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" { position += 1 }
    }

    mutating func parseSegments() throws(JSONPathError) -> [PathSegment] {
        var segments: [PathSegment] = []
        while true {
            let end = position
            skipBlanks()
            if skip("..") {
                segments.append(PathSegment(isDescendant: true, selectors: try parseAfterDots(orBracket: true)))
            } else if skip(".") {
                segments.append(PathSegment(isDescendant: false, selectors: try parseAfterDots(orBracket: false)))
            } else if skip("[") {
                segments.append(PathSegment(isDescendant: false, selectors: try parseBracket()))
            } else {
                // Blanks belong to a query only before one of its segments.
                position = end
                return segments
            }
        }
    }

    private mutating func parseAfterDots(orBracket: Bool) throws(JSONPathError) -> [PathSegment.Selector] {
        if skip("*") { return [.wildcard] }
        if orBracket, skip("[") { return try parseBracket() }
        let start = position
        while let scalar = next, Self.isNameScalar(scalar), position > start || !("0"..."9").contains(scalar) {
            position += 1
        }
        guard position > start else {
            throw error("expected a name\(orBracket ? ", [" : "") or *; other names are written as ['name']")
        }
        return [.name(String(String.UnicodeScalarView(text[start..<position])))]
    }

    static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: scalar.value >= 0x80
        }
    }

    /// What follows the opening bracket, to the closing one.
    private mutating func parseBracket() throws(JSONPathError) -> [PathSegment.Selector] {
        var selectors: [PathSegment.Selector] = []
        repeat {
            skipBlanks()
            selectors.append(try parseSelector())
            skipBlanks()
        } while skip(",")
        guard skip("]") else { throw error("expected , or ]") }
        return selectors
    }

    private mutating func parseSelector() throws(JSONPathError) -> PathSegment.Selector {
        switch next {
        case "*":
            position += 1
            return .wildcard
        case "'", "\"": return .name(try parseString())
        case "?":
            position += 1
            skipBlanks()
            return .filter(try parseCondition())
        default: break
        }
        let start = try parseInteger()
        let end = position
        skipBlanks()
        guard skip(":") else {
            guard let start else {
                throw error("expected a quoted name, an index, a slice, * or a filter that starts with ?")
            }
            position = end
            return .index(start)
        }
        skipBlanks()
        let stop = try parseInteger()
        skipBlanks()
        guard skip(":") else { return .slice(start: start, end: stop, step: 1) }
        skipBlanks()
        return .slice(start: start, end: stop, step: try parseInteger() ?? 1)
    }

    /// An integer as the RFC wants it: no zero before other digits, no -0, and exact as a `Double`.
    private mutating func parseInteger() throws(JSONPathError) -> Int? {
        let start = position
        let isNegative = skip("-")
        let digits = position
        while let scalar = next, ("0"..."9").contains(scalar) { position += 1 }
        guard position > start else { return nil }
        let isZeroLed = position > digits && text[digits] == "0" && (position > digits + 1 || isNegative)
        guard position > digits, !isZeroLed, position - digits <= 16,
            let value = Int(String(String.UnicodeScalarView(text[start..<position]))), abs(value) < 1 << 53
        else { throw error("a malformed index", at: start) }
        return value
    }
}
