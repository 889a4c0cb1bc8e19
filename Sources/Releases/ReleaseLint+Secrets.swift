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

    /// A prefix that a service gives its keys, and how many letters, digits, `_` and `-` must follow.
    private static let shapes: [(prefix: [UInt8], minimum: Int)] = [
        ("sk-", 16), ("sk_live_", 10), ("sk_test_", 10), ("rk_live_", 10), ("ghp_", 30), ("gho_", 30), ("ghs_", 30),
        ("github_pat_", 30), ("glpat-", 16), ("xoxb-", 10), ("xoxp-", 10), ("AKIA", 16), ("ASIA", 16), ("AIza", 30),
        ("hf_", 20), ("npm_", 30), ("pypi-", 30), ("SG.", 16), ("gsk_", 30), ("whsec_", 20), ("eyJ", 30),
    ].map { (Array($0.0.utf8), $0.1) }

    private static let starts = Set(shapes.map { $0.prefix[0] })
    private static let privateKey = Array("PRIVATE KEY-----".utf8)

    /// Where the first secret starts.
    static func secret(in text: [UInt8]) -> Int? {
        for i in text.indices {
            if text[i] == UInt8(ascii: "P"), text[i...].starts(with: privateKey) { return i }
            guard starts.contains(text[i]), i == 0 || !isNameByte(text[i - 1]) else { continue }
            for shape in shapes where text[i...].starts(with: shape.prefix) {
                let body = text[(i + shape.prefix.count)...].prefix(shape.minimum).prefix(while: isNameByte)
                // Words joined by hyphens are no key: one with no digit in it is left alone.
                let hasDigit = body.contains { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
                if body.count >= shape.minimum, hasDigit || shape.minimum >= 30 { return i }
            }
        }
        return nil
    }
}
