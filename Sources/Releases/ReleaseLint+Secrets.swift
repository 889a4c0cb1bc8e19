internal import Secrets

extension ReleaseLint {
    /// Keys and tokens of common services, by shape. The finding never repeats the secret.
    static func secretFindings(_ release: Release) -> [Finding] {
        var found: [Finding] = []
        func report(_ source: Release.Source, _ place: String) {
            found.append(finding(
                .error, "secret", source, "\(place) seems to hold an API key, a token or a private key",
                "take it out, revoke it, and give it to the agent by its environment"))
        }
        for prompt in release.prompts {
            if let offset = secret(in: prompt.text) { report(source(prompt, at: offset), "the prompt \"\(prompt.name)\"") }
        }
        for tool in release.tools {
            var texts = [tool.description ?? ""]
            tool.schema?.forEachText { texts.append($0) }
            if texts.contains(where: { secret(in: Array($0.utf8)) != nil }) { report(tool.source, "the tool \"\(tool.name)\"") }
        }
        switch release.policy {
        case .text(let text)? where secret(in: text) != nil: report(release.policySource, "the policy")
        case .value(let value)? where hasSecret(value): report(release.policySource, "the policy")
        default: break
        }
        if let model = release.model, hasSecret(.object(model.parameters)) { report(model.source, "the model's parameters") }
        if let metadata = release.metadata, hasSecret(metadata) { report(.init(file: release.file, line: 1), "the metadata") }
        return found
    }

    private static func hasSecret(_ value: ReleaseValue) -> Bool {
        var found = false
        value.forEachText { if secret(in: Array($0.utf8)) != nil { found = true } }
        return found
    }

    /// The text without its secrets, for people who are shown it.
    static func withoutSecrets(_ text: String) -> String {
        var bytes = Array(text.utf8)
        // What stands in their place is no secret, so this ends.
        while let range = secretRange(in: bytes) { bytes.replaceSubrange(range, with: "[REDACTED]".utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Where the first secret starts.
    static func secret(in text: [UInt8]) -> Int? { secretRange(in: text)?.lowerBound }

    /// Where the first secret stands. Addresses and card numbers are none here: prompts have them as contacts and examples.
    private static func secretRange(in text: [UInt8]) -> Range<Int>? {
        let found = SecretScanner.finds(in: text[...]).first { find in
            switch find.kind {
            case .email, .card: false
            case .privateKey: true
            // Words joined by hyphens, and `Bearer YOUR_TOKEN`, are no secrets.
            case .token, .apiKey: looksRandom(text[find.range])
            }
        }
        return [found?.range, password(in: text)].compactMap { $0 }.min { $0.lowerBound < $1.lowerBound }
    }

    private static let passwordWords = ["password", "passwd", "passphrase", "secret", "api_key", "api-key", "apikey", "token"].map { Array($0.utf8) }

    /// `password: something`, where the something is no placeholder.
    private static func password(in text: [UInt8]) -> Range<Int>? {
        let lower = text.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        for i in lower.indices {
            for word in passwordWords where lower[i] == word[0] && lower[i...].starts(with: word) {
                var rest = text[(i + word.count)...].drop { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
                rest = rest.drop { $0 == UInt8(ascii: " ") }
                guard let sign = rest.first, sign == UInt8(ascii: ":") || sign == UInt8(ascii: "=") else { continue }
                let value = rest.dropFirst().drop { " \"'".utf8.contains($0) }.prefix { $0 > 0x20 && !"\"',;".utf8.contains($0) }
                if value.count >= 8, let first = value.first, !"<{[$*%(".utf8.contains(first), looksRandom(value) { return value.indices }
            }
        }
        return nil
    }

    /// Whether it is more than words: has a digit, or both cases within.
    private static func looksRandom(_ text: ArraySlice<UInt8>) -> Bool {
        let hasDigit = text.contains { (48...57).contains($0) }
        let hasUpper = text.dropFirst(8).contains { (65...90).contains($0) }
        let hasLower = text.dropFirst(8).contains { (97...122).contains($0) }
        return hasDigit || hasUpper && hasLower
    }
}
