internal import JSONText

/// Text from outside, made fit for a message: on one line, without control characters, and short.
enum Excerpt {
    static func text(_ bytes: some Collection<UInt8>, limit: Int = 120) -> String {
        let text = String(decoding: bytes.prefix(limit), as: UTF8.self)
        return "\"" + escaped(text) + "\"" + (bytes.count > limit ? "…" : "")
    }

    static func text(_ string: String, limit: Int = 120) -> String { text(Array(string.utf8), limit: limit) }

    /// The name of a tool, if there is one.
    static func tool(_ name: String?) -> String { name.map { text($0) } ?? "a tool without a name" }

    /// Control characters, and those that change the direction of text or hide in it, as `\u{…}`; `##[`, which GitHub's runner
    /// takes for the start of a command anywhere in a line, as `## [`.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
                result += scalar.escaped(asASCII: true)
            default:
                if scalar == "[", result.utf8.suffix(2).elementsEqual("##".utf8) { result += " " }
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
