import AgentRuns
import Gate
import Replay
import Reports
import RunSpans

/// Takes the judged pairs of a replay to everyone who wants to know: the evidence, the reports, the spans.
struct ReplayRecorder: PairObserver {
    var evidence: GateEvidence
    var reports: ReplayReports
    private let export: ReplayExport?
    private let redactor: TextRedactor

    init(_ setup: ReplaySetup, _ reports: ReplayReports, _ export: ReplayExport?, _ redaction: Redaction) {
        redactor = TextRedactor(redaction)
        self.export = export
        evidence = GateEvidence(setup.policy)
        self.reports = reports
    }

    mutating func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) throws {
        evidence.observe(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        let ids = export?.export(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        let isTold = !verdict.passed || !verdict.toolChanges.isEmpty
        guard isTold || reports.wantsEveryRun else { return }
        try reports.write(
            RunDetail(
                verdict, trace: trace, place: place, baseline: baseline, candidate: candidate, ids: ids,
                detailed: isTold || reports.showsContent, redactor: redactor))
    }
}
