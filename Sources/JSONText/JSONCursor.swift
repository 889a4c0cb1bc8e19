internal import CSimdJSON

/// Reads a JSON text once, from its first to its last value, checking each as it is passed; for those who know what stands in
/// it, and want no list of all tokens.
///
/// What is passed is checked as strictly as ``JSONTape`` does; what is wrong with a text the tape must say, since a cursor only
/// stops. It holds pointers into the text and into the tape that made it (``JSONTape/cursor(of:)``), and is good until either
/// changes or goes.
@frozen
public struct JSONCursor {
    @usableFromInline let text: UnsafePointer<UInt8>
    /// Bytes of the text.
    @usableFromInline let length: Int
    @usableFromInline let places: UnsafePointer<UInt32>
    @usableFromInline let count: Int
    @usableFromInline let hasBackslash: Bool
    @usableFromInline let parser: OpaquePointer
    /// Which structural character comes next, counted from 0. It can be set back to where it was before.
    public var position = 0

    init(
        _ text: UnsafePointer<UInt8>, _ length: Int, _ places: UnsafePointer<UInt32>, _ count: Int, hasBackslash: Bool,
        _ parser: OpaquePointer
    ) {
        self.text = text
        self.length = length
        self.places = places
        self.count = count
        self.hasBackslash = hasBackslash
        self.parser = parser
    }

    @inlinable public var isAtEnd: Bool { position >= count }

    /// The structural character that comes next; 0 at the end.
    @inlinable @inline(__always)
    public var next: UInt8 { position < count ? text[Int(places[position])] : 0 }

    /// Where that stands in the text.
    ///
    /// - Precondition: not ``isAtEnd``.
    @inlinable @inline(__always)
    public var nextOffset: Int { Int(places[position]) }

    /// Passes the character if it comes next.
    @inlinable @inline(__always)
    public mutating func pass(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Passes an object's key and the colon after it.
    ///
    /// - Returns: nil when there is none.
    @inlinable @inline(__always)
    public mutating func key() -> JSONToken? {
        // As nearly all keys are: without escapes, and the colon right behind.
        if position + 1 < count, !hasBackslash {
            let start = Int(places[position])
            let colon = Int(places[position + 1])
            if text[start] == UInt8(ascii: "\""), text[colon] == UInt8(ascii: ":"), text[colon - 1] == UInt8(ascii: "\""), colon - start > 1 {
                position += 2
                return JSONToken(.string, start + 1, colon - start - 2, escapes: 0)
            }
        }
        guard next == UInt8(ascii: "\""), let key = anyString(), pass(":") else { return nil }
        return key
    }

    /// Passes a value with all that is in it.
    ///
    /// - Parameter depth: how many objects and arrays stand around it.
    /// - Returns: the value, whose ``JSONToken/next`` says nothing; nil when there is none.
    @inlinable @inline(__always)
    public mutating func value(within depth: Int) -> JSONToken? {
        if let string = plainString() { return string }
        return anyValue(within: depth)
    }

    /// Passes a string without escapes or white space behind it.
    ///
    /// - Returns: nil when something else comes, which may be a string too.
    @inlinable @inline(__always)
    public mutating func plainString() -> JSONToken? {
        guard position + 1 < count, !hasBackslash else { return nil }
        let start = Int(places[position])
        let end = Int(places[position + 1])
        guard text[start] == UInt8(ascii: "\""), text[end - 1] == UInt8(ascii: "\""), end - start > 1 else { return nil }
        position += 1
        return JSONToken(.string, start + 1, end - start - 2, escapes: 0)
    }

    /// Passes a whole number of at most 18 digits, with nothing but digits in it.
    ///
    /// - Returns: nil when something else comes, which may be a number too.
    @inlinable @inline(__always)
    public mutating func plainInteger() -> Int64? {
        guard position + 1 < count else { return nil }
        let start = Int(places[position])
        let end = Int(places[position + 1])
        let digits = end - start
        guard digits <= 18, text[start] != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for i in start..<end {
            let digit = text[i] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        position += 1
        return value
    }

    /// Passes `true`.
    @inlinable @inline(__always)
    public mutating func passTrue() -> Bool {
        guard position + 1 < count else { return false }
        let start = Int(places[position])
        // What follows is structure, so that the word ends there.
        guard Int(places[position + 1]) == start + 4, text[start] == UInt8(ascii: "t"), text[start + 1] == UInt8(ascii: "r"),
            text[start + 2] == UInt8(ascii: "u"), text[start + 3] == UInt8(ascii: "e")
        else { return false }
        position += 1
        return true
    }

    @usableFromInline
    mutating func anyValue(within depth: Int) -> JSONToken? {
        switch next {
        case UInt8(ascii: "\""): anyString()
        case UInt8(ascii: "{"): container(.object, depth)
        case UInt8(ascii: "["): container(.array, depth)
        case 0: nil
        default: bare()
        }
    }

    /// Where what comes next ends, without the white space behind it.
    private func end(from start: Int) -> Int {
        var end = position + 1 < count ? Int(places[position + 1]) : length
        while end > start, Self.isSpace(text[end - 1]) { end -= 1 }
        return end
    }

    /// Source: RFC 8259, section 2.
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    @usableFromInline
    mutating func anyString() -> JSONToken? {
        let start = Int(places[position])
        let end = end(from: start)
        guard end - start >= 2, text[end - 1] == UInt8(ascii: "\"") else { return nil }
        let escapes = hasBackslash ? csj_find_escapes(text + start + 1, end - start - 2) : CSJ_NO_ESCAPES
        guard escapes != CSJ_BAD_ESCAPES else { return nil }
        position += 1
        return JSONToken(.string, start + 1, end - start - 2, escapes: escapes == CSJ_NO_ESCAPES ? 0 : 1)
    }

    private mutating func container(_ kind: JSONToken.Kind, _ depth: Int) -> JSONToken? {
        let start = Int(places[position])
        let after = csj_skip(parser, text, length, position, depth)
        guard after > position else { return nil }
        position = after
        return JSONToken(kind, start, Int(places[after - 1]) + 1 - start, escapes: 0)
    }

    private mutating func bare() -> JSONToken? {
        let start = Int(places[position])
        let end = end(from: start)
        guard end > start, let kind = JSONToken.Kind(rawValue: csj_bare_kind(text, start, end)) else { return nil }
        position += 1
        return JSONToken(kind, start, end - start, escapes: 0)
    }
}
