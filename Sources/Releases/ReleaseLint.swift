/// What is questionable in a release that can be loaded.
public struct ReleaseLint: Sendable {
    public enum Severity: String, Sendable {
        case error, warning
    }

    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// The rule's name, which does not change.
        public var rule: String
        public var severity: Severity
        public var file: String
        public var line: Int
        public var message: String
        public var remedy: String

        public var description: String {
            LineDiff.visible("\(file):\(line): \(severity.rawValue): \(message) [\(rule)] (\(remedy))")
        }
    }

    /// By file and line.
    public let findings: [Finding]
    public var errors: [Finding] { findings.filter { $0.severity == .error } }
    public var warnings: [Finding] { findings.filter { $0.severity == .warning } }

    public init(_ release: Release) {
        let found = Self.toolFindings(release) + Self.allowListFindings(release) + Self.promptFindings(release)
            + Self.secretFindings(release) + Self.bundleFindings(release)
        findings = found.enumerated()
            .sorted { ($0.element.file, $0.element.line, $0.offset) < ($1.element.file, $1.element.line, $1.offset) }
            .map(\.element)
    }

    static func finding(
        _ severity: Severity, _ rule: String, _ source: Release.Source, _ message: String, _ remedy: String
    ) -> Finding {
        Finding(rule: rule, severity: severity, file: source.file, line: source.line, message: message, remedy: remedy)
    }

    private static func bundleFindings(_ release: Release) -> [Finding] {
        var found: [Finding] = []
        let start = Release.Source(file: release.file, line: 1)
        if let model = release.model {
            let name = model.name.lowercased()
            if name == "latest" || ["-latest", ":latest", "/latest", "@latest"].contains(where: name.hasSuffix) {
                found.append(finding(
                    .warning, "model-unpinned", model.source, "the model \"\(model.name)\" changes without a new release",
                    "name a dated or numbered version of the model"))
            }
        } else {
            found.append(finding(.warning, "model-missing", start, "the bundle names no model", "add model: with its name"))
        }
        if release.policy == nil, let tool = release.tools.first(where: { $0.effect == .write }) {
            found.append(finding(
                .warning, "write-without-policy", tool.source, "the tool \"\(tool.name)\" can write, but there is no policy",
                "add policy:, or effect: read if the tool only reads"))
        }
        for file in release.unusedFiles {
            found.append(finding(
                .warning, "file-unused", start, "the file \"\(file)\" lies beside the bundle's files but is no part of it",
                "name it in the bundle or take it away"))
        }
        return found
    }
}
