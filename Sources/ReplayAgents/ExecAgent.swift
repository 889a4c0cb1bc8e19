internal import AgentRuns
public import Replay
internal import Synchronization

/// An agent that is a process of ours and speaks the agent protocol as JSON lines on its standard streams.
///
/// We write `{"type": "run", …}`; it writes `{"type": "result", "run_id": …, …}`, and before that, if it likes,
/// `{"type": "tool_call", "run_id": …, "call_id": …, "name": …, "args": …}`, each answered by a `tool_result`. It gets one
/// run after the other; for runs at once there are as many processes.
public struct ExecAgent: ReplayAgent {
    private let pool: ProcessPool
    private let desk: ToolDesk

    init(_ pool: ProcessPool, _ desk: ToolDesk) {
        self.pool = pool
        self.desk = desk
    }

    public func run(_ task: ReplayTask) async -> ArmRun {
        let lease = desk.open(task)
        let clock = Mutex(LiveRun(task, desk.notices))
        let stray = StrayMessages(notices: desk.notices)
        let otherRun = Mutex<String?>(nil)
        let result = await pool.exchange(timeLimit: task.timeLimit) {
            // Waiting for a free process is not part of the run.
            clock.withLock { $0 = LiveRun(task, desk.notices) }
            return ProtocolMessage.request(task, type: "run", toolsURL: lease.url, timeLeft: task.timeLimit)
        } _: { line in
            Self.step(line, task, lease.session, stray) { id in otherRun.withLock { $0 = id } }
        }
        let record = desk.close(lease)
        let run = clock.withLock { $0 }
        switch result {
        case .failure(var problem):
            if let id = otherRun.withLock({ $0 }) {
                problem.detail += "; it gave a result for the run_id \(Excerpt.text(id)), and was asked for \(task.runID)"
            }
            return run.ended(.failure(problem), record)
        case .success(let line):
            do throws(RunProblem) {
                return run.ended(.success(try AnswerReader.read(line, for: task, runID: .required)), record)
            } catch {
                return run.ended(.failure(error), record)
            }
        }
    }

    public func lateCalls(ofRun runID: String) -> Int { desk.notices.lateCalls(ofRun: runID) }

    private static func step(
        _ line: [UInt8], _ task: ReplayTask, _ session: ToolSession, _ stray: StrayMessages, onOtherRun: (String) -> Void
    ) -> LineProcess.Step {
        let message = StreamMessage(line)
        switch message {
        case .answer(type: "result", let runID):
            guard let runID, runID != task.runID else { return .end(.success(line)) }
            onOtherRun(runID)
            return .proceed(stray.take(message))
        case .answer(let type, _):
            return .end(.failure(RunProblem(.badAnswer, "type is \(Excerpt.text(type)), not result or tool_call")))
        case .toolCall(let call):
            guard call.runID == task.runID else { return .proceed(stray.take(message)) }
            guard let reply = session.answer(name: call.name, id: call.callText, arguments: call.arguments) else {
                return .proceed(call.refusal("this run is over; its tools do not answer any more"))
            }
            return .proceed(call.result(reply))
        case .unusable(let problem): return .end(.failure(RunProblem(.badAnswer, problem)))
        }
    }
}
