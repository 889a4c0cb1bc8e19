import AgentRuns
import Rollout
import Router
import RunSpans
import SidecarConfiguration
import ToolGateway

/// What a sidecar is, for people, as it starts and as a check of its configuration says: no secret is in it.
struct SidecarText {
    var configuration: SidecarConfiguration
    var admin: SidecarConfiguration.Address
    /// How agents reach the tool gateway; nil without one.
    var tools: String?
    /// Which tools there are, and who may call them: lines that only a check has.
    var toolList: [String] = []
    /// Which releases the arms are of.
    var releases: [RunRole: RunMapping.Release]
    var rollout: RolloutState
    var isAuditSigned: Bool
    /// Where spans go.
    var telemetry: String

    /// One line each, but for where clients send their requests, which stands above them.
    var lines: [String] {
        var lines = [Self.line("admin", "http://\(admin.description)" + (configuration.admin.hasToken ? " (with a token)" : ""))]
        lines += routes
        lines.append(Self.line("rollout", "\(rollout.id): \(rollout.summary)" + (configuration.stateFile == nil ? Self.unsaved : "")))
        let count = Readable.count(configuration.tools?.upstreams.count ?? 0, "tool")
        lines.append(Self.line("tools", tools.map { "\($0) (\(count))" } ?? "off"))
        lines += toolList
        lines.append(Self.line("audit", audit))
        lines.append(Self.line("runs", configuration.runs.map { $0.file + Self.words($0.capture) } ?? "off"))
        lines.append(Self.line("telemetry", telemetry))
        return lines
    }

    private static let unsaved = " (in memory only: no rollout.state_file, so that a restart undoes every change, a rollback too)"

    private static func line(_ name: String, _ value: String) -> String { "\(name.padded(10)) \(value)" }

    private var routes: [String] {
        func arm(_ arm: ArmSettings, _ role: RunRole) -> String {
            arm.upstream.url + (releases[role].map { "  (\(Self.words($0)))" } ?? "")
        }
        var lines = [Self.line("baseline", arm(configuration.proxy.baseline, .baseline))]
        if let candidate = configuration.proxy.candidate { lines.append(Self.line("candidate", arm(candidate, .candidate))) }
        lines.append(Self.line("keys", configuration.policy.keySources.map(\.name).joined(separator: ", ")))
        return lines
    }

    private var audit: String {
        guard let audit = configuration.audit else { return "off" }
        return audit.file + Self.words(audit.capture) + (isAuditSigned ? "" : " (checkpoints not signed: no signing key)")
    }

    private static func words(_ capture: RunMapping.Capture) -> String { capture == .full ? ", with contents" : "" }

    /// `v13`, or `v13, sha256:0123456789ab…` where a release file says so.
    private static func words(_ release: RunMapping.Release) -> String {
        let digest = release.digest.map { ", " + ($0.count > 21 ? String($0.prefix(19)) + "…" : $0) } ?? ""
        return release.version.escapedForTerminal + digest
    }
}

// What a check says.
extension SidecarText {
    /// - Parameter conditions: what a start would find on this machine.
    static func check(_ configuration: SidecarConfiguration, _ conditions: StartConditions) -> [String] {
        var text = SidecarText(
            configuration: configuration, admin: configuration.admin.listen, tools: nil, releases: conditions.releases,
            rollout: conditions.rollout, isAuditSigned: conditions.isAuditSigned, telemetry: conditions.telemetry)
        if let tools = configuration.tools {
            text.tools = tools.url ?? "http://\(tools.listen.description)"
            text.toolList = list(tools, conditions.tools)
        }
        return [line("listen", "http://\(configuration.listen.description)")] + text.lines
    }

    private static func list(_ tools: SidecarConfiguration.Tools, _ releases: [RunRole: ReleaseTools]) -> [String] {
        var settings = tools.settings
        settings.releases = releases
        let names = tools.upstreams.keys.sorted()
        let width = names.map(\.count).max() ?? 0
        var lines: [String] = []
        for name in names {
            guard let upstream = tools.upstreams[name] else { continue }
            var words = [name.padded(width), effect(of: name, settings), place(of: upstream, name)]
            words += upstream.headers.map { "(\($0.name) from $\($0.variable))" }
            lines.append("  " + words.joined(separator: "  "))
        }
        for role in RunRole.allCases { lines += rules(of: role, names, settings) }
        return lines
    }

    /// `read` or `write`, and for whom where the arms differ: a release can make a write of what the configuration calls a read.
    private static func effect(of tool: String, _ settings: ToolGatewaySettings) -> String {
        let writers = RunRole.allCases.filter { settings.effect(of: tool, for: $0) == .write }
        if writers.isEmpty { return "read " }
        return writers.count == RunRole.allCases.count ? "write" : "read, write in the release of the \(writers[0].rawValue)"
    }

    /// The configuration takes no URL with credentials in it.
    private static func place(of upstream: SidecarConfiguration.Tools.Upstream, _ name: String) -> String {
        guard let remote = upstream.mcpName else { return upstream.url }
        return "MCP " + upstream.url + (remote == name ? "" : " as \(remote)")
    }

    /// What an arm may call where that is not all, and what its release has that nobody can call here.
    private static func rules(of role: RunRole, _ names: [String], _ settings: ToolGatewaySettings) -> [String] {
        var lines: [String] = []
        let allowed = names.filter { settings.allows($0, for: role) }
        if allowed != names {
            lines.append("  the \(role.rawValue) may call \(allowed.isEmpty ? "none" : allowed.joined(separator: ", "))")
        }
        if let release = settings.releases[role] {
            let missing = (release.allowed ?? Set(release.tools.keys)).filter { settings.tools[$0] == nil }.sorted()
            if !missing.isEmpty { lines.append("  the release \(release.version) of the \(role.rawValue) has \(missing.joined(separator: ", ")), not configured here") }
        }
        return lines
    }
}
