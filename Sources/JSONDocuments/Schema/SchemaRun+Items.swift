/// Keywords for arrays.
extension SchemaRun {
    mutating func checkItems(
        _ keyword: SchemaNode.Keyword, of node: SchemaNode, _ items: [JSONDocument], _ evaluated: inout Evaluated
    ) -> Bool {
        switch keyword.rule {
        case .items(let prefix, let rest): checkEach(items, prefix, rest, &evaluated)
        case .contains(let schema, let minimum, let maximum):
            checkContains(items, schema, minimum, maximum, node, &evaluated)
        case .uniqueItems: checkUnique(items, node)
        case .unevaluatedItems(let schema): checkUnevaluated(items, schema, &evaluated)
        default: true
        }
    }

    private mutating func checkEach(
        _ items: [JSONDocument], _ prefix: [Int], _ rest: Int?, _ evaluated: inout Evaluated
    ) -> Bool {
        var isValid = true
        for (i, item) in items.enumerated() {
            guard let schema = i < prefix.count ? prefix[i] : rest else { break }
            if !applyBelow(schema, to: item, String(i)) { isValid = false }
            if isOver { return false }
            if schemaTracks { evaluated.items.insert(i) }
        }
        return isValid
    }

    private var schemaTracks: Bool { schema.tracksEvaluation }

    private mutating func checkContains(
        _ items: [JSONDocument], _ schema: Int, _ minimum: Int, _ maximum: Int?, _ node: SchemaNode,
        _ evaluated: inout Evaluated
    ) -> Bool {
        var count = 0
        for (i, item) in items.enumerated() {
            guard let outcome = probe(schema, item) else { return false }
            guard outcome.isValid else { continue }
            count += 1
            if schemaTracks { evaluated.items.insert(i) }
        }
        if count < minimum {
            return fail(
                node, minimum == 1 ? "contains" : "minContains",
                "contains \(count) items of the kind asked for, must have at least \(minimum)")
        }
        guard let maximum, count > maximum else { return true }
        return fail(
            node, "maxContains", "contains \(count) items of the kind asked for, must have at most \(maximum)")
    }

    private mutating func checkUnique(_ items: [JSONDocument], _ node: SchemaNode) -> Bool {
        var places: [JSONDocument: Int] = [:]
        for (i, item) in items.enumerated() {
            if let first = places[item] {
                return fail(node, "uniqueItems", "items \(first) and \(i) are the same: \(item.excerpt)")
            }
            places[item] = i
        }
        return true
    }

    private mutating func checkUnevaluated(
        _ items: [JSONDocument], _ schema: Int, _ evaluated: inout Evaluated
    ) -> Bool {
        var isValid = true
        for (i, item) in items.enumerated() where evaluated.items.insert(i).inserted {
            if !applyBelow(schema, to: item, String(i)) { isValid = false }
            if isOver { return false }
        }
        return isValid
    }
}
