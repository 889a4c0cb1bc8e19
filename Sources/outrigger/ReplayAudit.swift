import AgentRuns
import Ledger
import Replay
import RunSpans
import Threads

/// Records both arms' tool calls of a replay in a ledger, under the ids of their spans. The two runs of a trace share a request
/// id, so that `outrigger audit trace` shows them beside each other.
struct ReplayAudit {
    private let recorder: AuditRecorder
    private let identities: ReplayIdentities
    private let mappings: [RunRole: RunMapping]
    private let replayID: String
    private let fallbackTime: UInt64

    /// - Parameter stop: set when the ledger cannot be written.
    /// - Returns: nil when nothing is to be recorded.
    init?(_ flags: ReplayFlags, _ setup: ReplaySetup, _ stop: StopFlag) throws {
        guard let path = flags.reporting.audit else { return nil }
        let capture = RunMapping.Capture(rawValue: flags.mapping.capture.rawValue) ?? .none
        var mapping = RunMapping(
            mode: .replay, dataset: setup.plan.dataset, agentName: flags.mapping.agentName, capture: capture,
            redaction: try ExportSetup.redaction(flags.mapping))
        mapping.replayID = setup.plan.replayID
        var mappings: [RunRole: RunMapping] = [:]
        for (role, arm) in [(RunRole.baseline, setup.baseline), (.candidate, setup.candidate)] {
            mapping.role = role
            mapping.release = .init(version: arm.version, digest: arm.digest)
            mappings[role] = mapping
        }
        self.mappings = mappings
        recorder = AuditRecorder(
            try LedgerMaintenance(try AuditWriteOptions.configuration(path)), mapping, batch: 1000, stop: stop)
        identities = ReplayIdentities(dataset: setup.plan.dataset, replayID: setup.plan.replayID)
        replayID = setup.plan.replayID
        fallbackTime = ReplayExport.fallbackTime(setup.plan.traces)
    }

    func observe(_ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun) {
        record(place, trace, baseline, .baseline)
        record(place, trace, candidate, .candidate)
    }

    private func record(_ place: PairPlace, _ trace: borrowing AgentRun, _ arm: borrowing ArmRun, _ role: RunRole) {
        guard arm.problem?.kind != .noRun, let mapping = mappings[role] else { return }
        let start = arm.startTime ?? arm.run.startTime ?? trace.startTime ?? fallbackTime
        let name = trace.recordedID.map { trace.string($0) } ?? "line:\(place.line)"
        let placement = RunPlacement(
            identity: identities.identity(of: trace, place, role), timeline: RunTimeline(of: arm.run, start: start),
            hasRecordedTime: true, recordedID: name, line: place.line)
        recorder.record(arm.run, placement, mapping, requestID: "replay:\(replayID):\(place.index):\(place.repetition)")
    }

    /// - Returns: what a reader must know of calls that were not recorded; nil when all of them were.
    /// - Throws: what kept anything from being recorded.
    func finish() throws -> String? {
        let known = try recorder.finish().known
        guard known > 0 else { return nil }
        return "the tool calls of \(Readable.count(known, "run")) were in the audit ledger already, from a replay of the same name "
            + "(\(replayID)), and were not recorded again; if they are other runs, give the replay a name of its own: --replay-id"
    }
}
