import AgentRuns
import Backfill
import Delivery
import Glibc
import OTLP
import OTelSettings
import Reports
import RunSpans
import Threads
import TraceReading

/// A command line and an environment, made into what a backfill needs.
struct BackfillSetup {
    enum Output {
        case http
        case console
        case jsonLines(String)
        case delimited(String)
    }

    var settings: OTelSettings
    var plan: BackfillPlan
    var output: Output
    var exportConfiguration: ExportConfiguration
    /// For the summary.
    var link: TraceLink?
    var backEnd: TraceBackEnd?
    /// For reading back.
    var verifyConfiguration: ExportConfiguration
    var isDryRun: Bool
    /// Why nothing is exported, if the environment says so.
    var notExporting: String?
    var showsProgress: Bool
    private let origin: Origin

    /// - Throws: ``UsageError`` or `OTelSettingsError`, with the remedy.
    init(_ command: BackfillCommand, environment: [String: String]) throws {
        let settings = try ExportSetup.settings(command.mapping.shared, command.export.shared, environment)
        output = try Self.output(command.export.output, settings)
        exportConfiguration = try ExportSetup.configuration(command.export.shared, settings)
        verifyConfiguration = exportConfiguration
        plan = try Self.plan(command, settings)
        try Self.refuseOverwriting(plan, output)
        switch output {
        case .http: plan.target = exportConfiguration.displayName
        case .console: plan.target = "console"
        case .jsonLines(let path), .delimited(let path): plan.target = path
        }
        isDryRun = command.export.dryRun
        if settings.isDisabled {
            notExporting = "OTEL_SDK_DISABLED is true"
        } else if settings.exporter == .none, command.export.output == nil {
            notExporting = "OTEL_TRACES_EXPORTER is none"
        }
        if case .http = output { plan.reachesBackEnd = notExporting == nil } else { plan.reachesBackEnd = false }
        if case .console = output {
            showsProgress = false
        } else {
            showsProgress = !command.reporting.quiet
        }
        link = try command.reporting.link.map { try TraceLink(flag: $0) }
        if let text = command.reporting.verify {
            let project = settings.resource.first { $0.key == "openinference.project.name" }?.value ?? "default"
            guard let backEnd = TraceBackEnd(text, project: project) else {
                throw UsageError("--verify \(text): write jaeger=URL, tempo=URL or phoenix=URL, with http:// or https://")
            }
            guard case .http = output else { throw UsageError("--verify reads back what went over HTTP; it does not go with --output") }
            self.backEnd = backEnd
            verifyConfiguration = exportConfiguration
            // The collector's credentials are for the collector.
            if !backEnd.isSameServer(as: exportConfiguration.endpoint) { verifyConfiguration.headers = [] }
            plan.keepsIDs = true
        }
        origin = ExportSetup.origin(settings)
        self.settings = settings
    }

    /// Runs the backfill into the output that was asked for.
    func run(_ backfill: Backfill, stop: StopFlag, talker: Talker) throws -> BackfillReport {
        let encoder = EncoderFactory(origin)
        if isDryRun || notExporting != nil {
            return try backfill.run(into: Optional<HTTPExporter<[RunMark]>>.none) { encoder.protobuf() }
        }
        let appending = plan.stateFile != nil
        switch output {
        case .http:
            switch settings.encoding {
            case .protobuf:
                return try backfill.run(into: try http(encoder.protobuf().form, backfill, stop, talker)) { encoder.protobuf() }
            case .json:
                return try backfill.run(into: try http(encoder.json().form, backfill, stop, talker)) { encoder.json() }
            }
        case .console:
            let tree = TreeSpanEncoder(colors: Terminal.hasColors)
            let sink = try file("-", tree.form, .plain, appending, backfill)
            let colors = Terminal.hasColors
            return try backfill.run(into: sink) { TreeSpanEncoder(colors: colors) }
        case .jsonLines(let path):
            return try backfill.run(into: try file(path, encoder.json().form, .lines, appending, backfill)) { encoder.json() }
        case .delimited(let path):
            return try backfill.run(into: try file(path, encoder.protobuf().form, .delimited, appending, backfill)) {
                encoder.protobuf()
            }
        }
    }

    /// Makes encoders in the threads that use them.
    private struct EncoderFactory: Sendable {
        let origin: Origin
        init(_ origin: Origin) { self.origin = origin }
        func protobuf() -> ProtobufSpanEncoder { ProtobufSpanEncoder(origin) }
        func json() -> JSONSpanEncoder { JSONSpanEncoder(origin) }
    }

    private func http(
        _ form: MessageForm, _ backfill: Backfill, _ stop: StopFlag, _ talker: Talker
    ) throws -> HTTPExporter<[RunMark]> {
        try HTTPExporter(
            exportConfiguration, form: form, stop: stop,
            onSettled: { backfill.settle($0, $1, $2) }, onNotice: { talker.warn($0) })
    }

    private func file(
        _ path: String, _ form: MessageForm, _ framing: FileExporter<[RunMark]>.Framing, _ appending: Bool,
        _ backfill: Backfill
    ) throws -> FileExporter<[RunMark]> {
        try FileExporter(path: path, form: form, framing: framing, appending: appending) { backfill.settle($0, $1, $2) }
    }

    // MARK: from flags and variables

    private static func output(_ flag: String?, _ settings: OTelSettings) throws -> Output {
        guard let flag else { return settings.exporter == .console ? .console : .http }
        switch flag {
        case "otlp": return .http
        case "console": return .console
        case _ where flag.hasSuffix(".jsonl"), _ where flag.hasSuffix(".ndjson"): return .jsonLines(flag)
        case _ where flag.hasSuffix(".otlp"): return .delimited(flag)
        default:
            throw UsageError("--output \(flag): write otlp, console, FILE.jsonl (OTLP JSON lines) or FILE.otlp (delimited protobuf)")
        }
    }

    private static func plan(_ command: BackfillCommand, _ settings: OTelSettings) throws -> BackfillPlan {
        var inputs: [String] = []
        for pattern in command.input.files {
            let files = expandPattern(pattern)
            guard !files.isEmpty else { throw UsageError("\(pattern): no file matches this pattern") }
            inputs += files
        }
        guard inputs.filter({ $0 == "-" }).count <= 1 else { throw UsageError("standard input (-) can be read only once") }
        guard !command.mapping.shared.dataset.utf8.contains(0) else { throw UsageError("--dataset must not contain a NUL") }
        var plan = BackfillPlan(inputs: inputs, mapping: try mapping(command.mapping, settings))
        plan.rehash = command.mapping.rehash
        plan.sampler = settings.sampler
        plan.startTime = command.input.startTime?.nanoseconds
        plan.stride = command.input.stride.nanoseconds
        plan.since = command.input.since?.nanoseconds
        plan.until = command.input.until?.nanoseconds
        plan.limit = command.input.limit
        if let limit = plan.limit, limit < 1 { throw UsageError("--limit must be at least 1") }
        plan.isStrict = command.input.strict
        plan.rejectFile = command.input.rejectFile
        plan.maximumLine = command.input.maxLineBytes.bytes
        plan.stateFile = command.input.state
        plan.follows = command.input.follow
        if plan.follows, inputs.count != 1 || inputs[0] == "-" {
            throw UsageError("--follow needs exactly one file; start one outrigger for each file to follow")
        }
        if plan.stateFile != nil, inputs.contains("-") {
            throw UsageError("--state cannot remember standard input, which cannot be read again; name a file")
        }
        if plan.stateFile != nil, Set(inputs).count < inputs.count {
            throw UsageError("an input is named twice, which --state cannot tell apart")
        }
        plan.batchSpans = command.export.shared.batchSpans ?? settings.batchSpans
        plan.batchBytes = command.export.shared.batchBytes.bytes
        plan.workers = command.export.workers ?? max(1, Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))))
        guard (1...64).contains(plan.workers) else { throw UsageError("--workers must be from 1 to 64") }
        // Files and the console keep the order of the input, which one worker does.
        if command.export.output.map({ $0 != "otlp" }) ?? (settings.exporter == .console) { plan.workers = 1 }
        return plan
    }

    private static func refuseOverwriting(_ plan: BackfillPlan, _ output: Output) throws {
        var files = OverwriteGuard()
        for path in plan.inputs { files.reads(path, "an input") }
        switch output {
        case .jsonLines(let path), .delimited(let path): try files.writes(path, "--output")
        case .http, .console: break
        }
        if let path = plan.rejectFile { try files.writes(path, "--reject-file") }
        if let path = plan.stateFile { try files.writes(path, "--state") }
    }

    private static func mapping(_ flags: BackfillOptions.Mapping, _ settings: OTelSettings) throws -> RunMapping {
        var mapping = try ExportSetup.mapping(flags.shared, settings, mode: .backfill)
        mapping.role = RunRole(rawValue: flags.role.rawValue) ?? .baseline
        mapping.agentVersion = flags.agentVersion
        return mapping
    }
}
