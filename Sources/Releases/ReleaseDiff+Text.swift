extension ReleaseDiff: CustomStringConvertible {
    /// For people: what is the same is not mentioned. Control characters are made visible, secrets are not, and lines end with a
    /// line feed.
    public var description: String {
        var lines = ["release \(oldVersion) → \(newVersion)", "  from \(oldDigest)", "    to \(newDigest)"]
        guard changesBehaviour else {
            lines.append(oldDigest == newDigest ? "The releases are the same." : "Only the version differs.")
            return lines.map { LineDiff.visible($0) + "\n" }.joined()
        }
        for prompt in prompts {
            lines += ["", "prompt \(prompt.name): \(prompt.kind.rawValue)"] + prompt.lines.map { "  " + $0 }
        }
        for tool in tools {
            lines += ["", "tool \(tool.name): \(tool.kind.rawValue)"] + tool.changes.map(Self.line)
        }
        if allowList != nil || !allowed.isEmpty || !disallowed.isEmpty {
            lines += ["", "allowed tools" + (allowList.map { ": the list was \($0.rawValue)" } ?? ":")]
            lines += allowed.map { "  + \($0)" } + disallowed.map { "  - \($0)" }
        }
        if !policy.isEmpty || !policyLines.isEmpty {
            lines += ["", "policy:"] + policy.map(Self.line) + policyLines.map { "  " + $0 }
        }
        if !model.isEmpty { lines += ["", "model:"] + model.map(Self.line) }
        return lines.map { LineDiff.visible(ReleaseLint.withoutSecrets($0)) + "\n" }.joined()
    }

    private static func line(_ change: ValueChange) -> String {
        let path = change.path.isEmpty ? "all of it" : change.path
        return switch (change.old, change.new) {
        case (nil, let new?): "  + \(path): \(new)"
        case (let old?, nil): "  - \(path): \(old)"
        case (let old, let new): "  ~ \(path): \(old ?? "") → \(new ?? "")"
        }
    }
}
