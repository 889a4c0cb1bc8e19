internal import AgentRuns
internal import TraceReading

/// Replays recordings against each other: no agent runs, so one thread reads, compares and reports.
public struct RecordingReplay: ~Copyable {
    private let plan: ReplayPlan
    private let rejects: RejectCounter
    private let isStopped: () -> Bool

    /// - Parameter isStopped: asked between traces; once true, the replay ends.
    public init(_ plan: ReplayPlan, rejects: RejectCounter, isStopped: @escaping () -> Bool) {
        self.plan = plan
        self.rejects = rejects
        self.isStopped = isStopped
    }

    /// - Throws: ``InputError`` when a recording cannot be read, and what the observer throws.
    public consuming func run(_ observer: inout some PairObserver) throws -> ReplayEnding {
        let judge = PairJudge(plan.rules)
        let scratch = JudgeScratch()
        var verdict = PairVerdict(baseline: ArmVerdict(), candidate: ArmVerdict())
        let baselines = try RecordedArm(plan.baseline.source, plan, rejects, isStopped: isStopped)
        let candidates = try RecordedArm(plan.candidate.source, plan, rejects, isStopped: isStopped)
        var reader = try RecordingReader(
            path: plan.traces, maximumLine: plan.maximumLine, rejects: rejects, outlines: baselines.isJoined || candidates.isJoined,
            isStopped: isStopped)
        // Filled anew for each trace: they keep their memory, and stay where they are.
        var recorded = ArmRun(run: AgentRun())
        var baseline = ArmRun(run: AgentRun())
        var candidate = ArmRun(run: AgentRun())
        var index = 0
        var ending = ReplayEnding()
        while index < plan.limit ?? .max, let place = try reader.read(into: &recorded.run) {
            if isStopped() { break }
            let pair = PairPlace(line: place.line, index: index, repetition: 0)
            index += 1
            let outline = reader.outline
            try baselines.read(for: recorded.run, outline, into: &baseline)
            try candidates.read(for: recorded.run, outline, into: &candidate)
            if isStopped() {
                // What a signal cut off was not looked for to the end: it is not missing.
                index -= 1
                break
            }
            switch (baselines.isJoined, candidates.isJoined) {
            case (false, false):
                verdict = judge.judge(recording: recorded.run)
                try observer.observe(pair, trace: recorded.run, baseline: recorded, candidate: recorded, verdict: verdict)
            case (false, true):
                judge.judge(recorded.run, baseline: recorded, candidate: candidate, scratch: scratch, into: &verdict)
                try observer.observe(pair, trace: recorded.run, baseline: recorded, candidate: candidate, verdict: verdict)
            case (true, false):
                judge.judge(recorded.run, baseline: baseline, candidate: recorded, scratch: scratch, into: &verdict)
                try observer.observe(pair, trace: recorded.run, baseline: baseline, candidate: recorded, verdict: verdict)
            case (true, true):
                judge.judge(recorded.run, baseline: baseline, candidate: candidate, scratch: scratch, into: &verdict)
                try observer.observe(pair, trace: recorded.run, baseline: baseline, candidate: candidate, verdict: verdict)
            }
        }
        // Also where the signal came while a trace was read, or its run was looked for.
        if isStopped() { ending.partial = "ended by a signal after \(Numbers.count(index, "trace"))" }
        // What a limit or a signal left unread is not missing.
        if ending.partial == nil, plan.limit.map({ index < $0 }) ?? true {
            ending.unmatched = try RecordedArm.unmatched(baselines, candidates)
        }
        return ending
    }
}

/// The runs of an arm that was recorded.
struct RecordedArm {
    private let join: RecordingJoin?
    private let path: String

    init(
        _ source: ArmSource, _ plan: ReplayPlan, _ rejects: RejectCounter, isStopped: @escaping () -> Bool
    ) throws(InputError) {
        guard case .recording(let path) = source else {
            self.path = plan.traces
            join = nil
            return
        }
        self.path = path
        join = try RecordingJoin(path: path, maximumLine: plan.maximumLine, rejects: rejects, isStopped: isStopped)
    }

    var isJoined: Bool { join != nil }

    /// Reads the run that goes with the trace; nothing where the trace is its own recording.
    ///
    /// - Parameter outline: of the trace's line, where it is known.
    func read(
        for trace: borrowing AgentRun, _ outline: borrowing LineOutline = LineOutline(), into arm: inout ArmRun
    ) throws(InputError) {
        guard let join else { return }
        guard try !join.run(for: trace, outline, into: &arm.run) else {
            arm.problem = nil
            return
        }
        arm.run.removeAll()
        arm.problem = RunProblem(
            .noRun, trace.recordedID == nil ? "the trace has no trace_id to find its run by" : "\(path) has no run of this trace")
    }

    /// Reads both recordings to their ends, to see what no trace asked for.
    static func unmatched(
        _ baseline: RecordedArm, _ candidate: RecordedArm
    ) throws(InputError) -> ReplayReport.Unmatched {
        var unmatched = ReplayReport.Unmatched()
        if let (count, examples) = try baseline.join?.finish() {
            unmatched.baseline = count
            unmatched.examples += examples
        }
        if let (count, examples) = try candidate.join?.finish() {
            unmatched.candidate = count
            unmatched.examples += examples
        }
        return unmatched
    }
}
