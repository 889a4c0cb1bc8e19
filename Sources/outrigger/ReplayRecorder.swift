import AgentRuns
import Gate
import Replay
import Reports
import RunSpans

/// Takes the judged pairs of a replay to everyone who wants to know: the evidence, the reports, the spans.
struct ReplayRecorder: PairObserver {
    var evidence: GateEvidence
    var reports: ReplayReports
    private var witness: ReplayWitness
    private var schemas: SchemaWitness
    /// nil where nobody wants to see it.
    private var progress: ReplayProgress?
    private let export: ReplayExport?
    private let audit: ReplayAudit?
    private let runs: ReplayRuns?
    private let redactor: TextRedactor

    init(
        _ setup: ReplaySetup, _ reports: ReplayReports, _ export: ReplayExport?, _ audit: ReplayAudit?, _ runs: ReplayRuns?,
        _ redaction: Redaction,
        progress: ReplayProgress?
    ) {
        self.progress = progress
        redactor = TextRedactor(redaction)
        witness = ReplayWitness(setup.plan)
        schemas = SchemaWitness(setup.candidateRelease)
        self.export = export
        self.audit = audit
        self.runs = runs
        evidence = GateEvidence(setup.policy)
        self.reports = reports
    }

    mutating func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) throws {
        progress?.note(verdict)
        witness.note(baseline, candidate)
        schemas.note(candidate.run)
        evidence.observe(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        audit?.observe(place, trace: trace, baseline: baseline, candidate: candidate)
        runs?.observe(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        let ids = export?.export(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        let kind = RunDetail.Kind(verdict)
        guard kind != .passed || reports.wantsEveryRun else { return }
        // Whatever is exported has the ids of its spans to tell.
        if kind == .passed, ids == nil, reports.takesPlainPasses,
            RunDetail.isPlainPass(verdict, baseline: baseline, candidate: candidate)
        {
            return try reports.writePlainPass(place, trace: trace, baseline: baseline.run, candidate: candidate.run)
        }
        let content = reports.showsContent(of: kind)
        try reports.write(
            RunDetail(
                verdict, trace: trace, place: place, baseline: baseline, candidate: candidate, ids: ids,
                content: content, changes: content || reports.wantsEveryRun, redactor: redactor))
    }

    /// Call it once, after the last pair.
    mutating func finish() {
        progress?.finish()
        evidence.finish()
    }

    /// What runs say against the release files that their arms name.
    func foreignRuns(_ setup: ReplaySetup) -> [String] {
        witness.foreignRuns(baseline: setup.releaseVersions.baseline, candidate: setup.releaseVersions.candidate)
    }

    /// What a reader must know of the replay as a whole, the most important first.
    func notes(_ setup: ReplaySetup) -> [String] {
        witness.notes(baseline: setup.givenVersions.baseline, candidate: setup.givenVersions.candidate)
            + schemas.notes
            + evidence.unknownTools.map { name, nearest in
                "a check names the tool \(name), which no run, allow-list or release has" + (nearest.map { "; did you mean \($0)?" } ?? "")
            }
    }
}
