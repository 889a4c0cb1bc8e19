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
    private let answered = AnsweredRuns()

    init(_ pool: ProcessPool, _ desk: ToolDesk) {
        self.pool = pool
        self.desk = desk
    }

    public func run(_ task: ReplayTask) async -> ArmRun {
        let lease = desk.open(task)
        let clock = Mutex(LiveRun(task, desk.notices))
        let otherRun = Mutex<String?>(nil)
        let result = await pool.exchange(timeLimit: task.timeLimit) {
            // Waiting for a free process is not part of the run.
            clock.withLock { $0 = LiveRun(task, desk.notices) }
            return ProtocolMessage.request(task, type: "run", toolsURL: lease.url, timeLeft: task.timeLimit)
        } _: { line in
            let next = step(line, task, lease.session) { id in otherRun.withLock { $0 = id } }
            // Before the process can have another run: what it calls for this one from now on is late.
            if case .end = next { answered.insert(task.runID) }
            return next
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

    private func step(
        _ line: [UInt8], _ task: ReplayTask, _ session: ToolSession, onOtherRun: (String) -> Void
    ) -> LineProcess.Step {
        let stray = StrayMessages(notices: desk.notices)
        let message = StreamMessage(line)
        switch message {
        case .answer(type: "result", let runID):
            guard let runID, runID != task.runID else { return .end(.success(line)) }
            onOtherRun(runID)
            return .proceed(stray.take(message))
        case .answer(let type, _):
            return .end(.failure(RunProblem(.badAnswer, "type is \(Excerpt.text(type)), not result or tool_call")))
        case .toolCall(let call):
            if call.runID == task.runID {
                let reply = session.answer(name: call.name, id: call.callText, arguments: call.arguments)
                return .proceed(reply.map { call.result($0) } ?? call.refusal("this run is over; its tools do not answer any more"))
            }
            if answered.contains(call.runID) { return .proceed(stray.take(message)) }
            // No other run is under way in the process, so under whatever id the call comes, it is one of this run.
            let problem = "no run with this run_id is under way in this process"
            desk.notices.note(
                .foreignCall, runID: task.runID, "a call of \(Excerpt.text(call.name)) with the run_id \(Excerpt.text(call.runID))")
            _ = session.turnAway(name: call.name, id: call.callText, because: problem)
            return .proceed(call.refusal(problem))
        case .unusable(let problem): return .end(.failure(RunProblem(.badAnswer, problem)))
        }
    }
}
