/// Reads the text of a pattern, with the syntax that ``LinearPattern`` describes.
struct PatternParser {
    private let pattern: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private static let maximumDepth = 100
    private static let maximumRepetition = 10_000

    init(_ pattern: String) { self.pattern = Array(pattern.unicodeScalars) }

    mutating func parse() throws(PatternError) -> PatternTree {
        guard pattern.count <= LinearPattern.maximumPatternLength else {
            throw error("longer than \(LinearPattern.maximumPatternLength) characters", at: 0)
        }
        let tree = try parseChoice()
        guard position == pattern.count else { throw error("a closing parenthesis without an opening one") }
        return tree
    }

    private var next: Unicode.Scalar? { position < pattern.count ? pattern[position] : nil }

    private func error(_ problem: String, at offset: Int? = nil) -> PatternError {
        PatternError(problem: problem, offset: offset ?? position)
    }

    private mutating func skip(_ text: String) -> Bool {
        guard pattern[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private mutating func parseChoice() throws(PatternError) -> PatternTree {
        var alternatives = [try parseSequence()]
        while skip("|") { alternatives.append(try parseSequence()) }
        return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
    }

    private mutating func parseSequence() throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let start = position
            let part = try parseAtom()
            guard let (minimum, maximum) = try parseQuantifier() else {
                parts.append(part)
                continue
            }
            // An assertion in a group may be repeated, for what it is worth.
            if case .assert = part, pattern[start] != "(" { throw error("nothing here to repeat", at: start) }
            parts.append(.repeated(part, minimum: minimum, maximum: maximum))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func parseAtom() throws(PatternError) -> PatternTree {
        guard let scalar = next else { return .empty }
        switch scalar {
        case "(": return try parseGroup()
        case "[": return .one(try parseClass())
        case "\\": return try parseEscapedAtom()
        case "*", "+", "?": throw error("nothing here to repeat")
        default: break
        }
        position += 1
        return switch scalar {
        case "^": .assert(.start)
        case "$": .assert(.end)
        case ".": .one(.anyButLineEnds)
        default: .one(.scalar(scalar))
        }
    }

    private mutating func parseGroup() throws(PatternError) -> PatternTree {
        let start = position
        for lookAround in ["(?=", "(?!", "(?<=", "(?<!"] where skip(lookAround) {
            throw error("look-around is not supported", at: start)
        }
        position += 1
        if skip("?") {
            if skip("<") {
                while let scalar = next, scalar != ">", scalar != ")" { position += 1 }
                guard skip(">") else { throw error("a group name without its end", at: start) }
            } else if !skip(":") {
                throw error("an unknown kind of group", at: start)
            }
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw error("groups nested too deep", at: start) }
        let tree = try parseChoice()
        guard skip(")") else { throw error("a group without its closing parenthesis", at: start) }
        return tree
    }

    /// How often the atom before may stand here; nil if nothing says so.
    private mutating func parseQuantifier() throws(PatternError) -> (Int, Int?)? {
        let start = position
        var bounds: (Int, Int?)
        if skip("*") {
            bounds = (0, nil)
        } else if skip("+") {
            bounds = (1, nil)
        } else if skip("?") {
            bounds = (0, 1)
        } else if skip("{") {
            // A brace that is no quantifier stands for itself, as in browsers.
            guard let minimum = parseInteger() else {
                position = start
                return nil
            }
            bounds = (minimum, minimum)
            if skip(",") { bounds.1 = parseInteger() }
            guard skip("}") else {
                position = start
                return nil
            }
            guard max(bounds.0, bounds.1 ?? 0) <= Self.maximumRepetition else {
                throw error("more than \(Self.maximumRepetition) repetitions", at: start)
            }
            if let maximum = bounds.1, maximum < bounds.0 { throw error("repetitions out of order", at: start) }
        } else {
            return nil
        }
        // Lazy or not, a text matches or does not.
        _ = skip("?")
        if let scalar = next, scalar == "*" || scalar == "+" || scalar == "?" { throw error("nothing here to repeat") }
        return bounds
    }

    private mutating func parseInteger() -> Int? {
        var value: Int?
        while let scalar = next, scalar >= "0", scalar <= "9" {
            value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), Self.maximumRepetition + 1)
            position += 1
        }
        return value
    }

    private mutating func parseEscapedAtom() throws(PatternError) -> PatternTree {
        if skip("\\b") { return .assert(.wordBoundary) }
        if skip("\\B") { return .assert(.noWordBoundary) }
        let start = position
        if position + 1 < pattern.count, pattern[position + 1] == "k" || ("1"..."9").contains(pattern[position + 1]) {
            throw error("back-references are not supported", at: start)
        }
        return .one(ScalarSet(items: [try parseEscape()]))
    }

    private mutating func parseClass() throws(PatternError) -> ScalarSet {
        let start = position
        position += 1
        var set = ScalarSet(items: [], isNegated: skip("^"))
        while !skip("]") {
            guard next != nil else { throw error("a class without its closing bracket", at: start) }
            let low = try parseClassMember()
            guard position + 1 < pattern.count, next == "-", pattern[position + 1] != "]" else {
                set.items.append(low)
                continue
            }
            let dash = position
            position += 1
            let high = try parseClassMember()
            guard case .range(let first) = low, case .range(let last) = high else {
                throw error("a range must be from one character to another", at: dash)
            }
            guard first.lowerBound <= last.lowerBound else { throw error("a range out of order", at: dash) }
            set.items.append(.range(first.lowerBound...last.lowerBound))
        }
        return set
    }

    private mutating func parseClassMember() throws(PatternError) -> ScalarSet.Item {
        guard let scalar = next else { throw error("a class without its closing bracket") }
        if scalar == "\\" { return skip("\\b") ? .range(8...8) : try parseEscape() }
        position += 1
        return .range(scalar.value...scalar.value)
    }

    /// An escape that stands for code points.
    private mutating func parseEscape() throws(PatternError) -> ScalarSet.Item {
        let start = position
        position += 1
        guard let scalar = next else { throw error("a backslash at the end", at: start) }
        position += 1
        switch scalar {
        case "d", "D": return .digit(isNegated: scalar == "D")
        case "w", "W": return .word(isNegated: scalar == "W")
        case "s", "S": return .space(isNegated: scalar == "S")
        case "p", "P": return try parseProperty(isNegated: scalar == "P", start)
        case "t": return .range(9...9)
        case "n": return .range(10...10)
        case "v": return .range(11...11)
        case "f": return .range(12...12)
        case "r": return .range(13...13)
        case "0": return .range(0...0)
        case "x": return try single(hexadecimal(2), start)
        case "u": return try single(unicodeEscape(), start)
        case "c":
            guard let letter = next, letter.properties.isASCIIHexDigit || letter.isASCII, letter.properties.isAlphabetic
            else { throw error("an unknown escape", at: start) }
            position += 1
            return .range(letter.value & 31...letter.value & 31)
        case "a"..."z", "A"..."Z", "1"..."9": throw error("an unknown escape", at: start)
        default: return .range(scalar.value...scalar.value)
        }
    }

    private func single(_ value: UInt32?, _ start: Int) throws(PatternError) -> ScalarSet.Item {
        guard let value, value <= 0x10FFFF else { throw error("a malformed escape", at: start) }
        return .range(value...value)
    }

    private mutating func parseProperty(isNegated: Bool, _ start: Int) throws(PatternError) -> ScalarSet.Item {
        guard skip("{"), let end = pattern[position...].firstIndex(of: "}") else {
            throw error("a malformed escape", at: start)
        }
        let name = String(String.UnicodeScalarView(pattern[position..<end]))
        position = end + 1
        guard let item = ScalarSet.Item.named(name, isNegated: isNegated) else {
            throw error("the property “\(name)” is not supported", at: start)
        }
        return item
    }

    private mutating func hexadecimal(_ count: Int) -> UInt32? {
        guard position + count <= pattern.count else { return nil }
        var value: UInt32 = 0
        for scalar in pattern[position..<position + count] {
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        position += count
        return value
    }

    /// After `\u`: four digits, a pair of surrogates, or any number of digits in braces.
    private mutating func unicodeEscape() -> UInt32? {
        if skip("{") {
            guard let end = pattern[position...].firstIndex(of: "}"), (1...6).contains(end - position) else { return nil }
            let value = hexadecimal(end - position)
            position = end + 1
            return value
        }
        guard let high = hexadecimal(4) else { return nil }
        let start = position
        guard (0xD800..<0xDC00).contains(high), skip("\\u"), let low = hexadecimal(4), (0xDC00..<0xE000).contains(low)
        else {
            position = start
            return high
        }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }
}
