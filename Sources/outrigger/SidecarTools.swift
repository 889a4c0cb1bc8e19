import AgentRuns
import Rollout
import Router
import SidecarConfiguration
import ToolGateway
import ToolServer

/// The sidecar's tool gateway: the runs that may call, the tools that may be called, and the port between them.
struct SidecarTools: Sendable {
    let gateway: ToolGateway
    private let clients: ToolClients
    /// As they were at the start, like the digests in spans and in the ledger.
    private let releases: [RunRole: ReleaseTools]
    private let server: ToolServer
    /// What agents are told with each request.
    let offer: ToolOffer
    /// How agents reach it.
    let url: String

    var runs: ToolRuns { gateway.runs }
    var port: Int { server.port }

    /// - Returns: nil where none is configured.
    /// - Throws: a variable or a release file that is not there, or an address that cannot be had.
    static func start(_ configuration: SidecarConfiguration, journal: any ToolCallJournal = NoJournal()) async throws -> SidecarTools? {
        guard let tools = configuration.tools else { return nil }
        let clients = ToolClients(try targets(tools), connections: tools.settings.limits.callsUnderWay)
        let releases = try ReleaseTools.load(configuration.releases)
        let gateway = ToolGateway(ToolRuns(settings(tools, releases)), upstreams: clients, journal: journal)
        let server = try await ToolServer.start(host: tools.listen.host, port: tools.listen.port, gateway, clients)
        let url = tools.url ?? "http://" + SidecarConfiguration.Address(host: tools.listen.host, port: server.port).description
        return SidecarTools(
            gateway: gateway, clients: clients, releases: releases, server: server, offer: ToolOffer(runs: gateway.runs, url: url),
            url: url)
    }

    /// A reloaded configuration's tools, checked and not in force yet.
    struct Change: Sendable {
        fileprivate let settings: ToolGatewaySettings
        fileprivate let targets: [String: ToolTarget]
    }

    /// - Returns: nil where the new configuration has no tool gateway; that needs a restart.
    /// - Throws: a variable that is not set.
    func prepare(_ configuration: SidecarConfiguration) throws -> Change? {
        guard let tools = configuration.tools else { return nil }
        return Change(settings: Self.settings(tools, releases), targets: try Self.targets(tools))
    }

    /// Puts a change in force for the calls from now on. A tool that both configurations have can be called at every moment.
    func apply(_ change: Change) {
        // A call that is decided by either settings finds its tool: new ones are there before, old ones after.
        clients.add(change.targets)
        runs.settings = change.settings
        clients.replace(change.targets)
    }

    func stop() async {
        await server.stop()
        await clients.end()
    }

    private static func settings(_ tools: SidecarConfiguration.Tools, _ releases: [RunRole: ReleaseTools]) -> ToolGatewaySettings {
        var settings = tools.settings
        settings.releases = releases
        return settings
    }

    /// - Throws: a variable that is not set, or whose value no header can have.
    static func targets(_ tools: SidecarConfiguration.Tools) throws -> [String: ToolTarget] {
        let environment = ExportSetup.environment()
        return try tools.upstreams.mapValues { upstream in
            let headers = try upstream.headers.map { header in
                guard let value = environment[header.variable], !value.isEmpty else {
                    throw UsageError("tools.upstreams names the variable \(header.variable), which is not set")
                }
                guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                    throw UsageError("the variable \(header.variable) has characters that a header cannot have")
                }
                return (name: header.name, value: value)
            }
            return ToolTarget(
                url: upstream.url, kind: upstream.mcpName.map { .mcp(name: $0) } ?? .http, headers: headers,
                description: upstream.description, schema: upstream.schema)
        }
    }
}
