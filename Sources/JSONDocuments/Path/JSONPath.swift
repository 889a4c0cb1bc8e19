/// A query for values in JSON documents (RFC 9535).
///
/// All of the RFC but its functions (`length()`, `match()` and so on): `$`, names, indices from either end, `*`, slices,
/// unions, descendants (`..`), and filters with comparisons, existence, `&&`, `||`, `!` and parentheses. Numbers are
/// compared by their exact decimals, text by its code points.
public struct JSONPath: Sendable, CustomStringConvertible {
    /// In code points.
    public static let maximumLength = 4096
    /// How many nodes a query may find.
    public static let maximumNodes = 10_000
    /// How many values a query may look at in one document.
    public static let maximumSteps = 1_000_000

    /// The query as it was written.
    public let description: String
    let segments: [PathSegment]

    /// - Throws: ``JSONPathError`` with the column at which the text stops being a query.
    public init(_ text: String) throws(JSONPathError) {
        var parser = PathParser(text)
        segments = try parser.parse()
        description = text
    }

    /// A value that was found.
    public struct Node: Hashable, Sendable {
        public let value: JSONDocument
        /// Where it stands in the document.
        public let pointer: JSONPointer
    }

    /// All that a query found.
    public struct Finding: Hashable, Sendable {
        public let nodes: [Node]
        /// Whether ``JSONPath/maximumNodes`` or ``JSONPath/maximumSteps`` ended the search before there was no more.
        public let isCut: Bool
    }

    /// The values found, in the order of the RFC; members in the order in which they were written.
    ///
    /// One value may be found more than once. See ``find(in:)`` for whether these are all.
    public func nodes(in document: JSONDocument) -> [Node] { find(in: document).nodes }

    /// The values found, and whether they are all.
    public func find(in document: JSONDocument) -> Finding {
        var run = PathRun(root: document)
        run.visit(document, segments[...]) { nodes, place in
            nodes.append(Node(value: place.value, pointer: JSONPointer(tokens: place.tokens)))
            return nodes.count < Self.maximumNodes
        }
        return run.finding
    }
}

/// Why a text is not a JSONPath.
public struct JSONPathError: Error, Hashable, Sendable, CustomStringConvertible {
    public let problem: String
    /// In code points, the first being 1.
    public let column: Int

    public var description: String { "\(problem) at column \(column)" }
}
