import AgentRuns
import Ledger
import RunSpans
import Threads

/// Records the tool calls of runs that were recorded elsewhere, whole runs at a time.
final class AuditRecorder: Sendable {
    struct Tally: Sendable {
        var entries = 0
        /// Runs that the ledger had already.
        var known = 0
        /// The last entry's number.
        var last: EntryNumber = 0

        /// What became of ``known`` runs of a collection, for people.
        var knownRuns: String {
            "the tool calls of \(Readable.count(known, "run")) were in the ledger already, under the same ids, and were not recorded again; "
                + "if they are other runs, name their collection: --dataset, and --rehash where they have W3C ids"
        }
    }

    private struct State {
        var ledger: LedgerMaintenance
        var waiting: [LedgerRecord] = []
        var tally = Tally()
        var problem: (any Error)?
    }

    private let state: Monitor<State>
    private let mapping: RunMapping
    private let batch: Int
    private let stop: StopFlag
    private let onDurable: @Sendable (EntryNumber) -> Void

    /// - Parameters:
    ///   - stop: set when the ledger cannot be written, so that nothing more is read.
    ///   - onDurable: told the number of entries after each transaction.
    init(
        _ ledger: LedgerMaintenance, _ mapping: RunMapping, batch: Int, stop: StopFlag,
        onDurable: @escaping @Sendable (EntryNumber) -> Void = { _ in }
    ) {
        state = Monitor(State(ledger: ledger))
        self.mapping = mapping
        self.batch = batch
        self.stop = stop
        self.onDurable = onDurable
    }

    /// Records a run's calls, waiting for the disk when enough have come together.
    ///
    /// - Parameters:
    ///   - mapping: which arm and release the run is of, where not all runs are of the same.
    ///   - requestID: what runs of different arms that belong together share.
    func record(_ run: borrowing AgentRun, _ placement: RunPlacement, _ mapping: RunMapping? = nil, requestID: String = "") {
        guard !run.toolCalls.isEmpty else { return }
        let records = records(run, placement, mapping ?? self.mapping, requestID)
        state.withLock { state in
            guard state.problem == nil else { return }
            do {
                if try state.ledger.contains(placement.identity.traceID) {
                    state.tally.known += 1
                    return
                }
                state.waiting += records
                if state.waiting.count >= batch { try write(&state) }
            } catch {
                state.problem = error
                stop.set()
            }
        }
    }

    /// Records the rest, and makes a checkpoint.
    ///
    /// - Throws: what kept any of the entries from being recorded.
    func finish() throws -> Tally {
        try state.withLock { state in
            if let problem = state.problem { throw problem }
            try write(&state)
            _ = try state.ledger.checkpoint()
            state.tally.last = state.ledger.count
            return state.tally
        }
    }

    private func write(_ state: inout State) throws {
        guard !state.waiting.isEmpty else { return }
        let last = try state.ledger.append(state.waiting)
        state.tally.entries += state.waiting.count
        state.waiting.removeAll()
        onDurable(last)
    }

    private func records(
        _ run: borrowing AgentRun, _ placement: RunPlacement, _ mapping: RunMapping, _ requestID: String
    ) -> [LedgerRecord] {
        let allowed = run.allowedTools.map { tools in Set(tools.map { run.string($0) }) }
        let times = placement.timeline.calls(of: run)
        let redactor = mapping.capture == .full ? TextRedactor(mapping.redaction) : nil
        return run.toolCalls.indices.map { k in
            let call = run.toolCalls[k]
            var entry = LedgerEntry(.call, time: times[k].start)
            entry.traceID = placement.identity.traceID
            entry.spanID = placement.identity.callSpanID(k)
            entry.runID = placement.recordedID ?? run.recordedID.map { run.string($0) } ?? ""
            entry.arm = mapping.role
            entry.mode = mapping.mode
            entry.agent = run.agent.map { run.string($0) } ?? mapping.agentName ?? ""
            entry.releaseVersion = mapping.release?.version ?? run.version.map { run.string($0) } ?? mapping.agentVersion ?? ""
            entry.releaseDigest = mapping.release?.digest ?? ""
            entry.tool = call.name.map { run.string($0) } ?? ""
            entry.requestID = requestID
            // It was called, whatever its list said then; in a replay it was answered from a recording.
            entry.verdict = mapping.mode == .replay ? .replayed : .allowed
            if let allowed, !allowed.contains(entry.tool) { entry.reason = "not on the run's list of tools" }
            entry.duration = times[k].duration
            entry.outcome = call.result.map { $0.success ? .success : .error } ?? .unknown
            func content(_ content: Content?) -> LedgerRecord.Content? {
                guard let content else { return nil }
                let text = run.string(content.text)
                return LedgerRecord.Content(Array(text.utf8), kept: redactor.map { Array($0.redacted(text).utf8) })
            }
            return LedgerRecord(
                entry, arguments: content(call.arguments), result: content(call.result?.content ?? call.result?.error))
        }
    }
}
