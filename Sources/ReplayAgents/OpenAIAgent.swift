internal import AgentRuns
internal import JSONDocuments
public import Replay

/// A model behind an OpenAI-shaped chat completions URL. We are its agent: we send the trace's request, answer its tool
/// calls from the recording, and ask again until it is done.
///
/// `outcome` stays unknown when the model just stops, since it cannot know; an answer that was cut off or filtered has
/// the finish reason as its outcome (`length`, `content_filter`), and a refusal `refusal`, none of which is success.
public struct OpenAIAgent: ReplayAgent {
    /// What is sent beside the messages.
    public struct Options: Sendable {
        /// The model's name; nil takes the one of the trace.
        public var model: String?
        /// The JSON array for `tools`; nil describes those of the trace by their names, with any object as arguments.
        public var tools: [UInt8]?
        /// The system prompt; nil leaves those of the trace. It takes their place, since two are two releases in one.
        public var system: String?
        /// A JSON object of further members of the request, such as `temperature`.
        public var parameters: [UInt8]?
        /// How often the model may be asked in one run.
        public var maximumRounds = 32

        public init() {}
    }

    private let target: AgentURL
    private let headers: [(String, String)]
    private let options: Options
    private let tools: JSONDocument?
    private let parameters: [JSONObject.Member]
    private let retries: HTTPTransport.Retries
    private let transport: HTTPTransport
    private let desk: ToolDesk

    /// - Throws: ``AgentSpecification/UsageError`` when the tools are not a JSON array.
    init(
        _ target: AgentURL, _ options: Options, headers: [(String, String)], retries: HTTPTransport.Retries,
        _ transport: HTTPTransport, _ desk: ToolDesk
    ) throws(AgentSpecification.UsageError) {
        self.target = target
        self.headers = headers
        self.options = options
        self.retries = retries
        self.transport = transport
        self.desk = desk
        tools = try Self.document(options.tools, .array, "the tools for the model")
        guard case .object(let object)? = try Self.document(options.parameters, .object, "the parameters for the model") else {
            parameters = []
            return
        }
        parameters = object.members
    }

    private static func document(
        _ json: [UInt8]?, _ kind: JSONDocument.Kind, _ what: String
    ) throws(AgentSpecification.UsageError) -> JSONDocument? {
        guard let json else { return nil }
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: json)
        } catch {
            throw AgentSpecification.UsageError("\(what) are not JSON: \(error)")
        }
        guard document.kind == kind else { throw AgentSpecification.UsageError("\(what) must be a JSON \(kind.rawValue)") }
        return document
    }

    public func run(_ task: ReplayTask) async -> ArmRun {
        let session = desk.session(task)
        let run = LiveRun(task, desk.notices)
        var ended: ArmRun
        do throws(RunProblem) {
            let answer = try await converse(task, session)
            ended = run.ended(.success(answer), session.finish())
        } catch {
            ended = run.ended(.failure(error), session.finish())
        }
        ended.canStateOutcome = false
        return ended
    }

    private func converse(_ task: ReplayTask, _ session: ToolSession) async throws(RunProblem) -> AgentAnswer {
        let deadline = ContinuousClock.now + task.timeLimit
        var chat = ChatConversation(
            task, model: options.model, system: options.system, tools: tools ?? Self.tools(named: session.toolNames),
            parameters: parameters)
        for _ in 0..<max(1, options.maximumRounds) {
            let answer = try await ask(chat.request, task, deadline)
            if let done = try chat.take(answer, session) {
                var run = task.emptyRun
                done.fill(&run)
                return AgentAnswer(run: run)
            }
        }
        throw RunProblem(.badAnswer, "the model still called tools after \(max(1, options.maximumRounds)) rounds")
    }

    private func ask(
        _ body: [UInt8], _ task: ReplayTask, _ deadline: ContinuousClock.Instant
    ) async throws(RunProblem) -> [UInt8] {
        var tries = 0
        while true {
            do throws(HTTPTransport.Failure) {
                return try await transport.post(body, to: target, headers: task.headers + headers, deadline: deadline)
            } catch {
                let delay = retries.delay(beforeRetry: tries)
                guard error.isRetryable, tries < retries.maximum, ContinuousClock.now + delay < deadline else {
                    var problem = error.problem
                    if problem.detail.hasPrefix("status 404"), !target.url.hasSuffix("/chat/completions") {
                        problem.detail += " (the URL must be the whole one, such as …/v1/chat/completions)"
                    }
                    if tries > 0 { problem.detail += " (\(tries + 1) tries)" }
                    throw problem
                }
                tries += 1
                desk.notices.note(.retry, runID: task.runID, error.problem.detail)
                guard (try? await Task.sleep(for: delay)) != nil else { throw .cancelled }
            }
        }
    }

    private static func tools(named names: [String]) -> JSONDocument? {
        guard !names.isEmpty else { return nil }
        return .array(
            names.map { name in
                .object([
                    "type": .string("function"),
                    "function": .object([
                        "name": .string(name),
                        "parameters": .object(["type": .string("object"), "additionalProperties": .bool(true)]),
                    ]),
                ])
            })
    }
}
