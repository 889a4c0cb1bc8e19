internal import Replay
internal import Synchronization

/// Processes of one command, as many as runs may be under way at once: started when they are first needed, used again,
/// and started anew when they are gone.
final class ProcessPool: Sendable {
    /// How the pool goes on when processes end by themselves.
    struct RestartPolicy: Sendable {
        /// After so many deaths in a row without a single run finished in the whole pool, no process is started any more.
        var maximumFailures = 10
        var firstDelay = Duration.milliseconds(20)
        var maximumDelay = Duration.seconds(1)

        func delay(after failures: Int) -> Duration {
            failures == 0 ? .zero : min(maximumDelay, firstDelay * (1 << min(failures - 1, 16)))
        }
    }

    /// A place for one process. Whoever has it may use it alone.
    struct Slot: Sendable {
        fileprivate var number: Int
        fileprivate var process: LineProcess?
        fileprivate var starts = 0
    }

    private struct State {
        var free: [Slot]
        var waiting: [(id: Int, continuation: CheckedContinuation<Slot?, Never>)] = []
        var nextID = 0
        var isEnded = false
        /// Deaths since a run was finished. They are counted for the pool: a place that gave up alone would be free at once
        /// for every run, and fail those that others could do.
        var failures = 0
        /// All processes that are not gone yet.
        var alive: [ObjectIdentifier: LineProcess] = [:]
    }

    private let command: String
    private let policy: RestartPolicy
    private let notices: AgentNotices
    private let errorPrefix: String
    private let errorSink: @Sendable (String) -> Void
    private let stray: @Sendable ([UInt8]) -> [UInt8]?
    private let state: Mutex<State>

    init(
        _ command: String, size: Int, policy: RestartPolicy, notices: AgentNotices, errorPrefix: String,
        errorSink: @escaping @Sendable (String) -> Void, stray: @escaping @Sendable ([UInt8]) -> [UInt8]?
    ) {
        self.command = command
        self.policy = policy
        self.notices = notices
        self.errorPrefix = errorPrefix
        self.errorSink = errorSink
        self.stray = stray
        // The last one is taken first, so that a pool that is too large does not start what it does not need.
        state = Mutex(State(free: (1...max(1, size)).reversed().map { Slot(number: $0) }))
    }

    /// Sends a line to a free process and takes its lines until the exchange ends; see ``LineProcess/exchange(_:timeLimit:_:)``.
    ///
    /// The time limit starts when a process is there: how long others take is not the agent's doing.
    ///
    /// - Parameter makeLine: makes the line once the process is there.
    func exchange(
        timeLimit: Duration, _ makeLine: @Sendable () -> [UInt8], _ step: @escaping @Sendable ([UInt8]) -> LineProcess.Step
    ) async -> Result<[UInt8], RunProblem> {
        guard var slot = await acquire() else { return .failure(.cancelled) }
        let process: LineProcess
        do throws(RunProblem) {
            process = try await ready(&slot)
        } catch {
            release(slot)
            return .failure(error)
        }
        let result = await process.exchange(makeLine(), timeLimit: timeLimit, step)
        switch result {
        case .failure(let problem) where problem.kind == .agentDied: state.withLock { $0.failures += 1 }
        case .success: state.withLock { $0.failures = 0 }
        case .failure: break
        }
        if !process.isUsable { slot.process = nil }
        release(slot)
        return result
    }

    private func ready(_ slot: inout Slot) async throws(RunProblem) -> LineProcess {
        if let process = slot.process, process.isUsable { return process }
        slot.process = nil
        let failures = state.withLock { $0.failures }
        guard failures < policy.maximumFailures else {
            throw RunProblem(.agentDied, "the process ended \(failures) times in a row; it is not started again")
        }
        let delay = policy.delay(after: failures)
        if delay > .zero { guard (try? await Task.sleep(for: delay)) != nil else { throw .cancelled } }
        if slot.starts > 0 { notices.note(.restart, "process \(slot.number) of \(Excerpt.text(command))") }
        slot.starts += 1
        let relay = ErrorStreamRelay(prefix: "\(errorPrefix)/\(slot.number): ", sink: errorSink)
        let process: LineProcess
        do throws(RunProblem) {
            process = try await LineProcess.start(command, errors: relay, stray: stray)
        } catch {
            state.withLock { $0.failures += 1 }
            throw error
        }
        remember(process)
        // The pool may have been ended while the process was starting.
        guard !state.withLock({ $0.isEnded }) else {
            await process.end()
            throw .cancelled
        }
        slot.process = process
        return process
    }

    private func remember(_ process: LineProcess) {
        state.withLock { $0.alive[ObjectIdentifier(process)] = process }
        process.whenGone { [self] in _ = state.withLock { $0.alive.removeValue(forKey: ObjectIdentifier(process)) } }
    }

    // MARK: places

    /// - Returns: nil when the task was cancelled or the pool ended.
    private func acquire() async -> Slot? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Slot?? = state.withLock { state in
                    if state.isEnded || Task.isCancelled { return .some(nil) }
                    if let slot = state.free.popLast() { return slot }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            continuation?.resume(returning: nil)
        }
    }

    private func release(_ slot: Slot) {
        let next: CheckedContinuation<Slot?, Never>? = state.withLock { state in
            if !state.waiting.isEmpty { return state.waiting.removeFirst().continuation }
            state.free.append(slot)
            return nil
        }
        next?.resume(returning: slot)
    }

    /// Ends all processes and waits until they are gone. Runs under way end as if their process had died.
    func end() async {
        let (processes, waiting) = state.withLock { state in
            state.isEnded = true
            let waiting = state.waiting
            state.waiting = []
            return (Array(state.alive.values), waiting)
        }
        for waiter in waiting { waiter.continuation.resume(returning: nil) }
        await withDiscardingTaskGroup { group in
            for process in processes { group.addTask { await process.end() } }
        }
    }
}
