internal import JSONText
internal import StrictYAML

extension ReleaseValue {
    /// Why a text cannot be a value.
    struct ReadingError: Error {
        /// In bytes from the start of the text; nil when it is not known.
        var offset: Int?
        var problem: String
    }

    /// From JSON text. A member that stands twice, a lone surrogate and a number beyond ``YAMLNumber`` are refused: other
    /// readers could take them for something else.
    init(json text: [UInt8]) throws(ReadingError) {
        var tape = JSONTape(maximumDepth: 64)
        // The unsafe view's closure cannot say which error it throws.
        var failure: JSONError?
        text.withUnsafeBytes { bytes in
            do throws(JSONError) { try tape.parse(bytes) } catch { failure = error }
        }
        if let failure { throw ReadingError(offset: failure.offset, problem: "not JSON: \(failure.problem.rawValue)") }
        self = try Self.value(at: 0, of: tape, text)
    }

    private static func value(at index: Int, of tape: borrowing JSONTape, _ text: [UInt8]) throws(ReadingError) -> ReleaseValue {
        let token = tape[index]
        switch token.kind {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .string: return .string(try string(token, text))
        case .number:
            guard let number = YAMLNumber(String(decoding: text[token.range], as: UTF8.self)) else {
                throw ReadingError(offset: token.range.lowerBound, problem: "a number too large to be meant")
            }
            return .number(number)
        case .array:
            var values: [ReleaseValue] = []
            var i = index + 1
            while i < token.next {
                values.append(try value(at: i, of: tape, text))
                i = tape[i].next
            }
            return .array(values)
        case .object:
            // Keys that are canonically equivalent are one key to Swift: refused as such, see the README.
            var members: [String: ReleaseValue] = [:]
            var i = index + 1
            while i < token.next {
                let key = try string(tape[i], text)
                let member = try value(at: i + 1, of: tape, text)
                guard members.updateValue(member, forKey: key) == nil else {
                    throw ReadingError(offset: tape[i].range.lowerBound, problem: "the member \"\(key)\" stands twice")
                }
                i = tape[i + 1].next
            }
            return .object(members)
        }
    }

    private static func string(_ token: JSONToken, _ text: [UInt8]) throws(ReadingError) -> String {
        guard token.hasEscapes else { return String(decoding: text[token.range], as: UTF8.self) }
        var decoded: [UInt8] = []
        let replaced = text.withUnsafeBytes { JSONString.decode(UnsafeRawBufferPointer(rebasing: $0[token.range]), into: &decoded) }
        guard !replaced else { throw ReadingError(offset: token.range.lowerBound, problem: "a lone surrogate in a text") }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// From a part of a YAML document; reports what JSON cannot say and gives nil then.
    init?(_ field: YAMLField) {
        guard let json = field.json() else { return nil }
        do {
            self = try ReleaseValue(json: json)
        } catch {
            field.report("it cannot be read as JSON: \(error.problem)")
            return nil
        }
    }
}
