/// One document on its way through a query.
///
/// Each value goes through all that is left of the query before its sibling does. That gives the order of the RFC, and
/// no lists in between that could grow beyond all bounds.
struct PathRun {
    struct Place {
        let value: JSONDocument
        let tokens: [String]
    }

    /// Takes a value that was found; false says that no more are wanted.
    typealias Found = (inout [JSONPath.Node], Place) -> Bool

    /// Descendants are as deep as the document; this also ends filters that start from the root within filters.
    private static let maximumDepth = 2000

    private let root: JSONDocument
    private var nodes: [JSONPath.Node] = []
    private var steps = 0
    private var depth = 0
    private var isCut = false
    private var tokens: [String] = []

    init(root: JSONDocument) { self.root = root }

    var finding: JSONPath.Finding { JSONPath.Finding(nodes: nodes, isCut: isCut) }

    /// Starts a query, for the nodes that it finds.
    mutating func visit(_ value: JSONDocument, _ segments: ArraySlice<PathSegment>, _ found: Found) {
        // It ends early only for want of room or steps; a query that fills the room exactly counts as cut, too.
        if !follow(value, segments, found) { isCut = true }
    }

    /// Returns false if the search is to end.
    private mutating func follow(_ value: JSONDocument, _ segments: ArraySlice<PathSegment>, _ found: Found) -> Bool {
        steps += 1
        guard steps <= JSONPath.maximumSteps, depth < Self.maximumDepth else {
            isCut = true
            return false
        }
        depth += 1
        defer { depth -= 1 }
        guard let segment = segments.first else { return found(&nodes, Place(value: value, tokens: tokens)) }
        for selector in segment.selectors {
            guard select(selector, from: value, segments.dropFirst(), found) else { return false }
        }
        guard segment.isDescendant else { return true }
        // The children go through the same segment, and so down to the last of them.
        return forEachChild(of: value) { run, child in run.follow(child, segments, found) }
    }

    private mutating func select(
        _ selector: PathSegment.Selector, from value: JSONDocument, _ rest: ArraySlice<PathSegment>, _ found: Found
    ) -> Bool {
        switch (selector, value) {
        case (.name(let name), .object(let object)):
            guard let child = object[name] else { return true }
            return descend(name) { run in run.follow(child, rest, found) }
        case (.wildcard, _): return forEachChild(of: value) { run, child in run.follow(child, rest, found) }
        case (.index(let index), .array(let items)):
            let place = index < 0 ? items.count + index : index
            guard items.indices.contains(place) else { return true }
            return descend(String(place)) { run in run.follow(items[place], rest, found) }
        case (.slice(let start, let end, let step), .array(let items)):
            for place in Self.slice(of: items.count, start, end, step) {
                guard descend(String(place), { run in run.follow(items[place], rest, found) }) else { return false }
            }
            return true
        case (.filter(let condition), _):
            return forEachChild(of: value) { run, child in
                let holds = run.holds(condition, child)
                // Once the search is cut, what a condition says means nothing.
                guard !run.isCut else { return false }
                return holds ? run.follow(child, rest, found) : true
            }
        default: return true
        }
    }

    private mutating func descend(_ token: String, _ body: (inout PathRun) -> Bool) -> Bool {
        tokens.append(token)
        defer { tokens.removeLast() }
        return body(&self)
    }

    private mutating func forEachChild(
        of value: JSONDocument, _ body: (inout PathRun, JSONDocument) -> Bool
    ) -> Bool {
        switch value {
        case .array(let items):
            for (i, item) in items.enumerated() {
                guard descend(String(i), { run in body(&run, item) }) else { return false }
            }
        case .object(let object):
            for member in object.members {
                guard descend(member.key, { run in body(&run, member.value) }) else { return false }
            }
        default: break
        }
        return true
    }

    /// The places that a slice selects, as RFC 9535 (2.3.4.2.2) works them out.
    static func slice(of count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> StrideTo<Int> {
        guard step != 0 else { return stride(from: 0, to: 0, by: 1) }
        func normal(_ index: Int) -> Int { index < 0 ? count + index : index }
        func clamp(_ index: Int, _ range: ClosedRange<Int>) -> Int { min(max(index, range.lowerBound), range.upperBound) }
        if step > 0 {
            let range = 0...count
            return stride(
                from: clamp(normal(start ?? 0), range), to: clamp(normal(end ?? count), range), by: step)
        }
        let range = -1...count - 1
        // Left out, the end is the one before the first, which no index can name.
        let last = end.map { clamp(normal($0), range) } ?? -1
        return stride(from: clamp(normal(start ?? count - 1), range), to: last, by: step)
    }
}

/// Filters.
extension PathRun {
    private mutating func holds(_ condition: PathCondition, _ value: JSONDocument) -> Bool {
        steps += 1
        switch condition {
        case .any(let conditions):
            for condition in conditions where holds(condition, value) { return true }
            return false
        case .all(let conditions):
            for condition in conditions where !holds(condition, value) { return false }
            return true
        case .not(let condition): return !holds(condition, value)
        case .exists(let query): return first(query, value) != nil
        case .compare(let a, let comparison, let b):
            return comparison.holds(operand(a, value), operand(b, value))
        }
    }

    private mutating func operand(_ operand: PathOperand, _ value: JSONDocument) -> JSONDocument? {
        switch operand {
        case .literal(let literal): literal
        case .query(let query): first(query, value)
        }
    }

    private mutating func first(_ query: PathQuery, _ value: JSONDocument) -> JSONDocument? {
        var first: JSONDocument?
        _ = follow(query.isFromRoot ? root : value, query.segments[...]) { _, place in
            first = place.value
            return false
        }
        return first
    }
}
