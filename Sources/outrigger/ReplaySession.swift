import AgentRuns
import ArgumentParser
import Gate
import Glibc
import Releases
import Replay
import Reports
import RunSpans
import StrictYAML
import Threads
import TraceReading

/// One replay from the command line to the exit status.
enum ReplaySession {
    /// - Parameters:
    ///   - gate: nil for a replay without a verdict over all runs.
    ///   - status: the exit status that goes with a report.
    static func run(_ flags: ReplayFlags, gate: GateOverrides?, status: (ReplayReport) -> Int32) async throws {
        let talker = Talker(isQuiet: flags.reporting.quiet, logLevel: "info")
        let stop = StopFlag()
        var agents: AgentSetup?
        let report: ReplayReport
        do {
            let setup = try await ReplaySetup(flags, gate: gate) { agents = $0 }
            let reports = try ReplayReports(flags.reporting, setup)
            report = try await perform(setup, reports, flags, isGate: gate != nil, stop, talker)
        } catch {
            // Also what was found wrong after they were started.
            _ = await agents?.end()
            throw error as? ExitCode ?? failure(error, status: 2)
        }
        let number = status(report)
        if number != 0 { throw ExitCode(number) }
    }

    private static func failure(_ error: some Error, status: Int32) -> ExitCode {
        Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
        return ExitCode(status)
    }

    private static func perform(
        _ setup: ReplaySetup, _ reports: consuming ReplayReports, _ flags: ReplayFlags, isGate: Bool, _ stop: StopFlag,
        _ talker: Talker
    ) async throws -> ReplayReport {
        let started = ContinuousClock.now
        let rejects = RejectCounter { talker.warn($0) }
        let export = try ReplayExport(flags, setup, stop) { talker.warn($0) }
        let audit = try ReplayAudit(flags, setup, stop)
        let runs = try ReplayRuns(flags, setup, isExported: export != nil)
        let plan = setup.plan
        let isLive = plan.baseline.source.isLive || plan.candidate.source.isLive
        let redaction = try ExportSetup.redaction(flags.mapping)
        var recorder = ReplayRecorder(
            setup, reports, export, audit, runs, redaction,
            progress: isLive && !flags.reporting.quiet ? ReplayProgress(talker) : nil)
        try StopSignal.install(stop) { talker.say("\($0): ending the replay; a second signal ends at once") }
        let ending = try await ReplayRun.run(plan, &recorder, rejects: rejects) { stop.isSet }
        let notes = await setup.agents.end()
        let unrecorded = try audit?.finish()
        if let unrecorded { talker.warn(unrecorded) }
        let removed = try runs?.finish()
        recorder.finish()
        var report = ReplayReport(
            replayID: plan.replayID, traces: plan.traces, baseline: setup.baseline, candidate: setup.candidate)
        report.tally = recorder.evidence.tally
        report.repetitions = plan.repetitions
        report.rejectedLines = rejects.counts
        report.unmatched = ending.unmatched
        report.partial = ending.partial
        report.notes = recorder.notes(setup) + setup.notes + notes + [unrecorded, removed].compactMap { $0 }
        if let limit = plan.limit, recorder.evidence.tally.total >= limit * plan.repetitions {
            report.notes.append("only the first \(Readable.count(limit, "trace")) \(limit == 1 ? "was" : "were") replayed (--limit)")
        }
        report.export = export?.finish()
        if isGate { report.gate = GateJudge(setup.policy).judge(recorder.evidence, circumstances(setup, recorder, report)) }
        report.redact(by: TextRedactor(redaction))
        let elapsed = (ContinuousClock.now - started).components
        report.duration = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        try recorder.reports.finish(&report)
        return report
    }

    private static func circumstances(
        _ setup: ReplaySetup, _ recorder: ReplayRecorder, _ report: ReplayReport
    ) -> GateJudge.Circumstances {
        var circumstances = GateJudge.Circumstances()
        circumstances.armsAreTheSame = setup.armsAreTheSame
        circumstances.latenciesAreComparable = setup.plan.baseline.source.isLive == setup.plan.candidate.source.isLive
        circumstances.partial = report.partial
        circumstances.rejectedLines = report.rejectedLines.values.reduce(0, +)
        circumstances.foreignRuns = recorder.foreignRuns(setup)
        circumstances.unmatchedRuns = report.unmatched.baseline + report.unmatched.candidate
        circumstances.repetitions = setup.plan.repetitions
        circumstances.checks = setup.checks
        return circumstances
    }
}
