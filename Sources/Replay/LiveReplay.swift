internal import AgentRuns
internal import RunSpans
internal import TraceReading

/// Replays traces with agents that run: several at once, told in the order of the traces.
public struct LiveReplay: Sendable {
    private let plan: ReplayPlan
    private let judge: PairJudge
    private let identities: ReplayIdentities

    public init(_ plan: ReplayPlan) {
        self.plan = plan
        judge = PairJudge(plan.rules)
        identities = ReplayIdentities(dataset: plan.dataset, replayID: plan.replayID)
    }

    /// A trace with both arms' runs.
    private struct JudgedPair: Sendable {
        var place: PairPlace
        var trace: AgentRun
        var baseline: ArmRun
        var candidate: ArmRun
        var verdict: PairVerdict

        var isCancelled: Bool { baseline.problem?.kind == .cancelled || candidate.problem?.kind == .cancelled }
    }

    private enum Event: Sendable {
        case judged(Int, JudgedPair)
        case stopped
    }

    /// What an arm's run comes from, once the recordings are read.
    private enum Assignment: Sendable {
        case done(ArmRun)
        case agent(any ReplayAgent)
    }

    /// Runs until all traces are replayed or a stop is asked for. Runs under way are then cancelled and not counted.
    ///
    /// - Throws: ``InputError`` when a recording cannot be read, and what the observer throws.
    func run(
        _ observer: inout some PairObserver, rejects: RejectCounter, isStopped: @escaping @Sendable () -> Bool
    ) async throws -> ReplayEnding {
        var ending = ReplayEnding()
        var reader = try RecordingReader(path: plan.traces, maximumLine: plan.maximumLine, rejects: rejects, isStopped: isStopped)
        let baselines = try RecordedArm(plan.baseline.source, plan, rejects, isStopped: isStopped)
        let candidates = try RecordedArm(plan.candidate.source, plan, rejects, isStopped: isStopped)
        var queue: [(PairPlace, AgentRun, Assignment, Assignment)] = []
        var index = 0
        var isAtEnd = false
        var started = 0
        var told = 0
        var wasStopped = false
        var finished: [Int: JudgedPair] = [:]
        try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask {
                // Often enough for a person who waits.
                while !isStopped(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(50)) }
                return .stopped
            }
            while true {
                while started - told < maximumAhead, started - told - finished.count < pairsAtOnce, !wasStopped {
                    if queue.isEmpty, !isAtEnd {
                        var trace = AgentRun()
                        guard index < plan.limit ?? .max, let place = try reader.read(into: &trace) else {
                            isAtEnd = true
                            break
                        }
                        var (first, second) = (ArmRun(run: AgentRun()), ArmRun(run: AgentRun()))
                        try baselines.read(for: trace, into: &first)
                        try candidates.read(for: trace, into: &second)
                        guard !isStopped() else {
                            // What a signal cut off was not looked for to the end: it is not missing.
                            wasStopped = true
                            break
                        }
                        let baseline = Self.assignment(plan.baseline.source, trace, first)
                        let candidate = Self.assignment(plan.candidate.source, trace, second)
                        for repetition in 0..<max(1, plan.repetitions) {
                            queue.append(
                                (PairPlace(line: place.line, index: index, repetition: repetition), trace, baseline, candidate))
                        }
                        index += 1
                    }
                    guard !queue.isEmpty else { break }
                    let (place, trace, baseline, candidate) = queue.removeFirst()
                    let number = started
                    started += 1
                    group.addTask { .judged(number, await replay(place, trace, baseline, candidate)) }
                }
                guard told < started, let event = try await group.next() else { break }
                guard case .judged(let number, let pair) = event else {
                    wasStopped = true
                    group.cancelAll()
                    continue
                }
                finished[number] = pair
                while var next = finished.removeValue(forKey: told) {
                    told += 1
                    if next.isCancelled {
                        ending.cancelled += 1
                        continue
                    }
                    // Counted as late as can be: such a call comes when its run is over.
                    let late = (lateCalls(plan.baseline.source, .baseline, next), lateCalls(plan.candidate.source, .candidate, next))
                    next.baseline.tools?.late = late.0
                    next.candidate.tools?.late = late.1
                    try observer.observe(
                        next.place, trace: next.trace, baseline: next.baseline, candidate: next.candidate, verdict: next.verdict)
                }
            }
            group.cancelAll()
        }
        if wasStopped {
            ending.partial = "ended by a signal after \(Numbers.count(told - ending.cancelled, "run")); "
                + "\(Numbers.count(ending.cancelled)) \(ending.cancelled == 1 ? "was" : "were") under way, and "
                + (isAtEnd && queue.isEmpty ? "none was left" : "the others were not begun")
        } else if isAtEnd, plan.limit.map({ index < $0 }) ?? true {
            ending.unmatched = try RecordedArm.unmatched(baselines, candidates)
        }
        return ending
    }

    /// Pairs under way at once.
    private var pairsAtOnce: Int {
        let live = (plan.baseline.source.isLive ? 1 : 0) + (plan.candidate.source.isLive ? 1 : 0)
        return max(1, plan.concurrency / max(1, live))
    }

    /// Pairs that may be finished or under way behind one that is not: a slow run must not hold the others up, and memory
    /// must stay bounded.
    private var maximumAhead: Int { pairsAtOnce * 8 + 64 }

    private static func assignment(_ source: ArmSource, _ trace: AgentRun, _ joined: ArmRun) -> Assignment {
        switch source {
        case .recorded: .done(ArmRun(run: trace))
        case .recording: .done(joined)
        case .agent(let agent): .agent(agent)
        }
    }

    private func replay(
        _ place: PairPlace, _ trace: AgentRun, _ baseline: Assignment, _ candidate: Assignment
    ) async -> JudgedPair {
        async let first = arm(baseline, .baseline, plan.baseline.version, place, trace)
        async let second = arm(candidate, .candidate, plan.candidate.version, place, trace)
        let (a, b) = await (first, second)
        async let baselineScores = scores(a, of: trace)
        async let candidateScores = scores(b, of: trace)
        let (aScores, bScores) = await (baselineScores, candidateScores)
        let verdict = judge.judge(trace, baseline: a, candidate: b, baselineScores: aScores, candidateScores: bScores)
        return JudgedPair(place: place, trace: trace, baseline: a, candidate: b, verdict: verdict)
    }

    private func arm(
        _ assignment: Assignment, _ role: RunRole, _ version: String, _ place: PairPlace, _ trace: AgentRun
    ) async -> ArmRun {
        switch assignment {
        case .done(let run): return run
        case .agent(let agent):
            let identity = identities.identity(of: trace, place, role)
            let span = identity.runSpanID.hex
            return await agent.run(
                ReplayTask(
                    trace: trace, role: role, runID: span, replayID: plan.replayID, repetition: place.repetition,
                    version: version, traceParent: "00-\(identity.traceID.hex)-\(span)-03", timeLimit: plan.timeLimit))
        }
    }

    private func lateCalls(_ source: ArmSource, _ role: RunRole, _ pair: JudgedPair) -> Int {
        guard case .agent(let agent) = source else { return 0 }
        return agent.lateCalls(ofRun: identities.identity(of: pair.trace, pair.place, role).runSpanID.hex)
    }

    private func scores(_ arm: ArmRun, of trace: AgentRun) async -> PairJudge.Scores {
        guard arm.problem == nil else { return [:] }
        var scores: PairJudge.Scores = [:]
        for (name, evaluator) in plan.evaluators { scores[name] = await evaluator.score(arm.run, of: trace) }
        return scores
    }
}
