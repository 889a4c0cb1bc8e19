internal import HostNames
public import JSONDocuments
public import Rollout
public import Router
public import RunSpans
public import Spool
public import ToolGateway

/// A sidecar's configuration file: where it listens, which agents it stands before, and by which rules.
///
/// What can change while it runs is exchanged by a reload; what cannot (addresses, state file, spool, the telemetry's
/// destination) is named by ``needsRestart(comparedTo:)``.
public struct SidecarConfiguration: Sendable {
    public var listen = Address(host: "127.0.0.1", port: 8080)
    public var admin: Admin
    public var proxy: ProxySettings
    public var rollout: RolloutState
    /// Steps of a schedule that begins with the first start; empty for none.
    public var steps: [RolloutState.Schedule.Step] = []
    /// Path of the file in which the rollout outlives the process; nil for none.
    public var stateFile: String?
    public var policy: RoutingPolicy
    public var telemetry: Telemetry
    public var shutdown = Shutdown()
    public var releases = Releases()
    /// The tool gateway; nil for none.
    public var tools: Tools?
    /// The audit ledger; nil for none.
    public var audit: Audit?
    /// The run store; nil for none.
    public var runs: Runs?

    public struct Address: Hashable, Sendable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Whether only this machine can reach it.
        public var isLoopback: Bool { LoopbackName.isLoopback(host) }
        public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    public struct Admin: Hashable, Sendable {
        public var listen = Address(host: "127.0.0.1", port: 8081)
        /// File, or environment variable, that holds the bearer token.
        public var tokenFile: String?
        public var tokenVariable: String?

        public var hasToken: Bool { tokenFile != nil || tokenVariable != nil }
    }

    /// Which release an arm is of, as the file says it.
    public struct Releases: Hashable, Sendable {
        public var baselineVersion: String?
        public var candidateVersion: String?
        /// Paths of release files.
        public var baselineFile: String?
        public var candidateFile: String?
    }

    public struct Telemetry: Sendable {
        public var isEnabled = true
        public var agentName: String?
        public var serviceName: String?
        public var capture: RunMapping.Capture = .none
        public var redactKeys: [String] = []
        public var redactPatterns: [String] = []
        /// Base URL of the collector; nil for what the `OTEL_*` variables say.
        public var endpoint: String?
        public var keepsErrors = true
        public var keepsCandidate = true
        public var spool: Spool.Settings?
    }

    public struct Tools: Sendable {
        public var listen = Address(host: "127.0.0.1", port: 8082)
        /// How agents reach it; nil for the address that it listens on.
        public var url: String?
        public var settings = ToolGatewaySettings()
        /// Where the tools are, by their names.
        public var upstreams: [String: Upstream] = [:]

        public struct Upstream: Sendable {
            public var url = ""
            /// The tool's name on the MCP server that `url` is of; nil for plain HTTP.
            public var mcpName: String?
            public var headers: [Header] = []
            public var description: String?
            public var schema: JSONDocument?
        }

        /// A header whose value stands in an environment variable.
        public struct Header: Hashable, Sendable {
            public var name: String
            public var variable: String
        }
    }

    /// Where tool calls and changes of the rollout are recorded. Paths as they are written.
    public struct Audit: Hashable, Sendable {
        public var file: String
        /// nil for the files beside the ledger.
        public var digestKey: String?
        public var signingKey: String?
        public var checkpoints: String?
        /// Entries from one checkpoint to the next.
        public var checkpointEvery: Int?
        /// Whether arguments and results are kept, redacted, beside their digests.
        public var capture: RunMapping.Capture = .none
    }

    /// Where runs are kept, to be put beside each other by `outrigger correlate`.
    public struct Runs: Hashable, Sendable {
        /// Path as it is written.
        public var file: String
        /// nil for the store's own bounds.
        public var maximumRuns: Int?
        public var maximumAge: Duration?
        public var maximumBytes: Int?
        /// Whether responses and arguments are kept, redacted, beside their digests.
        public var capture: RunMapping.Capture = .none
    }

    public struct Shutdown: Hashable, Sendable {
        /// Between the readiness that fails and the end of listening, so that a load balancer can look away.
        public var delay = Duration.zero
        /// For requests under way.
        public var drain = Duration.seconds(30)
        /// For spans that wait.
        public var flush = Duration.seconds(5)
    }

    /// Where it listens, by the keys that say so.
    public var addresses: [(name: String, address: Address)] {
        var places: [(name: String, address: Address)] = [("listen", listen), ("admin.listen", admin.listen)]
        if let tools { places.append(("tools.listen", tools.listen)) }
        return places
    }

    /// What differs from another configuration and cannot change while the sidecar runs.
    public func needsRestart(comparedTo old: SidecarConfiguration) -> [String] {
        var names: [String] = []
        if listen != old.listen { names.append("listen") }
        if admin != old.admin { names.append("admin") }
        if stateFile != old.stateFile { names.append("rollout.state_file") }
        if rollout.id != old.rollout.id { names.append("rollout.id") }
        if telemetry.spool != old.telemetry.spool { names.append("telemetry.spool") }
        if telemetry.endpoint != old.telemetry.endpoint { names.append("telemetry.endpoint") }
        if (tools == nil) != (old.tools == nil) { names.append("tools") }
        if let new = tools, let old = old.tools, new.listen != old.listen || new.url != old.url { names.append("tools.listen and url") }
        if audit != old.audit { names.append("audit") }
        if runs != old.runs { names.append("runs") }
        if releases != old.releases { names.append("agents.*.version and release") }
        return names
    }
}
