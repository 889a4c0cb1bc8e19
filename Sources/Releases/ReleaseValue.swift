internal import JSONText
public import StrictYAML

/// A free value of a release: a schema, a policy, parameters. Numbers are exact; the order of members does not count.
public indirect enum ReleaseValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(YAMLNumber)
    case string(String)
    case array([ReleaseValue])
    case object([String: ReleaseValue])

    /// The canonical JSON of the value, as ``Release/digest`` describes it.
    public var canonical: [UInt8] {
        var output: [UInt8] = []
        appendCanonical(to: &output)
        return output
    }

    /// The value as JSON, numbers as people write them: for readers that take `7e2` for no integer.
    public var json: [UInt8] {
        var output: [UInt8] = []
        append(to: &output, readable: true)
        return output
    }

    func appendCanonical(to output: inout [UInt8]) { append(to: &output, readable: false) }

    private func append(to output: inout [UInt8], readable: Bool) {
        switch self {
        case .null: output += Array("null".utf8)
        case .bool(let value): output += Array((value ? "true" : "false").utf8)
        case .number(let number): output += readable ? number.readable : number.canonical
        case .string(let text): JSONString.encode(text.utf8, into: &output)
        case .array(let values):
            output.append(UInt8(ascii: "["))
            for (i, value) in values.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                value.append(to: &output, readable: readable)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (i, key) in members.keys.sorted(by: Self.bytesAscend).enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                JSONString.encode(key.utf8, into: &output)
                output.append(UInt8(ascii: ":"))
                members[key]?.append(to: &output, readable: readable)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// By UTF-8 bytes: the order of Swift's strings is by canonical equivalence, which other languages do not share.
    static func bytesAscend(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }

    /// For people: one line, numbers as they are written.
    var shown: String { String(decoding: canonicalReadable, as: UTF8.self) }

    private var canonicalReadable: [UInt8] {
        switch self {
        case .number(let number): number.readable
        default: canonical
        }
    }

    subscript(member: String) -> ReleaseValue? {
        if case .object(let members) = self { members[member] } else { nil }
    }

    /// Every text in the value, keys included.
    func forEachText(_ body: (String) -> Void) {
        switch self {
        case .string(let text): body(text)
        case .array(let values): for value in values { value.forEachText(body) }
        case .object(let members):
            for (key, value) in members.sorted(by: { Self.bytesAscend($0.key, $1.key) }) {
                body(key)
                value.forEachText(body)
            }
        default: break
        }
    }
}
