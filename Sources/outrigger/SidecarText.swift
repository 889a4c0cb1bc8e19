import AgentRuns
import Rollout
import Router
import RunSpans
import SidecarConfiguration
import ToolGateway

/// What a configuration means, for people: no secret is in it.
enum SidecarText {
    private static func line(_ name: String, _ value: String) -> String { "\(name.padded(10)) \(value)" }

    /// One line each.
    ///
    /// - Parameter releases: which releases the arms are of.
    static func routes(_ configuration: SidecarConfiguration, _ releases: [RunRole: RunMapping.Release]) -> [String] {
        func arm(_ arm: ArmSettings, _ role: RunRole) -> String {
            arm.upstream.url + (releases[role].map { "  (\(words($0)))" } ?? "")
        }
        var lines = [line("baseline", arm(configuration.proxy.baseline, .baseline))]
        if let candidate = configuration.proxy.candidate { lines.append(line("candidate", arm(candidate, .candidate))) }
        lines.append(line("keys", configuration.policy.keySources.map(\.name).joined(separator: ", ")))
        return lines
    }

    /// `v13`, or `v13, sha256:0123456789ab…` where a release file says so.
    private static func words(_ release: RunMapping.Release) -> String {
        let digest = release.digest.map { ", " + ($0.count > 21 ? String($0.prefix(19)) + "…" : $0) } ?? ""
        return release.version.escapedForTerminal + digest
    }

    /// All that a check says.
    ///
    /// - Throws: a release file that cannot be used.
    static func all(_ configuration: SidecarConfiguration) throws -> [String] {
        let releases = try ReleaseTools.load(configuration.releases)
        var lines = try routes(configuration, SidecarTelemetry.releases(configuration.releases))
        if let tools = configuration.tools {
            lines.append(line("tools", tools.url ?? "http://\(tools.listen.description)"))
            lines += self.tools(tools, releases)
        } else {
            lines.append(line("tools", "off"))
        }
        lines.append(line("audit", configuration.audit.map { $0.file + ($0.capture == .full ? ", with contents" : "") } ?? "off"))
        lines.append(line("runs", configuration.runs.map { $0.file + ($0.capture == .full ? ", with contents" : "") } ?? "off"))
        return lines
    }

    // MARK: tools

    private static func tools(_ tools: SidecarConfiguration.Tools, _ releases: [RunRole: ReleaseTools]) -> [String] {
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
