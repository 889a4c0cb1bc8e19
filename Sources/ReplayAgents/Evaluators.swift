public import AgentRuns
internal import JSONDocuments
public import Replay
internal import Synchronization

/// An evaluator behind a URL: a POST with the run, the score in its response.
public struct HTTPEvaluator: RunEvaluator {
    private let target: AgentURL
    private let headers: [(String, String)]
    private let retries: HTTPTransport.Retries
    private let timeLimit: Duration
    private let transport: HTTPTransport

    init(
        _ target: AgentURL, headers: [(String, String)], retries: HTTPTransport.Retries, timeLimit: Duration,
        _ transport: HTTPTransport
    ) {
        self.target = target
        self.headers = headers
        self.retries = retries
        self.timeLimit = timeLimit
        self.transport = transport
    }

    public func score(_ run: AgentRun, of trace: AgentRun) async -> EvaluatorScore {
        let deadline = ContinuousClock.now + timeLimit
        let id = RunToken().hex
        let message = ProtocolMessage.evaluation(run, of: trace, id: id)
        var tries = 0
        while true {
            do throws(HTTPTransport.Failure) {
                return ScoreReader.read(try await transport.post(message, to: target, headers: headers, deadline: deadline))
            } catch {
                let delay = retries.delay(beforeRetry: tries)
                guard error.isRetryable, tries < retries.maximum, ContinuousClock.now + delay < deadline,
                    (try? await Task.sleep(for: delay)) != nil
                else { return EvaluatorScore(error.problem) }
                tries += 1
            }
        }
    }
}

/// An evaluator that is a process of ours: `{"type": "evaluate", "run_id": …, …}` on its standard input,
/// `{"type": "score", "run_id": …, "score": …}` on its standard output.
public struct ExecEvaluator: RunEvaluator {
    private let pool: ProcessPool
    private let timeLimit: Duration
    private let notices: AgentNotices

    init(_ pool: ProcessPool, timeLimit: Duration, _ notices: AgentNotices) {
        self.pool = pool
        self.timeLimit = timeLimit
        self.notices = notices
    }

    public func score(_ run: AgentRun, of trace: AgentRun) async -> EvaluatorScore {
        let id = RunToken().hex
        let stray = StrayMessages(notices: notices)
        let result = await pool.exchange(timeLimit: timeLimit) {
            ProtocolMessage.evaluation(run, of: trace, id: id, type: "evaluate")
        } _: { line in
            let message = StreamMessage(line)
            switch message {
            case .answer(type: "score", id): return .end(.success(line))
            case .answer(type: "score", nil): return .end(.failure(RunProblem(.badAnswer, "run_id is missing")))
            case .answer(type: "score", _), .toolCall: return .proceed(stray.take(message))
            case .answer(let type, _):
                return .end(.failure(RunProblem(.badAnswer, "type is \(Excerpt.text(type)), not score")))
            case .unusable(let problem): return .end(.failure(RunProblem(.badAnswer, problem)))
            }
        }
        switch result {
        case .success(let line): return ScoreReader.read(line)
        case .failure(let problem): return EvaluatorScore(problem)
        }
    }
}

extension EvaluatorScore {
    fileprivate init(_ problem: RunProblem) {
        self.init(score: nil, explanation: "\(problem.kind.rawValue): \(problem.detail)")
    }
}

/// Reads `{"score": NUMBER, "explanation": STRING?}`, with each key once.
///
/// The scale is the evaluator's own, and `at_least` of a check is on it; a number beyond ``limit`` on either side is on no
/// scale that people use, and passes nothing.
enum ScoreReader {
    static let limit = 1e9

    static func read(_ answer: [UInt8]) -> EvaluatorScore {
        func bad(_ problem: String) -> EvaluatorScore { EvaluatorScore(RunProblem(.badAnswer, problem)) }
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: answer)
        } catch {
            return bad("not JSON: \(error): \(Excerpt.text(answer))")
        }
        if let error = document["error"], error.kind != .null {
            return EvaluatorScore(RunProblem(.agentError, "the evaluator says: \(Excerpt.text(error.text, limit: 400))"))
        }
        if let key = RepeatedMember.first(in: answer, isDeep: false) { return bad("the key \(Excerpt.text(key)) is there twice") }
        guard case .number(let number)? = document["score"] else {
            return bad("score must be a number, found \(document["score"]?.kind.rawValue ?? "nothing")")
        }
        guard abs(number.approximateDouble) <= limit else {
            return bad("score must be between -1e9 and 1e9, found \(Excerpt.text(document["score"]?.text ?? "", limit: 40))")
        }
        switch document["explanation"] {
        case nil, .null?: return EvaluatorScore(score: number.approximateDouble)
        case .string(let text)?: return EvaluatorScore(score: number.approximateDouble, explanation: String(text.prefix(2000)))
        case let other?: return bad("explanation must be a string, found \(other.kind.rawValue)")
        }
    }
}
