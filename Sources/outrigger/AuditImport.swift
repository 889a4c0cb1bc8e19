import AgentRuns
import ArgumentParser
import Backfill
import Delivery
import Glibc
import JSONText
import Ledger
import OTLP
import RunSpans
import Threads

struct AuditImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Record the tool calls of historical traces (JSON lines), under the ids that backfill gives them.",
        discussion: "Runs whose trace the ledger has already are left out, so that an import that was ended can be done again.")
    @OptionGroup var target: AuditWriteOptions
    @Argument(help: "JSON lines, plain, gzip or zstd; a pattern in quotes is expanded; - is standard input.") var files:
        [String]
    @Option(help: "A name for this collection of runs; part of every id.") var dataset = "default"
    @Option(help: "Which arm these runs belong to: baseline or candidate.") var role = RunRoleArgument.baseline
    @Option(help: "The agent's name, for runs that do not say.") var agentName: String?
    @Option(help: "The agent's version, for runs that do not say.") var agentVersion: String?
    @Option(help: "When the first line started, for lines without a start_time.") var startTime: TimeArgument?
    @Option(help: "Time from one line without a start_time to the next.") var stride = DurationArgument(.seconds(1))
    @Flag(help: "Hash every trace id, also those recorded as W3C ids.") var rehash = false
    @Option(help: "none keeps digests and sizes; full keeps arguments and results too, redacted.") var capture = CaptureArgument
        .none
    @Option(help: "Entries of one transaction.") var batch = 1000
    @Flag(help: "Say on standard output how many entries are durable, after each transaction.") var progress = false
    @Flag(help: "The summary as one line of JSON on standard output.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            var inputs: [String] = []
            for pattern in files { inputs += expandPattern(pattern) }
            guard !inputs.isEmpty else { throw UsageError("no file matches") }
            guard batch > 0 else { throw UsageError("--batch must be at least 1") }
            var mapping = RunMapping(
                mode: .backfill, role: RunRole(rawValue: role.rawValue) ?? .baseline, dataset: dataset, agentName: agentName,
                agentVersion: agentVersion)
            if capture == .full { mapping.capture = .full }
            var plan = BackfillPlan(inputs: inputs, mapping: mapping)
            plan.rehash = rehash
            plan.startTime = startTime?.nanoseconds
            plan.stride = stride.nanoseconds
            let stop = StopFlag()
            try StopSignal.install(stop) { AuditCommand.say("\($0): recording what was read; a second signal ends at once\n") }
            let ledger = try target.open(mustExist: false)
            let progress = progress
            let recorder = AuditRecorder(ledger, mapping, batch: batch, stop: stop) { count in
                if progress { AuditCommand.print("\(count)\n") }
            }
            plan.onRun = { recorder.record($0, $1) }
            let backfill = try Backfill(plan, stop: stop) { AuditCommand.say("\($0.escapedForTerminal)\n") }
            let origin = Origin(resource: [], scopeName: "outrigger", scopeVersion: Outrigger.version)
            let report = try backfill.run(into: Optional<HTTPExporter<[RunMark]>>.none) { ProtobufSpanEncoder(origin) }
            let tally = try recorder.finish()
            if json {
                AuditCommand.print(
                    JSONValue.object([
                        ("lines", .integer(report.lines.total)), ("rejected", .counts(report.lines.rejected)),
                        ("runs", .integer(report.runs.read)),
                        ("known_runs", .integer(tally.known)), ("entries", .integer(tally.entries)),
                        ("ledger_entries", .integer(Int(tally.last))),
                    ]).text + "\n")
            } else {
                AuditCommand.say(
                    "\(Readable.count(report.runs.read, "run")): \(Readable.count(tally.entries)) entries recorded, "
                        + "\(Readable.count(tally.known)) runs were there already, \(Readable.count(report.rejectedLines)) lines rejected\n"
                )
            }
            if tally.known > 0 { AuditCommand.say("note: \(tally.knownRuns)\n") }
            for problem in report.inputProblems { AuditCommand.say("error: \(problem.escapedForTerminal)\n") }
            return report.rejectedLines == 0 && report.inputProblems.isEmpty && report.endedEarly == nil ? 0 : 1
        }
    }
}
