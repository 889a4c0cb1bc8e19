extension JSONDocument: CustomStringConvertible {
    /// The document on one line without white space, members in the order kept, numbers in their canonical form.
    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    public var description: String { text }

    /// The document for people: two spaces of indentation for each level, one line for each member and element.
    public var prettyText: String {
        var bytes: [UInt8] = []
        appendPretty(to: &bytes, level: 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    public func append(to output: inout [UInt8]) {
        switch self {
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (i, element) in elements.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            for (i, member) in object.members.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                JSONCanonical.append(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        default: appendScalar(to: &output)
        }
    }

    private func appendPretty(to output: inout [UInt8], level: Int) {
        switch self {
        case .array(let elements) where !elements.isEmpty:
            output.append(UInt8(ascii: "["))
            for (i, element) in elements.enumerated() {
                Self.startLine(&output, isFirst: i == 0, level: level + 1)
                element.appendPretty(to: &output, level: level + 1)
            }
            Self.startLine(&output, isFirst: true, level: level)
            output.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            output.append(UInt8(ascii: "{"))
            for (i, member) in object.members.enumerated() {
                Self.startLine(&output, isFirst: i == 0, level: level + 1)
                JSONCanonical.append(member.key, to: &output)
                output.append(contentsOf: ": ".utf8)
                member.value.appendPretty(to: &output, level: level + 1)
            }
            Self.startLine(&output, isFirst: true, level: level)
            output.append(UInt8(ascii: "}"))
        default: append(to: &output)
        }
    }

    private static func startLine(_ output: inout [UInt8], isFirst: Bool, level: Int) {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
    }

    /// Null, booleans, numbers and strings are written alike everywhere; of arrays and objects it writes nothing.
    func appendScalar(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): number.append(to: &output)
        case .string(let text): JSONCanonical.append(text, to: &output)
        case .array, .object: break
        }
    }

    /// The text, cut where it is too long for a message.
    var excerpt: String {
        let scalars = text.unicodeScalars
        guard scalars.count > 80 else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(79))) + "…"
    }
}
