/// One step of a query: what it selects from the children of a value, or of the value and all below it.
struct PathSegment: Sendable {
    let isDescendant: Bool
    let selectors: [Selector]

    enum Selector: Sendable {
        case name(String)
        case wildcard
        case index(Int)
        case slice(start: Int?, end: Int?, step: Int)
        case filter(PathCondition)

        /// Whether it finds one value at most.
        var isSingular: Bool {
            switch self {
            case .name, .index: true
            default: false
            }
        }
    }

    var isSingular: Bool { !isDescendant && selectors.count == 1 && selectors[0].isSingular }
}

/// A query within a filter, from the value that is filtered (`@`) or from the document (`$`).
struct PathQuery: Sendable {
    let isFromRoot: Bool
    let segments: [PathSegment]

    var isSingular: Bool { segments.allSatisfy(\.isSingular) }
}

/// What a filter asks.
indirect enum PathCondition: Sendable {
    case any([PathCondition])
    case all([PathCondition])
    case not(PathCondition)
    case exists(PathQuery)
    case compare(PathOperand, PathComparison, PathOperand)
}

enum PathOperand: Sendable {
    case literal(JSONDocument)
    case query(PathQuery)
}

enum PathComparison: String, Sendable, CaseIterable {
    // The longer ones first, as the parser tries them in this order.
    case equal = "=="
    case notEqual = "!="
    case atMost = "<="
    case atLeast = ">="
    case less = "<"
    case greater = ">"

    /// Nil stands for a query that found nothing, which is equal to another such.
    func holds(_ a: JSONDocument?, _ b: JSONDocument?) -> Bool {
        switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .less: Self.isLess(a, b)
        case .greater: Self.isLess(b, a)
        case .atMost: a == b || Self.isLess(a, b)
        case .atLeast: a == b || Self.isLess(b, a)
        }
    }

    /// Only numbers and texts have an order, each among themselves. UTF-8 sorts as its code points do.
    private static func isLess(_ a: JSONDocument?, _ b: JSONDocument?) -> Bool {
        switch (a, b) {
        case (.number(let x)?, .number(let y)?): x < y
        case (.string(let x)?, .string(let y)?): x.utf8.lexicographicallyPrecedes(y.utf8)
        default: false
        }
    }
}
