public import JSONText

/// A JSON value with all that is in it, immutable.
///
/// Two documents are equal when they say the same: numbers by their exact decimal values, strings by their code points,
/// objects whatever the order of their members. Equal documents have the same canonical form, and only they; see
/// ``JSONCanonical``. An escaped surrogate without its other half has no UTF-8 and is read as U+FFFD.
public enum JSONDocument: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONDocument])
    case object(JSONObject)

    /// How many arrays and objects may stand within one another in a text.
    public static let maximumDepth = 512

    /// An object of the members given; the last one wins if a key is repeated.
    public static func object(_ members: KeyValuePairs<String, JSONDocument>) -> JSONDocument {
        .object(JSONObject(members.map { JSONObject.Member(key: $0.key, value: $0.value) }))
    }

    public static func integer(_ value: Int) -> JSONDocument { .number(JSONNumber(value)) }

    /// - Throws: ``JSONDocumentError`` with the offset at which the text stops being a JSON value.
    public init(parsing text: [UInt8]) throws(JSONDocumentError) {
        var reader = JSONDocumentReader()
        self = try reader.read(text)
    }

    /// - Throws: ``JSONDocumentError`` with the offset, in UTF-8, at which the text stops being a JSON value.
    public init(parsing text: String) throws(JSONDocumentError) { try self.init(parsing: Array(text.utf8)) }

    public enum Kind: String, Sendable {
        case null, boolean, number, string, array, object
    }

    public var kind: Kind {
        switch self {
        case .null: .null
        case .bool: .boolean
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    /// The member of that name, if this is an object that has it.
    public subscript(key: String) -> JSONDocument? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The element at that index, if this is an array that long.
    public subscript(index: Int) -> JSONDocument? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }
}

extension JSONDocument: Hashable {
    public static func == (a: JSONDocument, b: JSONDocument) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        case (.string(let x), .string(let y)): ExactText.areEqual(x, y)
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)): x == y
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        switch self {
        case .null: break
        case .bool(let value): hasher.combine(value)
        case .number(let number): hasher.combine(number)
        case .string(let text): hasher.combineText(text)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}

/// Why a text is not a document.
public struct JSONDocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable {
        case notJSON(JSONError.Problem)
        /// A number with a power of ten beyond ``JSONNumber/maximumExponent``.
        case exponentOutOfRange
    }

    public var problem: Problem
    /// Offset in bytes from the start of the text; 0 where it is not known.
    public var offset: Int

    public init(problem: Problem, offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    init(_ error: JSONError) { self.init(problem: .notJSON(error.problem), offset: error.offset) }

    public var description: String {
        switch problem {
        case .notJSON(let problem): "\(problem.rawValue) at byte \(offset)"
        case .exponentOutOfRange: "a number with an exponent beyond ±\(JSONNumber.maximumExponent) at byte \(offset)"
        }
    }
}
