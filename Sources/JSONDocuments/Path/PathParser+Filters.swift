/// Filters: `||` binds least, then `&&`, then `!`.
extension PathParser {
    mutating func parseCondition() throws(JSONPathError) -> PathCondition {
        guard depth < Self.maximumDepth else {
            throw error("more than \(Self.maximumDepth) filters and parentheses within one another")
        }
        depth += 1
        defer { depth -= 1 }
        var alternatives = [try parseAll()]
        while skipOperator("||") { alternatives.append(try parseAll()) }
        return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
    }

    private mutating func parseAll() throws(JSONPathError) -> PathCondition {
        var conditions = [try parseBasic()]
        while skipOperator("&&") { conditions.append(try parseBasic()) }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func skipOperator(_ text: String) -> Bool {
        let end = position
        skipBlanks()
        if skip(text) {
            skipBlanks()
            return true
        }
        position = end
        return false
    }

    private mutating func parseBasic() throws(JSONPathError) -> PathCondition {
        let start = position
        let isNegated = skip("!")
        if isNegated { skipBlanks() }
        if skip("(") {
            skipBlanks()
            let condition = try parseCondition()
            skipBlanks()
            guard skip(")") else { throw error("expected && or || or )") }
            return isNegated ? .not(condition) : condition
        }
        let left = try parseOperand()
        guard let comparison = parseComparison() else {
            guard case .query(let query) = left else { throw error("expected a comparison after a literal") }
            return isNegated ? .not(.exists(query)) : .exists(query)
        }
        guard !isNegated else { throw error("a comparison after ! must stand in parentheses", at: start) }
        let rightStart = position
        let right = try parseOperand()
        for (operand, place) in [(left, start), (right, rightStart)] {
            guard case .query(let query) = operand, !query.isSingular else { continue }
            throw error("a query that is compared must lead to one value, by names and indices only", at: place)
        }
        return .compare(left, comparison, right)
    }

    private mutating func parseComparison() -> PathComparison? {
        for comparison in PathComparison.allCases where skipOperator(comparison.rawValue) { return comparison }
        return nil
    }

    private mutating func parseOperand() throws(JSONPathError) -> PathOperand {
        if next == "@" || next == "$" {
            let isFromRoot = next == "$"
            position += 1
            return .query(PathQuery(isFromRoot: isFromRoot, segments: try parseSegments()))
        }
        if next == "'" || next == "\"" { return .literal(.string(try parseString())) }
        let start = position
        while let scalar = next, Self.isLiteralScalar(scalar) { position += 1 }
        let word = String(String.UnicodeScalarView(text[start..<position]))
        switch word {
        case "true": return .literal(.bool(true))
        case "false": return .literal(.bool(false))
        case "null": return .literal(.null)
        default: break
        }
        if let number = JSONNumber(word) { return .literal(.number(number)) }
        if next == "(", !word.isEmpty {
            throw error("the function \(word)() is not supported", at: start)
        }
        throw error("expected @, $, a literal or a condition in parentheses", at: start)
    }

    private static func isLiteralScalar(_ scalar: Unicode.Scalar) -> Bool {
        isNameScalar(scalar) || scalar == "-" || scalar == "+" || scalar == "."
    }

    /// A quoted text: escapes are those of JSON, with the quote that surrounds it instead of the double one.
    mutating func parseString() throws(JSONPathError) -> String {
        let start = position
        guard let quote = next else { throw error("expected a text") }
        position += 1
        var result = String.UnicodeScalarView()
        while let scalar = next {
            position += 1
            if scalar == quote { return String(result) }
            guard scalar.value >= 0x20 else { throw error("a control character in a text", at: position - 1) }
            result.append(scalar == "\\" ? try parseEscape(quote) : scalar)
        }
        throw error("a text without its closing quote", at: start)
    }

    private mutating func parseEscape(_ quote: Unicode.Scalar) throws(JSONPathError) -> Unicode.Scalar {
        let start = position - 1
        let escaped = next
        position += 1
        switch escaped {
        case quote, "\\", "/": if let escaped { return escaped }
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            guard let high = hexadecimal() else { break }
            if let scalar = Unicode.Scalar(high) { return scalar }
            guard high < 0xDC00, skip("\\u"), let low = hexadecimal(), (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            else { break }
            return scalar
        default: break
        }
        throw error("a malformed escape", at: start)
    }

    private mutating func hexadecimal() -> UInt32? {
        guard position + 4 <= text.count else { return nil }
        let digits = text[position..<position + 4]
        guard digits.allSatisfy(\.properties.isASCIIHexDigit) else { return nil }
        position += 4
        return UInt32(String(String.UnicodeScalarView(digits)), radix: 16)
    }
}
