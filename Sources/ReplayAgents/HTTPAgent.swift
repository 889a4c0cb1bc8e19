internal import AgentRuns
public import Replay

/// An agent behind a URL that speaks the agent protocol: a POST with the request, the answer in its response.
public struct HTTPAgent: ReplayAgent {
    private let target: AgentURL
    private let headers: [(String, String)]
    private let retries: HTTPTransport.Retries
    private let transport: HTTPTransport
    private let desk: ToolDesk

    init(
        _ target: AgentURL, headers: [(String, String)], retries: HTTPTransport.Retries, _ transport: HTTPTransport,
        _ desk: ToolDesk
    ) {
        self.target = target
        self.headers = headers
        self.retries = retries
        self.transport = transport
        self.desk = desk
    }

    /// Asks the agent, and asks again only when the connection failed before anything of the answer was there, and before
    /// any tool was called.
    ///
    /// All tries are one run, by one clock. Each has tools of its own, since a server may go on with what it was asked first: those
    /// calls are late, and none of the next try's.
    public func run(_ task: ReplayTask) async -> ArmRun {
        let run = LiveRun(task, desk.notices)
        let (result, record) = await ask(task, deadline: ContinuousClock.now + task.timeLimit)
        switch result {
        case .failure(let problem): return run.ended(.failure(problem), record)
        case .success(let answer):
            do throws(RunProblem) {
                return run.ended(.success(try AnswerReader.read(answer, for: task)), record)
            } catch {
                return run.ended(.failure(error), record)
            }
        }
    }

    public func lateCalls(ofRun runID: String) -> Int { desk.notices.lateCalls(ofRun: runID) }

    private func ask(
        _ task: ReplayTask, deadline: ContinuousClock.Instant
    ) async -> (Result<[UInt8], RunProblem>, ToolRecord) {
        var tries = 0
        while true {
            let lease = desk.open(task)
            do throws(HTTPTransport.Failure) {
                let message = ProtocolMessage.request(task, toolsURL: lease.url, timeLeft: deadline - .now)
                let answer = try await transport.post(message, to: target, headers: task.headers + headers, deadline: deadline)
                return (.success(answer), desk.close(lease))
            } catch {
                let record = desk.close(lease)
                let delay = retries.delay(beforeRetry: tries)
                let mayTry = error.isRetryable && tries < retries.maximum && ContinuousClock.now + delay < deadline
                // A second try would be another run, which need not do what this one did.
                guard mayTry, record.calls.isEmpty else {
                    var problem = error.problem
                    if tries > 0, problem.kind == .transport { problem.detail += " (\(tries + 1) tries)" }
                    if mayTry { problem.detail += "; it had called tools by then, so it is not asked again" }
                    return (.failure(problem), record)
                }
                tries += 1
                desk.notices.note(.retry, runID: task.runID, error.problem.detail)
                guard (try? await Task.sleep(for: delay)) != nil else { return (.failure(.cancelled), record) }
            }
        }
    }
}

extension ReplayTask {
    /// What says in headers what the body says too, for those who only see headers: proxies, tracers.
    var headers: [(String, String)] {
        [("traceparent", traceParent), ("baggage", "outrigger.role=\(role.rawValue),outrigger.mode=\(RunMode.replay.rawValue)")]
    }
}
