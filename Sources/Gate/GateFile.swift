public import Replay
public import StrictYAML

/// A gate file: what to replay, by which rules, and what the gate asks for. What it does not say is nil, so that flags and
/// defaults can.
public struct GateFile: Sendable {
    /// Path of the traces, relative to the file.
    public var traces: String?
    public var baseline = Arm()
    public var candidate = Arm()
    public var maxLatency: Double?
    public var maxCost: Double?
    public var maxRepetitions: Int?
    public var failOn: Set<ToolCallChange.Kind>?
    public var checks: [RunCheck] = []
    public var evaluators: [EvaluatorRule] = []
    public var repetitions: Int?
    public var concurrency: Int?
    public var runTimeout: Duration?
    public var toolMatch: String?
    /// Path, relative to the file.
    public var toolFallback: String?
    public var policy = GatePolicy()
    /// The folder of the file, from which its paths start.
    public var folder: String

    /// One arm, as the file names it.
    public struct Arm: Hashable, Sendable {
        /// `recorded`, `recorded:FILE`, a URL or `exec:COMMAND`.
        public var agent: String?
        public var version: String?
        /// Path of the release file, relative to the gate file.
        public var release: String?
    }

    /// Someone who scores runs.
    public struct EvaluatorRule: Hashable, Sendable {
        public var name: EvaluatorName
        /// A URL or `exec:COMMAND`.
        public var agent: String
        public var timeout: Duration
    }

    /// - Throws: `YAMLError` with all that is wrong, each with its line and the remedy.
    public init(path: String) throws(YAMLError) {
        let document = try YAMLDocument(path: path)
        self = try document.read { root in
            root.mapping { fields in GateFile(fields, folder: path.folder) }
        }
    }

    /// For tests: from bytes instead of a file.
    init(bytes: [UInt8], name: String) throws(YAMLError) {
        let document = try YAMLDocument(bytes: bytes, name: name)
        self = try document.read { root in
            root.mapping { fields in GateFile(fields, folder: name.folder) }
        }
    }

    private init(_ fields: YAMLMapping, folder: String) {
        self.folder = folder
        traces = fields["traces"]?.string()
        baseline = Self.arm(fields["baseline"])
        candidate = Self.arm(fields["candidate"])
        fields["limits"]?.mapping { limits -> Void in
            maxLatency = limits["max_latency_ms"]?.double(in: 0...1e12)
            maxCost = limits["max_cost_tokens"]?.double(in: 0...1e15)
            maxRepetitions = limits["max_repetitions"]?.int(in: 1...10_000)
        }
        if let kinds = fields["fail_on"] {
            failOn = kinds.text == "none" ? [] : kinds.list { $0.word(as: ToolCallChange.Kind.self) }.map(Set.init)
        }
        policy.thresholds = fields["thresholds"].flatMap { $0.mapping(Self.thresholds) } ?? policy.thresholds
        var sliceNames: Set<String> = []
        policy.slices = fields["slices"]?.list { Self.slice($0, &sliceNames) } ?? []
        policy.comparison = fields["compare"].flatMap { $0.mapping(Self.comparison) } ?? policy.comparison
        // A gate that asks for nothing of the failures would let all of them through.
        let boundsFailures = policy.thresholds.minPassRate != nil || policy.comparison.passRate?.margin != nil
        if policy.thresholds.maxFailed == nil, !boundsFailures { policy.thresholds.maxFailed = 0 }
        policy.allowsInconclusive = fields["allow_inconclusive"]?.bool() ?? false
        evaluators = fields["evaluators"]?.entries()?.compactMap { Self.evaluator($0.key, $0.value) } ?? []
        var reader = CheckReader(evaluators: evaluators.map(\.name.name))
        checks = fields["checks"]?.list { reader.check($0) } ?? []
        fields["run"]?.mapping { run -> Void in
            repetitions = run["repeat"]?.int(in: 1...1000)
            concurrency = run["concurrency"]?.int(in: 1...10_000)
            runTimeout = run["timeout"]?.duration()
            toolMatch = run["tool_match"]?.word(of: ["strict", "ordered", "lenient"])
            toolFallback = run["tool_fallback"]?.string()
        }
    }

    private static func arm(_ field: YAMLField?) -> Arm {
        field?.mapping { fields in
            Arm(
                agent: fields["agent"]?.string(), version: fields["version"]?.string(), release: fields["release"]?.string())
        } ?? Arm()
    }

    private static func thresholds(_ fields: YAMLMapping) -> GatePolicy.Thresholds {
        var thresholds = GatePolicy.Thresholds()
        read(fields, into: &thresholds)
        thresholds.maxProblems = fields["max_problems"]?.int(in: 0...Int.max)
        return thresholds
    }

    private static func read(_ fields: YAMLMapping, into thresholds: inout GatePolicy.Thresholds) {
        thresholds.maxFailed = fields["max_failed"]?.int(in: 0...Int.max)
        thresholds.maxToolMisuse = fields["max_tool_misuse"]?.int(in: 0...Int.max)
        thresholds.maxBudgetOverruns = fields["max_budget_overruns"]?.int(in: 0...Int.max)
        thresholds.minPassRate = fields["min_pass_rate"]?.percentage().map { $0 / 100 }
        thresholds.minRuns = fields["min_runs"]?.int(in: 1...Int.max) ?? 1
    }

    private static func slice(_ field: YAMLField, _ names: inout Set<String>) -> GatePolicy.SliceRule? {
        field.mapping { fields in
            guard let name = fields.required("name")?.string() else { return nil }
            if !names.insert(name).inserted {
                field.report("there are two slices named \(name)", remedy: "give each slice a name of its own")
            }
            let slice = fields.required("match")?.mapping(traceSlice) ?? TraceSlice()
            var thresholds = GatePolicy.Thresholds()
            read(fields, into: &thresholds)
            return GatePolicy.SliceRule(name: name, slice: slice, thresholds: thresholds)
        }
    }

    static func traceSlice(_ fields: YAMLMapping) -> TraceSlice {
        var slice = TraceSlice()
        slice.tags = fields["tags"]?.list { $0.string() } ?? []
        slice.agents = fields["agents"]?.list { $0.string() } ?? []
        slice.models = fields["models"]?.list { $0.string() } ?? []
        slice.tools = fields["tools"]?.list { $0.string() } ?? []
        slice.expectedOutcomes = fields["expected_outcomes"]?.list { $0.string() } ?? []
        return slice
    }

    private static func comparison(_ fields: YAMLMapping) -> GatePolicy.Comparison {
        var comparison = GatePolicy.Comparison()
        if let confidence = fields["confidence"]?.percentage(in: 50...99.999) { comparison.confidence = confidence / 100 }
        comparison.seed = fields["seed"]?.int(in: 0...Int.max).map { UInt64($0) } ?? comparison.seed
        comparison.passRate = fields["pass_rate"]?.mapping {
            GatePolicy.PassRate(margin: $0["margin"]?.percentage().map { $0 / 100 }, isAskedFor: true)
        }
        for name in GatePolicy.Measure.Name.allCases {
            guard let field = fields[name.rawValue] else { continue }
            let measure = field.mapping { fields -> GatePolicy.Measure in
                var measure = GatePolicy.Measure(name, margin: fields["margin"]?.percentage(in: 0...10_000).map { $0 / 100 })
                switch fields["statistic"]?.word(of: ["mean", "median", "p50", "p90", "p95", "p99"]) {
                case "median", "p50": measure.statistic = .quantile(0.5)
                case "p90": measure.statistic = .quantile(0.9)
                case "p95": measure.statistic = .quantile(0.95)
                case "p99": measure.statistic = .quantile(0.99)
                default: break
                }
                return measure
            }
            if let measure { comparison.measures.append(measure) }
        }
        return comparison
    }

    private static func evaluator(_ name: String, _ field: YAMLField) -> EvaluatorRule? {
        field.mapping { fields in
            guard let agent = fields.required("agent")?.string() else { return nil }
            return EvaluatorRule(
                name: EvaluatorName(name), agent: agent, timeout: fields["timeout"]?.duration() ?? .seconds(30))
        }
    }
}

extension String {
    /// The folder of a path, with its slash; empty for a bare name.
    var folder: String { lastIndex(of: "/").map { String(self[...$0]) } ?? "" }
}
