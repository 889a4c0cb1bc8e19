import AgentRuns
import ArgumentParser
import Backfill
import Delivery
import Glibc
import Ledger
import OTLP
import OTelSettings
import RunSpans
import Threads

struct BackfillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Send historical agent traces (JSON lines) to an OpenTelemetry collector as spans.",
        discussion: """
            Every OTEL_* variable that concerns traces is honoured; flags win over them.

            Exit status: 0 everything was delivered; 1 something was rejected, not delivered, or not visible when read \
            back; 2 the command line or the configuration is wrong.
            """)

    @OptionGroup(title: "Input") var input: BackfillOptions.Input
    @OptionGroup(title: "Spans") var mapping: BackfillOptions.Mapping
    @OptionGroup(title: "Export") var export: BackfillOptions.Export
    @OptionGroup(title: "Reporting") var reporting: BackfillOptions.Reporting

    mutating func run() throws {
        let job: BackfillSetup
        do {
            job = try BackfillSetup(self, environment: ExportSetup.environment())
        } catch {
            throw failure(error, status: 2)
        }
        let talker = Talker(isQuiet: reporting.quiet, logLevel: job.settings.logLevel)
        for warning in job.settings.warnings { talker.warn(warning) }
        let stop = StopFlag()
        do {
            try StopSignal.install(stop) { signal in
                talker.say("\(signal): delivering what was read; a second signal ends at once")
            }
            let status = try perform(job, talker, stop)
            if status != 0 { throw ExitCode(status) }
        } catch let error as BackfillError {
            talker.clearProgress()
            throw failure(error, status: error.kind == .configuration ? 2 : 1)
        } catch let error as LedgerError {
            talker.clearProgress()
            throw failure(error, status: error.exitStatus)
        } catch let error as UsageError {
            talker.clearProgress()
            throw failure(error, status: 2)
        } catch let error as FileExportError {
            talker.clearProgress()
            throw failure(error, status: 2)
        } catch let error as ThreadError {
            talker.clearProgress()
            throw failure(error, status: 1)
        }
    }

    private func failure(_ error: some Error, status: Int32) -> ExitCode {
        Terminal.write("error: \(String(describing: error).escapedForTerminal)\n", to: STDERR_FILENO)
        return ExitCode(status)
    }

    /// - Returns: nil when nothing is to be recorded; a dry run records nothing.
    private func recorder(_ job: BackfillSetup, _ stop: StopFlag) throws -> AuditRecorder? {
        guard let ledger = reporting.audit, !job.isDryRun else { return nil }
        let ready = try LedgerMaintenance(try AuditWriteOptions.configuration(ledger))
        return AuditRecorder(ready, job.plan.mapping, batch: 1000, stop: stop)
    }

    /// - Returns: the exit status.
    private func perform(_ job: BackfillSetup, _ talker: Talker, _ stop: StopFlag) throws -> Int32 {
        var plan = job.plan
        let recorder = try recorder(job, stop)
        if let recorder { plan.onRun = { recorder.record($0, $1) } }
        let backfill = try Backfill(plan, stop: stop) { talker.warn($0) }
        let progress = ProgressReporter(backfill, talker, inputs: job.plan.inputs, isShown: job.showsProgress)
        let report: BackfillReport
        do {
            defer { progress.finish() }
            report = try job.run(backfill, stop: stop, talker: talker)
        }

        let recorded = try recorder?.finish()
        if let recorded {
            talker.say("\(Readable.count(recorded.entries)) tool calls recorded in \(reporting.audit ?? "")")
            if recorded.known > 0 { talker.warn(recorded.knownRuns) }
        }

        var verified: Verification.Result?
        var verifyProblem: String?
        if let backEnd = job.backEnd, let ids = backfill.ids, !job.isDryRun {
            talker.say("reading back from \(backEnd.baseURL)")
            do throws(BackfillError) {
                verified = try Verification(
                    backEnd, job.verifyConfiguration, patience: reporting.verifyTimeout.duration, stop: stop
                ).run(ids)
            } catch {
                verifyProblem = error.message
            }
        }
        let summary = BackfillSummary(
            report: report, target: job.plan.target, inputs: job.plan.inputs, isDryRun: job.isDryRun,
            notExporting: job.notExporting, link: job.link, backEnd: job.backEnd, verified: verified, verifyProblem: verifyProblem,
            compression: job.exportConfiguration.compression.rawValue)
        if !reporting.quiet { Terminal.write(summary.text, to: STDERR_FILENO) }
        if reporting.json { Terminal.write(summary.json + "\n", to: STDOUT_FILENO) }
        return summary.exitStatus
    }
}
