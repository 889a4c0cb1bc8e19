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

    /// Asks the agent, and asks again only when the connection failed before anything of the answer was there.
    ///
    /// Each try has tools of its own, so that what a failed one used up is there again.
    public func run(_ task: ReplayTask) async -> ArmRun {
        let deadline = ContinuousClock.now + task.timeLimit
        var tries = 0
        while true {
            let (arm, isRetryable) = await attempt(task, deadline)
            guard isRetryable, tries < retries.maximum else { return Self.counting(tries, arm) }
            let delay = retries.delay(beforeRetry: tries)
            guard ContinuousClock.now + delay < deadline else { return Self.counting(tries, arm) }
            tries += 1
            desk.notices.note(.retry, runID: task.runID, arm.problem?.detail ?? "")
            do {
                try await Task.sleep(for: delay)
            } catch {
                return ArmRun(run: task.emptyRun, problem: .cancelled, tools: arm.tools, assumesSuccess: false)
            }
        }
    }

    public func lateCalls(ofRun runID: String) -> Int { desk.notices.lateCalls(ofRun: runID) }

    private static func counting(_ tries: Int, _ arm: ArmRun) -> ArmRun {
        guard tries > 0, arm.problem?.kind == .transport else { return arm }
        var arm = arm
        arm.problem?.detail += " (\(tries + 1) tries)"
        return arm
    }

    private func attempt(_ task: ReplayTask, _ deadline: ContinuousClock.Instant) async -> (ArmRun, isRetryable: Bool) {
        let lease = desk.open(task)
        let run = LiveRun(task, desk.notices)
        do throws(HTTPTransport.Failure) {
            let message = ProtocolMessage.request(task, toolsURL: lease.url, timeLeft: deadline - .now)
            let answer = try await transport.post(message, to: target, headers: task.headers + headers, deadline: deadline)
            let record = desk.close(lease)
            do throws(RunProblem) {
                return (run.ended(.success(try AnswerReader.read(answer, for: task)), record), false)
            } catch {
                return (run.ended(.failure(error), record), false)
            }
        } catch {
            return (run.ended(.failure(error.problem), desk.close(lease)), error.isRetryable)
        }
    }
}

extension ReplayTask {
    /// What says in headers what the body says too, for those who only see headers: proxies, tracers.
    var headers: [(String, String)] {
        [("traceparent", traceParent), ("baggage", "outrigger.role=\(role.rawValue),outrigger.mode=\(RunMode.replay.rawValue)")]
    }
}
