extension ReleaseLint {
    static func promptFindings(_ release: Release) -> [Finding] {
        let known = knownNames(release)
        return release.prompts.flatMap { prompt -> [Finding] in
            guard prompt.text.contains(where: { $0 > 0x20 }) else {
                return [finding(
                    .error, "prompt-empty", prompt.source, "the prompt \"\(prompt.name)\" is empty", "write it, or take it out")]
            }
            return formFindings(prompt) + mentionFindings(prompt, known)
        }
    }

    private static func formFindings(_ prompt: Release.Prompt) -> [Finding] {
        var found: [Finding] = []
        if prompt.text.starts(with: [0xEF, 0xBB, 0xBF]) {
            found.append(finding(
                .warning, "prompt-byte-order-mark", prompt.source,
                "the prompt \"\(prompt.name)\" starts with a byte order mark, which the model would see", "save it without"))
        }
        if let place = prompt.text.firstIndex(of: 0x0D) {
            found.append(finding(
                .warning, "prompt-line-endings", source(prompt, at: place),
                "the prompt \"\(prompt.name)\" has Windows line endings, which change the digest", "save it with line feeds"))
        }
        // Composed text (NFC) has no combining mark after a Latin, Greek or Cyrillic letter that has a composed form; to
        // name every mark of this block finds what keyboards and file systems decompose, without tables.
        var offset = 0
        for scalar in String(decoding: prompt.text, as: UTF8.self).unicodeScalars {
            if (0x300...0x36F).contains(scalar.value) {
                found.append(finding(
                    .warning, "prompt-decomposed", source(prompt, at: offset),
                    "the prompt \"\(prompt.name)\" has letters with separate accents, which look the same but have another digest",
                    "save it in the composed form (NFC)"))
                break
            }
            offset += UTF8.width(scalar)
        }
        return found
    }

    /// Words in code quotes, or before a parenthesis, that are written like a tool's name: with an underscore.
    private static func mentionFindings(_ prompt: Release.Prompt, _ known: Set<String>) -> [Finding] {
        var found: [Finding] = []
        var reported: Set<String> = []
        var i = 0
        let text = prompt.text
        while i < text.count {
            guard isNameByte(text[i]) else {
                i += 1
                continue
            }
            let end = text[i...].firstIndex { !isNameByte($0) } ?? text.count
            let isQuoted = i > 0 && text[i - 1] == UInt8(ascii: "`") && end < text.count && text[end] == UInt8(ascii: "`")
            let isCall = end < text.count && text[end] == UInt8(ascii: "(")
            let word = String(decoding: text[i..<end], as: UTF8.self)
            if isQuoted || isCall, word.contains("_"), isToolName(word), !known.contains(word), reported.insert(word).inserted {
                found.append(finding(
                    .warning, "prompt-unknown-tool", source(prompt, at: i),
                    "the prompt \"\(prompt.name)\" speaks of \"\(word)\", which is no tool of the bundle",
                    "correct the name, or add the tool"))
            }
            i = end
        }
        return found
    }

    /// Tools, and all words of their schemas and the policy: a prompt may speak of arguments, values and limits.
    private static func knownNames(_ release: Release) -> Set<String> {
        var known = Set(release.tools.map(\.name))
        for tool in release.tools { tool.schema?.forEachText { known.insert($0) } }
        if case .value(let policy)? = release.policy { policy.forEachText { known.insert($0) } }
        return known
    }

    static func source(_ prompt: Release.Prompt, at offset: Int) -> Release.Source {
        var source = prompt.source
        source.line += prompt.text[..<offset].count { $0 == 0x0A }
        return source
    }
}
