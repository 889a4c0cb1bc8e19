public import Replay
internal import Synchronization

/// Makes the agents and evaluators of one replay, and owns what they share: the tool endpoint, connections, processes.
public final class AgentPool: Sendable {
    /// How agents are reached.
    public struct Options: Sendable {
        /// Runs under way at once for one agent: so many connections, and so many processes.
        public var concurrency = 4
        /// How often a request is sent again after a transport error.
        public var maximumRetries = 2
        /// Headers for every request to an agent, such as for authorization. Names and values are checked.
        public var headers: [(name: String, value: String)] = []
        public var toolMatching = ToolMatching.lenient
        public var toolFallback: ToolFallback?
        public var openAI = OpenAIAgent.Options()
        /// What goes into `Authorization: Bearer` for chat completions; nil for none. Read it from the environment.
        public var apiKey: String?
        /// Takes the lines that processes write to their standard error.
        public var errorSink: @Sendable (String) -> Void = ErrorStreamRelay.standardError

        public init() {}

        /// Reads the key from the environment variable of that name, so that it stands in no command line.
        ///
        /// - Throws: ``AgentSpecification/UsageError`` when the variable is not set or empty.
        public mutating func setAPIKey(
            fromVariable name: String, environment: [String: String]
        ) throws(AgentSpecification.UsageError) {
            guard let key = environment[name], !key.isEmpty else {
                throw AgentSpecification.UsageError("the environment variable \(Excerpt.text(name)) is not set")
            }
            apiKey = key
        }
    }

    private let options: Options
    private let desk: ToolDesk
    private let transport: HTTPTransport
    private let processes = Mutex<[ProcessPool]>([])
    /// What agents did beside their answers.
    public let notices: AgentNotices

    /// Starts the tool endpoint.
    ///
    /// - Throws: ``AgentSpecification/UsageError`` for headers that cannot be sent and authorities that cannot be
    ///   read, or what the operating system says
    ///   against a server on 127.0.0.1.
    public init(_ options: Options = Options()) async throws {
        for header in options.headers { try Self.check(header) }
        self.options = options
        transport = try HTTPTransport(connections: options.concurrency)
        notices = AgentNotices()
        desk = ToolDesk(
            endpoint: try await ToolEndpoint.start(notices), notices: notices, matching: options.toolMatching,
            fallback: options.toolFallback)
    }

    private static func check(_ header: (name: String, value: String)) throws(AgentSpecification.UsageError) {
        let symbols = Set("!#$%&'*+-.^_`|~".utf8)
        let isToken = !header.name.isEmpty && header.name.utf8.allSatisfy { byte in
            symbols.contains(byte) || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard isToken else { throw AgentSpecification.UsageError("\(Excerpt.text(header.name)) is not the name of a header") }
        guard header.value.utf8.allSatisfy({ $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw AgentSpecification.UsageError("the value of header \(header.name) has a control character in it")
        }
        guard !["content-length", "transfer-encoding", "host", "connection"].contains(header.name.lowercased()) else {
            throw AgentSpecification.UsageError("header \(header.name) is not yours to set")
        }
    }

    /// The agent that the specification names.
    ///
    /// - Parameters:
    ///   - label: says in the prefix of what it writes to its standard error whose it is.
    ///   - chat: what chat completions are asked with; nil for that of the options.
    /// - Returns: nil for recordings, which are no agents.
    public func agent(
        _ specification: AgentSpecification, label: String, chat: OpenAIAgent.Options? = nil
    ) throws(AgentSpecification.UsageError) -> (any ReplayAgent)? {
        switch specification {
        case .recorded, .recording: return nil
        case .http(let url): return HTTPAgent(url, headers: options.headers.map { ($0.name, $0.value) }, retries: retries, transport, desk)
        case .openAI(let url):
            var headers = options.headers.map { ($0.name, $0.value) }
            if let key = options.apiKey {
                let header = (name: "Authorization", value: "Bearer \(key)")
                try Self.check(header)
                headers.append(header)
            }
            return try OpenAIAgent(url, chat ?? options.openAI, headers: headers, retries: retries, transport, desk)
        case .exec(let command): return ExecAgent(pool(command, label), desk)
        }
    }

    /// The evaluator that the specification names, `http(s)://…` or `exec:COMMAND`.
    ///
    /// - Parameter headers: for its requests. Those of the options are for agents, and never sent to an evaluator.
    public func evaluator(
        _ specification: AgentSpecification, label: String, timeLimit: Duration = .seconds(30),
        headers: [(name: String, value: String)] = []
    ) throws(AgentSpecification.UsageError) -> any RunEvaluator {
        switch specification {
        case .http(let url), .openAI(let url):
            for header in headers { try Self.check(header) }
            return HTTPEvaluator(
                url, headers: headers.map { ($0.name, $0.value) }, retries: retries, timeLimit: timeLimit, transport)
        case .exec(let command): return ExecEvaluator(pool(command, label), timeLimit: timeLimit, notices)
        case .recorded, .recording:
            throw AgentSpecification.UsageError("a recording cannot evaluate: write http(s)://HOST/PATH or exec:COMMAND")
        }
    }

    private var retries: HTTPTransport.Retries { HTTPTransport.Retries(maximum: max(0, options.maximumRetries)) }

    private func pool(_ command: String, _ label: String) -> ProcessPool {
        let stray = StrayMessages(notices: notices)
        let pool = ProcessPool(
            command, size: options.concurrency, policy: .init(), notices: notices, errorPrefix: Excerpt.escaped(label),
            errorSink: options.errorSink) { stray.take($0) }
        processes.withLock { $0.append(pool) }
        return pool
    }

    /// Ends processes, connections and the tool endpoint, and waits until they are gone: a few seconds at most.
    public func end() async {
        await withDiscardingTaskGroup { group in
            for pool in processes.withLock({ $0 }) { group.addTask { await pool.end() } }
        }
        await desk.endpoint.end()
        await transport.end()
    }
}
