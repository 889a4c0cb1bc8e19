internal import CSimdJSON
internal import Glibc

/// Reads JSON text into a flat list of validated tokens, and keeps its memory for the next text.
///
/// An object's token is followed by its keys and values in turn, an array's by its values; ``JSONToken/next`` skips a
/// value with all that is in it. Tokens hold places in the text, so the caller keeps the text at hand.
public struct JSONTape: ~Copyable {
    @usableFromInline let parser: OpaquePointer
    @usableFromInline var tokens: UnsafePointer<JSONToken>?
    /// How many tokens the last text had.
    public private(set) var count = 0

    /// - Parameter maximumDepth: how many objects and arrays may stand within one another.
    public init(maximumDepth: Int) {
        // Out of memory at the start of the program: nothing can be done about it here.
        guard let parser = csj_parser_create(UInt32(clamping: maximumDepth)) else {
            preconditionFailure("out of memory")
        }
        self.parser = parser
    }

    deinit { csj_parser_destroy(parser) }

    /// The token at `index`, counted from 0, which is the whole value.
    @inlinable
    public subscript(index: Int) -> JSONToken {
        precondition(index >= 0 && index < count)
        // The precondition implies a successful parse, which set the tokens.
        return tokens.unsafelyUnwrapped[index]
    }

    /// Reads one JSON value, replacing the tokens of the text before.
    ///
    /// - Throws: ``JSONError`` with the offset at which the text stops being JSON.
    public mutating func parse(_ text: UnsafeRawBufferPointer) throws(JSONError) {
        var found: UnsafePointer<csj_token>?
        var foundCount = 0
        var errorOffset = 0
        count = 0
        guard let bytes = text.assumingMemoryBound(to: UInt8.self).baseAddress else {
            throw JSONError(problem: .empty, offset: 0)
        }
        let status = csj_parse(parser, bytes, text.count, &found, &foundCount, &errorOffset)
        guard status == CSJ_OK else { throw JSONError(problem: .init(status), offset: errorOffset) }
        // JSONToken has the fields of csj_token in the same order; a test holds them together.
        tokens = found.map { UnsafeRawPointer($0).assumingMemoryBound(to: JSONToken.self) }
        count = foundCount
    }

    /// A cursor at the beginning of the text, which the caller keeps at hand. The tape has no tokens then.
    ///
    /// - Throws: ``JSONError`` where quotes, UTF-8 or control characters already show that the text is not JSON.
    public mutating func cursor(of text: UnsafeRawBufferPointer) throws(JSONError) -> JSONCursor {
        count = 0
        guard let bytes = text.assumingMemoryBound(to: UInt8.self).baseAddress else {
            throw JSONError(problem: .empty, offset: 0)
        }
        var structure = csj_structure()
        var errorOffset = 0
        let status = csj_find_structure(parser, bytes, text.count, &structure, &errorOffset)
        guard status == CSJ_OK, let places = structure.places else {
            throw JSONError(problem: .init(status), offset: errorOffset)
        }
        return JSONCursor(bytes, text.count, places, structure.count, hasBackslash: structure.has_backslash, parser)
    }

    /// The index of the value of `key` in the object at `object`, the last one if the key is repeated.
    ///
    /// - Returns: nil when the token is not an object or has no such key. Keys written with escapes are not found.
    public func value(of key: String, in object: Int, of text: UnsafeRawBufferPointer) -> Int? {
        var key = key
        return key.withUTF8 { lastValue(of: UnsafeRawBufferPointer($0), in: object, of: text) }
    }

    /// The same for a key that was known when the program was built.
    public func value(of key: StaticString, in object: Int, of text: UnsafeRawBufferPointer) -> Int? {
        lastValue(of: UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount), in: object, of: text)
    }

    private func lastValue(of key: UnsafeRawBufferPointer, in object: Int, of text: UnsafeRawBufferPointer) -> Int? {
        let whole = self[object]
        guard whole.kind == .object else { return nil }
        var found: Int?
        var index = object + 1
        while index < whole.next {
            if Self.stands(key, at: self[index].range, in: text) { found = index + 1 }
            index = self[index + 1].next
        }
        return found
    }

    /// Most keys differ in their lengths, and the C library compares the others many bytes at a time.
    @inline(__always)
    private static func stands(_ key: UnsafeRawBufferPointer, at range: Range<Int>, in text: UnsafeRawBufferPointer) -> Bool {
        guard range.count == key.count else { return false }
        guard let one = UnsafeRawBufferPointer(rebasing: text[range]).baseAddress, let other = key.baseAddress else {
            return key.isEmpty
        }
        return memcmp(one, other, key.count) == 0
    }
}

/// One JSON value or object key: its kind and its place in the text.
@frozen
public struct JSONToken: Sendable {
    @frozen
    public enum Kind: UInt8, Sendable {
        case object = 1
        case array, string, number, `true`, `false`, null
    }

    @usableFromInline let offset: UInt32
    @usableFromInline let length: UInt32
    @usableFromInline let following: UInt32
    @usableFromInline let kindNumber: UInt8
    @usableFromInline let escapes: UInt8
    @usableFromInline let reserved: UInt16

    @inlinable @inline(__always)
    init(_ kind: Kind, _ offset: Int, _ count: Int, escapes: UInt8) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        length = UInt32(truncatingIfNeeded: count)
        following = 0
        kindNumber = kind.rawValue
        self.escapes = escapes
        reserved = 0
    }

    /// The reader writes no other numbers than those of the cases.
    @inlinable @inline(__always) public var kind: Kind { Kind(rawValue: kindNumber) ?? .null }
    /// Where in the text it stands; for a string, what is between the quotes.
    @inlinable public var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }
    /// Index of the first token after this value and all that is in it.
    @inlinable public var next: Int { Int(following) }
    /// Whether a string's text has escapes, so that it must be decoded.
    @inlinable public var hasEscapes: Bool { escapes != 0 }

    /// Where the value stands with its quotes, if it is a string.
    @inlinable public var rawRange: Range<Int> {
        kind == .string ? Int(offset) - 1..<Int(offset) + Int(length) + 1 : range
    }
}

/// Why a text is not JSON.
public struct JSONError: Error, Hashable, Sendable {
    public enum Problem: String, Hashable, Sendable {
        case empty = "no JSON value"
        case invalidUTF8 = "bytes that are not UTF-8"
        case unclosedString = "a string without its closing quote"
        case controlCharacter = "an unescaped control character in a string"
        case badEscape = "an escape that JSON does not know"
        case badNumber = "a malformed number"
        case badLiteral = "an unknown word (JSON knows true, false and null)"
        case unexpected = "something that cannot stand here"
        case unclosed = "the end of the text within an object or array"
        case trailing = "more text after the value"
        case tooDeep = "objects or arrays nested too deep"
        case noMemory = "not enough memory to read it"

        init(_ status: csj_status) {
            self = switch status {
            case CSJ_EMPTY: .empty
            case CSJ_INVALID_UTF8: .invalidUTF8
            case CSJ_UNCLOSED_STRING: .unclosedString
            case CSJ_CONTROL_CHARACTER: .controlCharacter
            case CSJ_BAD_ESCAPE: .badEscape
            case CSJ_BAD_NUMBER: .badNumber
            case CSJ_BAD_LITERAL: .badLiteral
            case CSJ_UNCLOSED: .unclosed
            case CSJ_TRAILING: .trailing
            case CSJ_TOO_DEEP: .tooDeep
            case CSJ_NO_MEMORY: .noMemory
            default: .unexpected
            }
        }
    }

    public var problem: Problem
    /// Offset in bytes from the start of the text; 0 where it is not known.
    public var offset: Int
}
