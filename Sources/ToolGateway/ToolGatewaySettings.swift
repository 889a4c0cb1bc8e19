public import AgentRuns
public import JSONDocuments
public import Replay

/// What the tool gateway knows of its tools, and which bounds it keeps.
public struct ToolGatewaySettings: Sendable {
    /// By name: nothing but these is ever called.
    public var tools: [String: ToolSettings]
    /// The names that an arm may call by the configuration; nil for all that are configured.
    public var allowedForBaseline: Set<String>?
    public var allowedForCandidate: Set<String>?
    /// What the arms' releases say; an arm without an entry is held to the configuration alone.
    public var releases: [RunRole: ReleaseTools] = [:]
    public var shadow = ShadowToolSettings()
    public var limits = ToolGatewayLimits()
    /// How long after its run a call is still let through.
    public var grace = Duration.zero

    public init(tools: [String: ToolSettings] = [:]) { self.tools = tools }

    public func allows(_ tool: String, for role: RunRole) -> Bool { tools[tool] != nil && objection(to: tool, for: role) == nil }

    /// Why an arm may not call a tool that is configured; nil where it may. Both allow-lists count.
    func objection(to tool: String, for role: RunRole) -> String? {
        if let names = role == .baseline ? allowedForBaseline : allowedForCandidate, !names.contains(tool) {
            return "the allow-list of the \(role.rawValue) does not have the tool \(tool)"
        }
        if let release = releases[role], let names = release.allowed, !names.contains(tool) {
            return "the allow-list of the release \(release.version) does not have the tool \(tool)"
        }
        return nil
    }

    /// Whether a tool changes anything: a write where either the configuration or the release says so, or nobody says anything.
    public func effect(of tool: String, for role: RunRole) -> ToolEffect {
        releases[role]?.tools[tool]?.effect == .write ? .write : tools[tool]?.effect ?? .write
    }
}

/// Whether a tool changes anything.
public enum ToolEffect: String, CaseIterable, Sendable {
    case read, write
}

/// One tool.
public struct ToolSettings: Sendable {
    public var effect = ToolEffect.write
    /// What its arguments must be; nil for any JSON object.
    public var arguments: JSONSchema?
    /// How long it may take.
    public var timeout = Duration.seconds(30)
    /// Bytes of its arguments, and of its answer.
    public var maximumArguments = 1 << 20
    public var maximumResult = 4 << 20
    /// Calls in all runs together; nil for no limit.
    public var rate: ToolRate?
    /// Calls in one run; nil for no limit but ``rate``.
    public var runRate: ToolRate?
    /// Calls in one run altogether; nil for no limit of its own.
    public var budget: Int?

    public init() {}
}

/// So many calls in so much time, at an even pace but for as many as come at once.
public struct ToolRate: Hashable, Sendable {
    public var calls: Int
    public var per: Duration

    public init(calls: Int, per: Duration) {
        self.calls = calls
        self.per = per
    }
}

/// How a shadow's calls are answered.
public struct ShadowToolSettings: Sendable {
    /// How long a call waits for the baseline to make the same.
    public var wait = Duration.seconds(5)
    public var matching = ToolMatching.lenient

    public init() {}
}

/// What the gateway holds at most.
public struct ToolGatewayLimits: Sendable {
    /// Runs under way, and those just over.
    public var runs = 65_536
    /// Calls of one run, refused ones among them.
    public var callsPerRun = 1000
    /// Calls under way in all runs.
    public var callsUnderWay = 1024
    /// Bytes of arguments and results that are kept for a run's spans and for its shadow.
    public var bytesPerRun = 4 << 20

    public init() {}
}
