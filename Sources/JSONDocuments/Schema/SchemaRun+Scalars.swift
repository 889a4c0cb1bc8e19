/// Keywords that ask for nothing but the value itself.
extension SchemaRun {
    mutating func checkScalar(_ keyword: SchemaNode.Keyword, of node: SchemaNode, _ value: JSONDocument) -> Bool {
        switch (keyword.rule, value) {
        case (.type(let types), _):
            types.contains { $0.accepts(value) }
                || fail(
                    node, keyword.name,
                    "expected \(types.map(\.rawValue).joined(separator: " or ")), "
                        + "got \(value.kind.rawValue) \(value.excerpt)")
        case (.oneOfValues(let values), _):
            values.contains(value)
                || fail(node, keyword.name, "\(value.excerpt) is none of \(JSONDocument.array(values).excerpt)")
        case (.const(let expected), _):
            value == expected || fail(node, keyword.name, "\(value.excerpt) is not \(expected.excerpt)")
        case (.multipleOf(let divisor), .number(let number)):
            number.isMultiple(of: divisor)
                || fail(node, keyword.name, "\(value.excerpt) is no multiple of \(divisor.text)")
        case (.bound(let bound, let isUpper, let isExclusive), .number(let number)):
            checkBound(number, bound, isUpper: isUpper, isExclusive: isExclusive, keyword.name, node)
        case (.size(let size, let bound, let isUpper), _):
            checkSize(size, bound, isUpper: isUpper, keyword.name, node, value)
        case (.pattern(let pattern, let source), .string(let text)):
            matches(pattern, source, text, node).map {
                $0 || fail(node, keyword.name, "\(value.excerpt) does not match the pattern “\(source)”")
            } ?? false
        default: true
        }
    }

    private mutating func checkBound(
        _ number: JSONNumber, _ bound: JSONNumber, isUpper: Bool, isExclusive: Bool, _ name: String, _ node: SchemaNode
    ) -> Bool {
        if isUpper ? number < bound : bound < number { return true }
        if number == bound, !isExclusive { return true }
        let side = isUpper ? (isExclusive ? "below" : "at most") : (isExclusive ? "above" : "at least")
        let (shown, limit) = (JSONDocument.number(number).excerpt, JSONDocument.number(bound).excerpt)
        return fail(node, name, "\(shown) must be \(side) \(limit)")
    }

    private mutating func checkSize(
        _ size: SchemaSize, _ bound: Int, isUpper: Bool, _ name: String, _ node: SchemaNode, _ value: JSONDocument
    ) -> Bool {
        let (count, unit): (Int, String)
        switch (size, value) {
        case (.scalars, .string(let text)): (count, unit) = (text.unicodeScalars.count, "characters")
        case (.items, .array(let items)): (count, unit) = (items.count, "items")
        case (.members, .object(let object)): (count, unit) = (object.count, "members")
        default: return true
        }
        guard isUpper ? count > bound : count < bound else { return true }
        return fail(node, name, "has \(count) \(unit), must have \(isUpper ? "at most" : "at least") \(bound)")
    }

    /// Whether a pattern is found in a text; nil, and the run is over, if that took too much work.
    mutating func matches(_ pattern: LinearPattern, _ source: String, _ text: String, _ node: SchemaNode) -> Bool? {
        switch pattern.match(text) {
        case .match: return true
        case .noMatch: return false
        case .tooMuchWork:
            _ = stop(node, "matching the pattern “\(source)” takes too much work for this text")
            return nil
        }
    }
}
