internal import JSONText

extension YAMLNode {
    /// Why a value cannot be said in JSON, and where.
    struct NotJSON: Error {
        var position: YAMLPosition
        var problem: String
    }

    /// Appends the value as compact JSON, members in the order of the file, numbers exact.
    func appendJSON(to output: inout [UInt8]) throws(NotJSON) {
        switch content {
        case .scalar(let text, _):
            switch scalar {
            case .null?: output += Array("null".utf8)
            case .bool(let value)?: output += Array((value ? "true" : "false").utf8)
            case .number(let number)?: output += number.readable
            case .notFinite?: throw NotJSON(position: position, problem: "JSON has no \(text)")
            case .string, nil: JSONString.encode(text.utf8, into: &output)
            }
        case .sequence(let values):
            output.append(UInt8(ascii: "["))
            for (i, value) in values.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                try value.appendJSON(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            output.append(UInt8(ascii: "{"))
            for (i, entry) in entries.enumerated() {
                if i > 0 { output.append(UInt8(ascii: ",")) }
                JSONString.encode(entry.key.utf8, into: &output)
                output.append(UInt8(ascii: ":"))
                try entry.value.appendJSON(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }
}
