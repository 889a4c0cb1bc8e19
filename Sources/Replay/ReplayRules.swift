/// What makes a run fail, the same for every trace.
public struct ReplayRules: Sendable {
    /// Milliseconds; a run that took longer fails with `latency`.
    public var maxLatency: Double
    /// Tokens; a run that cost more fails with `cost`.
    public var maxCost: Double
    /// Tools that a run may use whose trace does not say; nil allows all.
    public var allowedTools: Set<[UInt8]>?
    /// The ways in which a candidate's tool calls may not differ from the baseline's.
    public var failOn: Set<ToolCallChange.Kind>
    /// How often the same call, or the same few calls, may be repeated in a row.
    public var maxRepetitions: Int
    /// What else must be true of a run.
    public var checks: [RunCheck]

    /// The defaults are the Python sample's, where it has the rule.
    public init(
        maxLatency: Double = 5000, maxCost: Double = 1000, allowedTools: Set<[UInt8]>? = nil,
        failOn: Set<ToolCallChange.Kind> = Set(ToolCallChange.Kind.allCases), maxRepetitions: Int = 5,
        checks: [RunCheck] = []
    ) {
        self.maxLatency = maxLatency
        self.maxCost = maxCost
        self.allowedTools = allowedTools
        self.failOn = failOn
        self.maxRepetitions = maxRepetitions
        self.checks = checks
    }
}
