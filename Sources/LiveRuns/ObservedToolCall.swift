public import AgentRuns

/// A tool call that passed the sidecar itself.
public struct ObservedToolCall: Sendable {
    public var name: String
    /// Of its `tool.call` span.
    public var spanID: SpanID
    /// JSON; nil where there were none, or no room to keep them.
    public var arguments: [UInt8]?
    public var verdict: ToolVerdict
    /// Unix nanoseconds.
    public var started: UInt64
    /// nil while it has no answer.
    public var result: Result?

    public struct Result: Sendable {
        public var success: Bool
        /// JSON of the result, or of the error; nil where there was none, or no room to keep it.
        public var content: [UInt8]?
        /// Unix nanoseconds.
        public var ended: UInt64

        public init(success: Bool, content: [UInt8]?, ended: UInt64) {
            self.success = success
            self.content = content
            self.ended = ended
        }
    }

    public init(
        name: String, spanID: SpanID, arguments: [UInt8]?, verdict: ToolVerdict, started: UInt64, result: Result? = nil
    ) {
        self.name = name
        self.spanID = spanID
        self.arguments = arguments
        self.verdict = verdict
        self.started = started
        self.result = result
    }

    /// About how much memory it holds.
    public var size: Int { 160 + name.utf8.count + (arguments?.count ?? 0) + (result?.content?.count ?? 0) }
}

/// Where a shadow first asked for something that the baseline had not asked for.
public struct ToolDivergence: Hashable, Sendable {
    public enum Kind: String, Sendable {
        /// The baseline never called the tool.
        case extraTool = "extra_tool"
        /// It called the tool, but not with these arguments, or not as often.
        case otherArguments = "other_arguments"
    }

    /// Place among the shadow's calls, from 0.
    public var index: Int
    public var tool: String
    public var kind: Kind

    public init(index: Int, tool: String, kind: Kind) {
        self.index = index
        self.tool = tool
        self.kind = kind
    }
}

extension AgentRun {
    /// A run of which only the calls are known that were seen.
    public init(observed: [ObservedToolCall]) {
        self.init()
        put(observed)
    }

    /// Puts what was seen in the place of what the agent says of the same calls. A call that the agent tells of and that did
    /// not pass the gateway stays where it stood among the others.
    mutating func put(_ observed: [ObservedToolCall]) {
        guard !observed.isEmpty else { return }
        let reported = toolCalls
        // Places of the observed calls by name, those still to be met at the end.
        var waiting: [[UInt8]: [Int]] = [:]
        for (i, call) in observed.enumerated().reversed() { waiting[Array(call.name.utf8), default: []].append(i) }
        var merged: [ToolCall] = []
        var next = 0
        for call in reported {
            let name = call.name.map { Array(storage[$0.range]) } ?? []
            guard let place = waiting[name]?.popLast() else {
                merged.append(call)
                continue
            }
            while next <= place {
                var seen = made(observed[next])
                if next == place { seen.id = call.id }
                merged.append(seen)
                next += 1
            }
        }
        while next < observed.count {
            merged.append(made(observed[next]))
            next += 1
        }
        toolCalls = merged
    }

    private mutating func made(_ observed: ObservedToolCall) -> ToolCall {
        var call = ToolCall(name: store(observed.name))
        call.verdict = observed.verdict
        call.spanID = observed.spanID
        call.arguments = observed.arguments.map { json in Content(form: .json, text: store(json)) }
        guard let result = observed.result else { return call }
        let content = result.content.map { json in Content(form: .json, text: store(json)) }
        let elapsed = result.ended > observed.started ? result.ended - observed.started : 0
        call.result = ToolResult(
            success: result.success, content: result.success ? content : nil, error: result.success ? nil : content,
            duration: .real(Double(elapsed) / 1e6))
        return call
    }

    private mutating func store(_ bytes: [UInt8]) -> Text { bytes.withUnsafeBytes { store($0) } }
}
