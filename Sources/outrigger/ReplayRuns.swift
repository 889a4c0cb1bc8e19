import AgentRuns
import Replay
import RunSpans
import RunStore

/// Keeps both arms' runs of a replay in a run store, under the ids of their spans.
final class ReplayRuns {
    private let keeping: RunKeeping
    private let setup: ReplaySetup
    private let agent: String
    private let identities: ReplayIdentities
    private let fallbackTime: UInt64
    private let isExported: Bool
    private var waiting = 0

    /// A transaction for so many pairs.
    private static let batch = 500

    /// - Returns: nil when nothing is to be kept.
    /// - Throws: `RunStoreError` for a file that is no store, or that another process writes.
    init?(_ flags: ReplayFlags, _ setup: ReplaySetup, isExported: Bool) throws {
        guard let path = flags.reporting.runs else { return nil }
        keeping = RunKeeping(
            try RunStoreWriter(path), redaction: try ExportSetup.redaction(flags.mapping), keepsContent: flags.mapping.capture == .full)
        self.setup = setup
        self.isExported = isExported
        agent = flags.mapping.agentName ?? ""
        identities = ReplayIdentities(dataset: setup.plan.dataset, replayID: setup.plan.replayID)
        fallbackTime = ReplayExport.fallbackTime(setup.plan.traces)
    }

    func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) {
        let first = run(place, trace, baseline, verdict.baseline, .baseline)
        if let first { keeping.store.add(first) }
        if var second = run(place, trace, candidate, verdict.candidate, .candidate) {
            let id = identities.identity(of: trace, place, .baseline)
            second.pair = .init(traceID: id.traceID, spanID: id.runSpanID)
            keeping.store.add(second)
        }
        waiting += 1
        guard waiting >= Self.batch else { return }
        keeping.store.commit()
        waiting = 0
    }

    private func run(
        _ place: PairPlace, _ trace: borrowing AgentRun, _ arm: borrowing ArmRun, _ verdict: borrowing ArmVerdict, _ role: RunRole
    ) -> StoredRun? {
        guard arm.problem?.kind != .noRun else { return nil }
        let identity = identities.identity(of: trace, place, role)
        var run = StoredRun(
            traceID: identity.traceID, spanID: identity.runSpanID, role: role, mode: .replay,
            started: arm.startTime ?? arm.run.startTime ?? trace.startTime ?? fallbackTime)
        run.duration = arm.run.latency?.millisecondsAsNanoseconds
        run.requestID = "replay:\(setup.plan.replayID):\(place.index):\(place.repetition)"
        run.recordedID = trace.recordedID.map { trace.string($0) } ?? "line:\(place.line)"
        run.replayID = setup.plan.replayID
        run.agent = arm.run.agent.map { arm.run.string($0) } ?? agent
        let version = role == .baseline ? setup.baseline : setup.candidate
        run.releaseVersion = version.version
        run.releaseDigest = version.digest ?? ""
        run.errorType = arm.problem?.kind.rawValue
        run.passed = verdict.passed
        run.reasons = verdict.reasons.map(\.name)
        run.isExported = isExported
        keeping.fill(&run, from: arm.run)
        return run
    }

    /// - Returns: what a reader must know of the store; nil when all that was ever stored there is in it.
    /// - Throws: what kept any of the runs from being stored.
    func finish() throws -> String? {
        keeping.store.commit()
        let counts = keeping.store.counts
        guard counts.lost == 0 else {
            let reason = counts.problem.map { "\($0)" } ?? "the run store \(keeping.store.path) could not be written for a while"
            throw UsageError("\(reason); \(Readable.count(counts.lost, "run")) of the replay are not in it")
        }
        return Self.note(counts, path: keeping.store.path)
    }

    private static func note(_ counts: RunStoreWriter.Counts, path: String) -> String? {
        guard counts.removed > 0 else { return nil }
        let bounds = RunStoreWriter.Retention()
        let taken =
            "the run store \(path) holds \(Readable.count(bounds.runs, "run")), \(bounds.bytes >> 20) MiB and \(bounds.age / 86_400) days: "
            + "\(Readable.count(counts.removed, "run")) had to go"
        guard counts.removedOwn > 0 else {
            return taken + ", all of them of earlier replays; to keep those, give each replay a store of its own"
        }
        return taken + ", \(Readable.count(counts.removedOwn)) of them the first of this replay; to keep all, replay the traces in parts, "
            + "each into a store of its own: correlate reads several"
    }
}
