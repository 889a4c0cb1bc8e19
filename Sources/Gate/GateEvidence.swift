public import AgentRuns
public import Replay
internal import StrictYAML

/// What a gate judges by, collected from the pairs as they come.
///
/// For each trace it keeps how often the arms passed, a hash of its id, and for each compared metric two numbers: 60 bytes or so.
public struct GateEvidence: PairObserver {
    public private(set) var tally = ReplayTally()
    public private(set) var slices: [ReplayTally]
    /// What thresholds are held against.
    private(set) var counts = TraceCounts()
    private(set) var sliceCounts: [TraceCounts]
    /// Candidates' runs that ended in a problem.
    public private(set) var problems = 0
    /// Traces that failed and that the comparison of pass rates leaves out, such as where the baseline's run had nothing that
    /// could fail.
    public private(set) var uncomparedFailures = 0
    /// Tools of the candidate's release that neither a recording nor a run has called so far.
    public var unexercisedTools: [String] { unexercised.map { String(decoding: $0, as: UTF8.self) } }

    /// Tools that the checks name and nothing else does, with what may have been meant.
    public var unknownTools: [(name: String, nearest: String?)] {
        let known = knownTools.map { String(decoding: $0, as: UTF8.self) }
        return unknown.map { String(decoding: $0, as: UTF8.self) }.map { ($0, NearestWord.of($0, among: known)) }
    }

    /// Trace K in all of them: what it came to over its repetitions.
    private(set) var traces: [TraceOutcome] = []
    /// Ids of the traces that were flaky, with how often they passed; the first hundred.
    private(set) var flaky: [(traceID: String, passed: Int)] = []
    private(set) var flakyCount = 0
    /// nil where the policy does not compare them.
    private var latencies: PairedSamples?
    private var costs: PairedSamples?

    private let rules: [GatePolicy.SliceRule]
    /// The ids of the traces so far, by keyed fingerprints: another line of the same trace is no further evidence.
    private var seen = FingerprintSet()
    private var current = RunningTrace()
    /// Names of tools, as UTF-8.
    private var unexercised: [[UInt8]]
    private var unknown: [[UInt8]]
    /// Of those that were seen while something was unknown.
    private var knownTools: Set<[UInt8]>
    private static let maximumKnownTools = 200
    private static let maximumExamples = 10

    /// How often each arm passed a trace.
    struct TraceOutcome {
        var baselinePassed: Int32
        var candidatePassed: Int32
        var repetitions: Int32
        /// Whether every run of both arms could have failed, and no other line of the trace was taken before.
        var isComparable = true
    }

    /// Values of both arms for the same traces.
    public struct PairedSamples: Sendable {
        public var baseline: [Double] = []
        public var candidate: [Double] = []
        /// Traces where the baseline reported the value and the candidate did not.
        public var unreportedByCandidate = 0

        /// Repetitions of a trace are not independent: their mean is one value.
        fileprivate mutating func note(_ sum: PairSum) {
            if sum.isLost { unreportedByCandidate += 1 }
            guard sum.count > 0 else { return }
            baseline.append(sum.baseline / Double(sum.count))
            candidate.append(sum.candidate / Double(sum.count))
        }
    }

    /// The trace whose repetitions are coming in.
    private struct RunningTrace {
        /// nil where none is.
        var index: Int?
        /// Of the id; nil where the trace has none.
        var fingerprint: UInt64?
        /// The id's UTF-8, from the second repetition on: only what is repeated can be flaky, and is told by its name then.
        var id: [UInt8]?
        var line = 0
        var outcome = TraceOutcome(baselinePassed: 0, candidatePassed: 0, repetitions: 0)
        var latency = PairSum()
        var cost = PairSum()
        var marks = TraceMarks()
        /// Places of the slices that it belongs to.
        var slices: [Int] = []
    }

    fileprivate struct PairSum {
        var baseline = 0.0
        var candidate = 0.0
        var count = 0
        var isLost = false
        /// Whether a run that there was does not state its value.
        var isUnstated = false

        /// Neither a time nor a cost can be negative: one that is was not measured.
        ///
        /// - Parameter hasRun: whether there was a run that could have stated `b`.
        mutating func add(_ a: Double?, _ b: Double?, hasRun: Bool) {
            guard let a, a.isFinite, a >= 0 else { return }
            guard hasRun, let b, b.isFinite, b >= 0 else {
                isLost = true
                isUnstated = isUnstated || hasRun
                return
            }
            baseline += a
            candidate += b
            count += 1
        }
    }

    public init(_ policy: GatePolicy) {
        rules = policy.slices
        unexercised = policy.releaseTools.map { Array($0.utf8) }
        knownTools = Set(policy.releaseTools.map { Array($0.utf8) })
        unknown = []
        for name in policy.checkedTools.map({ Array($0.utf8) }) where !knownTools.contains(name) && !unknown.contains(name) {
            unknown.append(name)
        }
        slices = Array(repeating: ReplayTally(), count: policy.slices.count)
        sliceCounts = Array(repeating: TraceCounts(), count: policy.slices.count)
        for measure in policy.comparison.measures {
            switch measure.name {
            case .latency: latencies = PairedSamples()
            case .cost: costs = PairedSamples()
            }
        }
    }

    /// The values of a metric; nil where the policy does not compare them.
    func samples(of name: GatePolicy.Measure.Name) -> PairedSamples? {
        switch name {
        case .latency: latencies
        case .cost: costs
        }
    }

    public mutating func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) {
        if !tally.add(verdict) { noteUnpaired(place, trace) }
        if verdict.candidate.hasProblem { problems += 1 }
        noteTools(trace)
        noteTools(candidate.run)
        if current.index != place.index {
            finishTrace()
            start(place, trace)
        } else if current.id == nil {
            current.id = trace.recordedID.map { Array(trace.storage[$0.range]) }
        }
        for i in current.slices { slices[i].add(verdict) }
        current.marks.note(verdict)
        current.outcome.repetitions += 1
        current.outcome.baselinePassed += verdict.baseline.passed ? 1 : 0
        current.outcome.candidatePassed += verdict.candidate.passed ? 1 : 0
        guard !verdict.baseline.hasProblem else { return }
        let hasRun = !verdict.candidate.hasProblem
        let times = ArmRun.comparedLatencies(baseline, candidate)
        current.latency.add(times.baseline, times.candidate, hasRun: hasRun)
        current.cost.add(baseline.run.costTokens?.double, candidate.run.costTokens?.double, hasRun: hasRun)
    }

    /// Call it once, after the last pair.
    public mutating func finish() { finishTrace() }

    private mutating func noteUnpaired(_ place: PairPlace, _ trace: borrowing AgentRun) {
        guard tally.unpaired.examples.count < Self.maximumExamples else { return }
        let name = trace.recordedID.map { trace.string($0) } ?? "line \(place.line)"
        // The repetitions of a trace come one after the other.
        if tally.unpaired.examples.last != name { tally.unpaired.examples.append(name) }
    }

    private mutating func start(_ place: PairPlace, _ trace: borrowing AgentRun) {
        var next = RunningTrace(index: place.index, line: place.line)
        if let id = trace.recordedID {
            let fingerprint = trace.storage.withUnsafeBytes { Self.fingerprint(of: UnsafeRawBufferPointer(rebasing: $0[id.range])) }
            next.fingerprint = fingerprint
            // It is inserted when the next trace has been read.
            seen.prepare(fingerprint)
        }
        for i in rules.indices where rules[i].slice.contains(trace) { next.slices.append(i) }
        current = next
    }

    private mutating func finishTrace() {
        guard current.index != nil else { return }
        current.index = nil
        var isCopy = false
        if let fingerprint = current.fingerprint { isCopy = !seen.insert(fingerprint) }
        current.outcome.isComparable = current.marks.isComparable && !isCopy
        let outcome = current.outcome
        if !outcome.isComparable, outcome.candidatePassed < outcome.repetitions { uncomparedFailures += 1 }
        current.marks.hidesLatency = current.latency.isUnstated
        current.marks.hidesCost = current.cost.isUnstated
        traces.append(outcome)
        counts.add(current.marks, isCopy: isCopy)
        for i in current.slices { sliceCounts[i].add(current.marks, isCopy: isCopy) }
        if outcome.candidatePassed > 0, outcome.candidatePassed < outcome.repetitions {
            flakyCount += 1
            let name = current.id.map { String(decoding: $0, as: UTF8.self) } ?? "line \(current.line)"
            if flaky.count < 100 { flaky.append((name, Int(outcome.candidatePassed))) }
        }
        guard !isCopy else { return }
        latencies?.note(current.latency)
        costs?.note(current.cost)
    }

    /// By the keyed hash of the standard library: whoever writes ids cannot make two of them one.
    private static func fingerprint(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    private mutating func noteTools(_ run: borrowing AgentRun) {
        guard !unexercised.isEmpty || !unknown.isEmpty else { return }
        for call in run.toolCalls {
            guard let name = call.name else { continue }
            unexercised.removeAll { run.storage[name.range].elementsEqual($0) }
            noteKnown(run.storage[name.range])
        }
        for name in run.allowedTools ?? [] { noteKnown(run.storage[name.range]) }
    }

    private mutating func noteKnown(_ name: ArraySlice<UInt8>) {
        guard !unknown.isEmpty else { return }
        unknown.removeAll { name.elementsEqual($0) }
        if knownTools.count < Self.maximumKnownTools { knownTools.insert(Array(name)) }
    }
}
