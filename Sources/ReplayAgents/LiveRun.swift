internal import AgentRuns
internal import Glibc
internal import Replay

/// One run, from its start over all tries to the ``ArmRun`` that it gives.
struct LiveRun {
    private let task: ReplayTask
    private let notices: AgentNotices
    private let started = ContinuousClock.now
    private let startTime = LiveRun.unixNanoseconds()

    init(_ task: ReplayTask, _ notices: AgentNotices) {
        self.task = task
        self.notices = notices
    }

    private static func unixNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(clamping: now.tv_sec) * 1_000_000_000 + UInt64(clamping: now.tv_nsec)
    }

    /// The run as it ended.
    ///
    /// - **Latency**: what the answer says, else the time from sending the request to having the answer, by a clock that
    ///   nobody sets. The agent's word goes first since it alone can leave out what is not its work, such as our transport;
    ///   but one that the time measured belies (``isCredible(stated:measured:)``) does not count, and is a notice
    ///   (``AgentNotices/Kind/understatedLatency``). Two live arms are compared by the time measured.
    /// - **Cost**: what the answer says, but no less than its own input and output tokens are together
    ///   (``AgentNotices/Kind/understatedCost``).
    /// - **Tool calls**: those that were seen, with the results that they got, and after them those that only the answer
    ///   lists, each a notice (``AgentNotices/Kind/unseenCall``): what an agent admits counts.
    /// - **Outcome**: only what the answer says; silence is not success.
    func ended(_ result: Result<AgentAnswer, RunProblem>, _ record: ToolRecord) -> ArmRun {
        let measured = (ContinuousClock.now - started).milliseconds
        switch (result, record.problem) {
        case (.failure(let problem), _), (.success, let problem?):
            var run = task.emptyRun
            run.setToolCalls(record.calls)
            return ArmRun(run: run, problem: problem, tools: record.answers, assumesSuccess: false, startTime: startTime)
        case (.success(let answer), nil):
            var run = answer.run
            correctLatency(of: &run, measured)
            correctCost(of: &run)
            addCalls(to: &run, listsCalls: answer.listsCalls, seen: record.calls)
            run.startTime = startTime
            var arm = ArmRun(run: run, tools: record.answers, assumesSuccess: false, startTime: startTime)
            arm.measuredLatency = measured
            return arm
        }
    }

    private func correctLatency(of run: inout AgentRun, _ measured: Double) {
        if let stated = run.latency?.double, stated < 0 || !Self.isCredible(stated: stated, measured: measured) {
            notices.note(.understatedLatency, runID: task.runID, "\(stated) ms stated, \(measured) ms measured")
            run.latency = nil
        }
        if run.latency == nil { run.latency = .real(measured) }
    }

    private func correctCost(of run: inout AgentRun) {
        guard let stated = run.costTokens, run.inputTokens != nil || run.outputTokens != nil else { return }
        let (sum, overflow) = (run.inputTokens ?? 0).addingReportingOverflow(run.outputTokens ?? 0)
        let parts = RecordedNumber.integer(overflow ? .max : sum)
        guard stated.double < parts.double else { return }
        notices.note(.understatedCost, runID: task.runID, "\(stated.double) tokens stated, \(parts.double) in its parts")
        run.costTokens = parts
    }

    /// Where none was seen, the list stands for itself: there are agents that run their tools themselves.
    private func addCalls(to run: inout AgentRun, listsCalls: Bool, seen: [SeenCall]) {
        let listed = run.toolCalls
        guard !seen.isEmpty else {
            if !listed.isEmpty { notices.note(.listedCallsOnly, runID: task.runID, "\(Numbers.count(listed.count, "call")) listed, none seen") }
            return
        }
        let difference = listsCalls ? run.firstDifference(from: seen) : nil
        run.setToolCalls(seen)
        let unseen = run.unseen(listed)
        run.toolCalls += unseen
        for call in unseen {
            let name = call.name.map { run.string($0) } ?? ""
            notices.note(.unseenCall, runID: task.runID, "a call of \(Excerpt.text(name)) that the answer lists")
        }
        if unseen.isEmpty, let difference { notices.note(.listedCallsDiffer, runID: task.runID, difference) }
    }

    /// Whether a run that took `measured` milliseconds for us may have taken `stated` for the agent: half a second and a tenth
    /// of the time are left to the way there and back. What is stated in excess is the agent's own word against itself.
    static func isCredible(stated: Double, measured: Double) -> Bool { measured - stated <= 500 + measured / 10 }
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }

    /// Whole milliseconds, at least 0.
    var wholeMilliseconds: Int64 { max(0, Int64(clamping: components.seconds).multipliedClamped(by: 1000) + components.attoseconds / 1_000_000_000_000_000) }
}

extension Int64 {
    fileprivate func multipliedClamped(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        // Room is left for what is added.
        return overflow || product > .max / 2 ? .max / 2 : product
    }
}
