/// A place in a JSON document (RFC 6901): the names and indices that lead to it from the top.
public struct JSONPointer: Sendable, CustomStringConvertible {
    /// Member names and array indices, without escapes.
    public private(set) var tokens: [String]

    /// The whole document.
    public static let root = JSONPointer(tokens: [])

    public init(tokens: [String]) { self.tokens = tokens }

    /// - Throws: ``JSONPointerError`` unless the text is empty or starts with `/`, and has `~` only in `~0` and `~1`.
    public init(_ text: String) throws(JSONPointerError) {
        guard !text.isEmpty else {
            self = .root
            return
        }
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "/") else { throw JSONPointerError(text: text, problem: .noSlash) }
        var token: [UInt8] = []
        tokens = []
        var i = 1
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "/"):
                tokens.append(String(decoding: token, as: UTF8.self))
                token.removeAll()
            case UInt8(ascii: "~"):
                i += 1
                switch i < bytes.count ? bytes[i] : 0 {
                case UInt8(ascii: "0"): token.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): token.append(UInt8(ascii: "/"))
                default: throw JSONPointerError(text: text, problem: .badEscape)
                }
            case let byte: token.append(byte)
            }
            i += 1
        }
        tokens.append(String(decoding: token, as: UTF8.self))
    }

    public func appending(_ token: String) -> JSONPointer { JSONPointer(tokens: tokens + [token]) }
    public func appending(_ index: Int) -> JSONPointer { appending(String(index)) }

    public var description: String {
        var output: [UInt8] = []
        for token in tokens {
            output.append(UInt8(ascii: "/"))
            for byte in token.utf8 {
                switch byte {
                case UInt8(ascii: "~"): output.append(contentsOf: "~0".utf8)
                case UInt8(ascii: "/"): output.append(contentsOf: "~1".utf8)
                default: output.append(byte)
                }
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The value at this place; nil if there is none.
    public func resolve(in document: JSONDocument) -> JSONDocument? {
        var value = document
        for token in tokens {
            let next: JSONDocument? =
                switch value {
                case .object(let object): object[token]
                case .array: Self.index(token).flatMap { value[$0] }
                default: nil
                }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    /// The token as an array index: digits without a needless zero in front.
    static func index(_ token: String) -> Int? {
        let bytes = token.utf8
        guard bytes.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            bytes.count == 1 || bytes.first != UInt8(ascii: "0")
        else { return nil }
        return Int(token)
    }
}

extension JSONPointer: Hashable {
    public static func == (a: JSONPointer, b: JSONPointer) -> Bool {
        a.tokens.elementsEqual(b.tokens, by: ExactText.areEqual)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(tokens.count)
        for token in tokens { hasher.combineText(token) }
    }
}

/// Why a text is not a JSON Pointer.
public struct JSONPointerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: String, Hashable, Sendable {
        case noSlash = "it must be empty or start with a slash"
        case badEscape = "a tilde must be followed by 0 or 1"
    }

    public var text: String
    public var problem: Problem

    public var description: String { "“\(text)” is not a JSON Pointer: \(problem.rawValue)" }
}
