public import AgentRuns

/// Decides whether runs are as they should be. It only looks: the same runs give the same verdict.
public struct PairJudge: Sendable {
    public let rules: ReplayRules

    public init(_ rules: ReplayRules) { self.rules = rules }

    /// Scores that evaluators gave one run.
    public typealias Scores = [EvaluatorName: EvaluatorScore]

    /// Judges both arms' runs of one trace.
    ///
    /// - Parameter trace: the recording, which says what is allowed and expected.
    public func judge(
        _ trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        baselineScores: Scores = [:], candidateScores: Scores = [:]
    ) -> PairVerdict {
        var verdict = PairVerdict(baseline: ArmVerdict(), candidate: ArmVerdict())
        judge(trace, baseline: baseline, candidate: candidate, baselineScores, candidateScores, scratch: nil, into: &verdict)
        return verdict
    }

    /// The same for one pair after the other.
    ///
    /// - Parameters:
    ///   - scratch: the memory of the pairs before; nil makes some where it is needed.
    ///   - verdict: that of the pair before, which this one takes the place of.
    func judge(
        _ trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun, _ baselineScores: Scores = [:],
        _ candidateScores: Scores = [:], scratch: JudgeScratch?, into verdict: inout PairVerdict
    ) {
        verdict.removeAll()
        judge(trace, baseline, baselineScores, &verdict.baseline)
        judge(trace, candidate, candidateScores, &verdict.candidate)
        guard baseline.problem == nil, candidate.problem == nil else { return }
        noteLostEvidence(&verdict, baseline, candidate)
        let changes = ToolCallDiff.changes(from: baseline.run, to: candidate.run, scratch ?? JudgeScratch())
        // Most pairs have none: then there is no rule to look up, and no loop.
        guard !changes.isEmpty else {
            verdict.isIdentical = baseline.run.isEqual(to: candidate.run)
            return
        }
        verdict.toolChanges = changes
        for kind in ToolCallChange.Kind.allCases where rules.failOn.contains(kind) {
            if changes.contains(where: { $0.kind == kind }) { verdict.candidate.reasons.append(.toolCalls(kind)) }
        }
        addLoops(&verdict, baseline.run, candidate.run, scratch)
    }

    /// Judges a recording that both arms share: it differs from itself in nothing.
    public func judge(recording trace: borrowing AgentRun) -> PairVerdict {
        var verdict = ArmVerdict()
        judge(trace, trace, problem: nil, assumesSuccess: true, [:], &verdict)
        return PairVerdict(baseline: verdict, candidate: verdict, isIdentical: true)
    }

    private func judge(
        _ trace: borrowing AgentRun, _ arm: borrowing ArmRun, _ scores: Scores, _ verdict: inout ArmVerdict
    ) {
        judge(trace, arm.run, problem: arm.problem?.kind, assumesSuccess: arm.assumesSuccess, scores, &verdict)
    }

    private func judge(
        _ trace: borrowing AgentRun, _ run: borrowing AgentRun, problem: RunProblem.Kind?, assumesSuccess: Bool, _ scores: Scores,
        _ verdict: inout ArmVerdict
    ) {
        if let problem {
            verdict.reasons.append(.problem(problem))
            verdict.hadExpectation = true
            return
        }
        judgeOutcome(trace, run, assumesSuccess, &verdict)
        judgeTools(trace, run, &verdict)
        judgeBudgets(run, &verdict)
        for check in rules.checks where check.slice.contains(trace) {
            switch check.evaluate(run, scores: scores) {
            case .judged(let result):
                verdict.hadExpectation = true
                if !result.passed { verdict.reasons.append(.check(check.name)) }
                verdict.checks.append(result)
            case .notApplied: break
            case .untold(let result): verdict.untold.append(result)
            case .unscored(let result): verdict.unscored.append(result)
            }
        }
    }

    /// What the baseline's run let be judged and the candidate's does not: a candidate must not pass by saying less.
    private func noteLostEvidence(
        _ verdict: inout PairVerdict, _ baseline: borrowing ArmRun, _ candidate: borrowing ArmRun
    ) {
        let lost = verdict.candidate.untold.first { check in verdict.baseline.checks.contains { $0.name == check.name } }
        if let lost {
            verdict.lostEvidence = "check \(lost.name): \(lost.evidence)"
        } else if baseline.run.statesOutcome, !candidate.run.statesOutcome, candidate.canStateOutcome {
            verdict.lostEvidence = "the run states no outcome"
        } else if verdict.baseline.hadExpectation, !verdict.candidate.hadExpectation {
            verdict.lostEvidence = "the run states no outcome, and no check could be applied to it"
        }
    }

    /// A run must end as the trace expects, or else with `success`.
    private func judgeOutcome(
        _ trace: borrowing AgentRun, _ run: borrowing AgentRun, _ assumesSuccess: Bool, _ verdict: inout ArmVerdict
    ) {
        guard run.statesOutcome || assumesSuccess else { return }
        verdict.hadExpectation = verdict.hadExpectation || run.statesOutcome
        let matches: Bool
        switch (trace.expectedOutcome, run.outcome) {
        case (let expected?, let outcome?):
            matches = run.text(outcome, equals: expected, of: trace)
        case (let expected?, nil): matches = !run.statesNoOutcome && trace.text(expected, equals: "success")
        case (nil, let outcome?): matches = run.text(outcome, equals: "success")
        case (nil, nil): matches = !run.statesNoOutcome
        }
        if !matches { verdict.reasons.append(.outcome) }
    }

    private func judgeTools(_ trace: borrowing AgentRun, _ run: borrowing AgentRun, _ verdict: inout ArmVerdict) {
        verdict.hadAllowList = trace.allowedTools != nil || rules.allowedTools != nil
        if let allowed = trace.allowedTools {
            verdict.misusedCall = run.toolCalls.firstIndex { call in
                guard let name = call.name else { return true }
                return !allowed.contains { trace.text($0, equals: name, of: run) }
            }
        } else if let allowed = rules.allowedTools {
            verdict.misusedCall = run.toolCalls.firstIndex { !allowed.contains(run.name(of: $0)) }
        }
        if verdict.misusedCall != nil { verdict.reasons.append(.toolMisuse) }
    }

    /// A negative time or cost is none.
    private func judgeBudgets(_ run: borrowing AgentRun, _ verdict: inout ArmVerdict) {
        if let latency = run.latency?.double {
            if latency >= 0 { verdict.hadMeasure = true }
            if latency > rules.maxLatency { verdict.reasons.append(.latency) }
        }
        if let cost = run.costTokens?.double {
            if cost >= 0 { verdict.hadMeasure = true }
            if cost > rules.maxCost { verdict.reasons.append(.cost) }
        }
    }

    /// A loop counts against an arm only where the other does not repeat itself as often: polling is no loop.
    private func addLoops(
        _ verdict: inout PairVerdict, _ baseline: borrowing AgentRun, _ candidate: borrowing AgentRun, _ scratch: JudgeScratch?
    ) {
        guard max(baseline.toolCalls.count, candidate.toolCalls.count) > rules.maxRepetitions else { return }
        let scratch = scratch ?? JudgeScratch()
        let keys = ToolCallKeys(baseline, candidate, &scratch.reader)
        let a = LoopDetector.longestLoop(in: keys.baseline, limit: rules.maxRepetitions)
        let b = LoopDetector.longestLoop(in: keys.candidate, limit: rules.maxRepetitions)
        if let a, a.repetitions > b?.repetitions ?? 0 {
            verdict.baseline.loop = a
            verdict.baseline.reasons.append(.loop)
        }
        if let b, b.repetitions > a?.repetitions ?? 0 {
            verdict.candidate.loop = b
            verdict.candidate.reasons.append(.loop)
        }
    }
}

extension AgentRun {
    /// Whether it says how it ended, be it that there was no outcome.
    fileprivate var statesOutcome: Bool { outcome != nil || statesNoOutcome }

    /// Whether all that is compared beside the tool calls is the same.
    func isEqual(to other: borrowing AgentRun) -> Bool {
        latency?.double == other.latency?.double && costTokens?.double == other.costTokens?.double
            && bytesEqual(outcome, other, other.outcome) && isResponseEqual(to: other)
    }

    /// Whether both responses are missing, or say the same however their JSON is spelt.
    private func isResponseEqual(to other: borrowing AgentRun) -> Bool {
        guard let response, let otherResponse = other.response else { return response == nil && other.response == nil }
        guard response.form == otherResponse.form else { return false }
        return bytesEqual(response.text, other, otherResponse.text)
            || response.form == .json && canonicalBytes(of: response) == other.canonicalBytes(of: otherResponse)
    }
}
