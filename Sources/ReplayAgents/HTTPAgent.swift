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
    /// All tries are one run: they have one clock, and one set of tools, so that nothing of a failed one is forgotten.
    public func run(_ task: ReplayTask) async -> ArmRun {
        let lease = desk.open(task)
        let run = LiveRun(task, desk.notices)
        let result = await ask(task, lease, deadline: ContinuousClock.now + task.timeLimit)
        let record = desk.close(lease)
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
        _ task: ReplayTask, _ lease: ToolEndpoint.Lease, deadline: ContinuousClock.Instant
    ) async -> Result<[UInt8], RunProblem> {
        var tries = 0
        while true {
            do throws(HTTPTransport.Failure) {
                let message = ProtocolMessage.request(task, toolsURL: lease.url, timeLeft: deadline - .now)
                return .success(try await transport.post(message, to: target, headers: task.headers + headers, deadline: deadline))
            } catch {
                let delay = retries.delay(beforeRetry: tries)
                let mayTry = error.isRetryable && tries < retries.maximum && ContinuousClock.now + delay < deadline
                // A second try would be another run, which need not do what this one did.
                let wasCalled = lease.session.wasCalled
                guard mayTry, !wasCalled else {
                    var problem = error.problem
                    if tries > 0, problem.kind == .transport { problem.detail += " (\(tries + 1) tries)" }
                    if mayTry { problem.detail += "; it had called tools by then, so it is not asked again" }
                    return .failure(problem)
                }
                tries += 1
                desk.notices.note(.retry, runID: task.runID, error.problem.detail)
                guard (try? await Task.sleep(for: delay)) != nil else { return .failure(.cancelled) }
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
