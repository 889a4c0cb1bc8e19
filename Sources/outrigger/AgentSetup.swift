import Gate
import Glibc
import Replay
import ReplayAgents

/// Makes agents and evaluators from what the command line and the gate file name.
///
/// What they share (the tool endpoint, connections, processes) is started with the first of them, so that a replay of
/// recordings opens nothing.
final class AgentSetup {
    private let flags: ReplayOptions.Running
    private let file: GateFile?
    private let concurrency: Int
    private var pool: AgentPool?

    /// - Parameter concurrency: runs of agents under way at once.
    init(_ flags: ReplayOptions.Running, _ file: GateFile?, concurrency: Int) {
        self.flags = flags
        self.file = file
        self.concurrency = concurrency
    }

    /// What chat completions are asked with, if no release says more.
    var chat: OpenAIAgent.Options {
        var options = OpenAIAgent.Options()
        options.model = flags.model
        options.maximumRounds = flags.maxRounds ?? options.maximumRounds
        return options
    }

    /// Path of the answers for calls that nothing was recorded for.
    var fallbackPath: String? { flags.toolFallback ?? file?.toolFallback.map { ReplaySetup.resolve($0, in: file?.folder) } }

    /// - Throws: ``UsageError``, or the error of the part that cannot be used.
    func source(_ specification: AgentSpecification, label: String, chat: OpenAIAgent.Options? = nil) async throws -> ArmSource {
        switch specification {
        case .recorded: return .recorded
        case .recording(let path): return .recording(path: path)
        case .http, .openAI, .exec:
            guard let agent = try await started().agent(specification, label: label, chat: chat) else { return .recorded }
            return .agent(agent)
        }
    }

    func evaluators(_ rules: [GateFile.EvaluatorRule]) async throws -> [EvaluatorName: any RunEvaluator] {
        var evaluators: [EvaluatorName: any RunEvaluator] = [:]
        for rule in rules {
            let specification = try AgentSpecification(parsing: rule.agent)
            evaluators[rule.name] = try await started().evaluator(
                specification, label: rule.name.name, timeLimit: rule.timeout)
        }
        return evaluators
    }

    /// Ends all that was started, and tells what agents did beside their answers; does nothing the second time.
    func end() async -> [String] {
        guard let pool else { return [] }
        self.pool = nil
        await pool.end()
        return pool.notices.words
    }

    private func started() async throws -> AgentPool {
        if let pool { return pool }
        var options = AgentPool.Options()
        options.concurrency = concurrency
        options.maximumRetries = flags.agentRetries
        options.headers = try headers()
        options.openAI = chat
        if let name = flags.apiKeyEnv { try options.setAPIKey(fromVariable: name, environment: ExportSetup.environment()) }
        let matching = flags.toolMatch?.rawValue ?? file?.toolMatch
        options.toolMatching = matching.flatMap { ToolMatching(rawValue: $0) } ?? .lenient
        if let path = fallbackPath {
            options.toolFallback = try ToolFallback(path: path)
        }
        let pool = try await AgentPool(options)
        self.pool = pool
        return pool
    }

    /// Values can be secrets: one of `env:NAME` is read from that variable, so that it stands in no command line.
    private func headers() throws -> [(name: String, value: String)] {
        try flags.agentHeader.map { text in
            guard let pair = PairArgument(argument: text) else {
                throw UsageError("--agent-header must be name=value, with an equals sign (the value given is not shown here)")
            }
            guard pair.value.hasPrefix("env:") else { return (pair.key, pair.value) }
            let name = String(pair.value.dropFirst(4))
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else {
                throw UsageError("--agent-header \(pair.key): the environment variable \(name) is not set")
            }
            return (pair.key, value)
        }
    }
}
