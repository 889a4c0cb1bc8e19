import AgentRuns
import LiveRuns
import LiveSpans
import RunSpans
import RunStore
import SidecarConfiguration
import Synchronization

/// The sidecar's run store: each run that it routed, with its partner where it had one, for `outrigger correlate`.
final class SidecarRuns: RunKeeper {
    private let keeping: RunKeeping
    private let agent: String
    private let releases: [RunRole: RunMapping.Release]
    /// The problem that was told of last.
    private let told = Mutex<String?>(nil)
    /// - Returns: nil where none is configured.
    /// - Throws: `RunStoreError` for a file that is no store, or that another process writes.
    static func start(
        _ configuration: SidecarConfiguration, _ mapping: RunMapping, _ releases: [RunRole: RunMapping.Release]
    ) throws -> SidecarRuns? {
        guard let wanted = configuration.runs else { return nil }
        var retention = RunStoreWriter.Retention()
        retention.runs = wanted.maximumRuns ?? retention.runs
        retention.age = wanted.maximumAge.map { UInt64(max(1, $0.components.seconds)) } ?? retention.age
        retention.bytes = wanted.maximumBytes ?? retention.bytes
        let store = try RunStoreWriter(wanted.file, retention)
        return SidecarRuns(
            RunKeeping(store, redaction: mapping.redaction, keepsContent: wanted.capture == .full), mapping, releases)
    }

    private init(_ keeping: RunKeeping, _ mapping: RunMapping, _ releases: [RunRole: RunMapping.Release]) {
        self.keeping = keeping
        self.releases = releases
        agent = mapping.agentName ?? ""
    }

    var counts: RunStoreWriter.Counts { keeping.store.counts }

    /// Has old runs go also while no new ones come; and says when the store cannot be written any more, and when it can be again.
    func watch(_ talker: Talker) {
        keeping.store.prune()
        let counts = keeping.store.counts
        let problem =
            counts.problem.map { "\($0); runs are missing from it, and requests go on" }
            ?? counts.pruningProblem.map { "\($0); runs stay in it for longer than they should, and requests go on" }
        let isNew = told.withLock { told in
            defer { told = problem }
            return told != problem
        }
        guard isNew else { return }
        if let problem {
            talker.warn(problem)
        } else {
            talker.say("the run store is written again")
        }
    }

    func keep(_ exchange: Exchange, _ live: LiveRun, isExported: Bool) {
        let times = exchange.times.inOrder
        var run = StoredRun(
            traceID: exchange.trace.traceID, spanID: exchange.trace.runSpanID, role: exchange.role, mode: exchange.mode,
            started: times.begun)
        run.duration = times.ended - times.begun
        run.requestID = exchange.requestID
        run.agent = live.run.agent.map { live.run.string($0) } ?? agent
        run.releaseVersion = releases[exchange.role]?.version ?? ""
        run.releaseDigest = releases[exchange.role]?.digest ?? ""
        run.rolloutID = exchange.decision.rolloutID
        run.rolloutRevision = exchange.decision.revision
        run.stage = exchange.decision.stage ?? ""
        run.fallback = exchange.decision.fallback ?? ""
        run.status = exchange.response?.status
        // As on its span.
        run.errorType = exchange.failure?.type ?? run.status.flatMap { $0 >= 500 ? String($0) : nil } ?? live.failure?.type
        run.isExported = isExported
        run.pair = exchange.served.map { .init(traceID: $0.traceID, spanID: $0.spanID) }
        run.divergence = exchange.divergence.map { .init(index: $0.index, tool: $0.tool, kind: $0.kind.rawValue) }
        keeping.fill(&run, from: live.run)
        keeping.store.add(run)
    }

    func commit() { keeping.store.commit() }
}
