import AgentRuns
import Delivery
import Glibc
import OTLP
import OTelSettings
import Replay
import ReplaySpans
import RunSpans
import Threads
import TraceReading

/// The export of a replay, whichever encoding it is in.
enum ReplayExport {
    case protobuf(ReplayExporter<ProtobufSpanEncoder, ProtobufEventEncoder>)
    case json(ReplayExporter<JSONSpanEncoder, JSONEventEncoder>)

    /// - Parameter stop: once set, nothing is tried again: nobody who ends a replay waits for a collector that is away.
    /// - Returns: nil when nothing is to be exported, because a flag or the environment says so.
    /// - Throws: ``UsageError`` or `OTelSettingsError`, with the remedy.
    init?(_ flags: ReplayFlags, _ setup: ReplaySetup, _ stop: StopFlag, onNotice: (String) -> Void) throws {
        guard !flags.reporting.noExport else { return nil }
        let environment = ExportSetup.environment()
        let settings = try ExportSetup.settings(flags.mapping, flags.export, environment)
        for warning in settings.warnings { onNotice(warning) }
        guard !settings.isDisabled, settings.exporter == .otlp else {
            onNotice("no spans are exported: OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER says so")
            return nil
        }
        var configuration = try ExportSetup.configuration(flags.export, settings)
        // The verdict must not wait five minutes for a collector that is away, and not at all for one that nobody named.
        if flags.export.retryMax == nil, settings.exportTimeout == nil {
            let isNamed = flags.export.endpoint != nil || Self.names(environment)
            configuration.retry.initial = min(configuration.retry.initial, .milliseconds(250))
            configuration.retry.giveUpAfter = isNamed ? .seconds(5) : .zero
        }
        let mapping = try ExportSetup.mapping(flags.mapping, settings, mode: .replay)
        let identities = ReplayIdentities(dataset: setup.plan.dataset, replayID: setup.plan.replayID)
        let origin = ExportSetup.origin(settings)
        let logs = try Self.logsEndpoint(flags.export.endpoint, environment, configuration.endpoint)
        let baseline = RunMapping.Release(version: setup.baseline.version, digest: setup.baseline.digest)
        let candidate = RunMapping.Release(version: setup.candidate.version, digest: setup.candidate.digest)
        let batch = flags.export.batchSpans ?? settings.batchSpans
        let time = Self.fallbackTime(setup.plan.traces)
        switch settings.encoding {
        case .protobuf:
            self = .protobuf(
                try ReplayExporter(
                    mapping, replayID: setup.plan.replayID, baseline: baseline, candidate: candidate, identities: identities,
                    encoder: ProtobufSpanEncoder(origin), events: ProtobufEventEncoder(origin), configuration: configuration,
                    logsEndpoint: logs, batchSpans: batch, fallbackTime: time, stop: stop))
        case .json:
            self = .json(
                try ReplayExporter(
                    mapping, replayID: setup.plan.replayID, baseline: baseline, candidate: candidate, identities: identities,
                    encoder: JSONSpanEncoder(origin), events: JSONEventEncoder(origin), configuration: configuration,
                    logsEndpoint: logs, batchSpans: batch, fallbackTime: time, stop: stop))
        }
    }

    func export(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) -> ArmIDs {
        switch self {
        case .protobuf(let exporter):
            exporter.export(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        case .json(let exporter):
            exporter.export(place, trace: trace, baseline: baseline, candidate: candidate, verdict: verdict)
        }
    }

    func finish() -> ReplayReport.ExportAccount {
        switch self {
        case .protobuf(let exporter): exporter.finish()
        case .json(let exporter): exporter.finish()
        }
    }

    private static func names(_ environment: [String: String]) -> Bool {
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].contains { environment[$0]?.isEmpty == false }
    }

    /// The URL for log records, by the rules for the one for spans.
    ///
    /// - Parameter named: the collector that was named beside the environment, which then says nothing about this.
    static func logsEndpoint(
        _ named: String?, _ environment: [String: String], _ traces: String
    ) throws -> String {
        if named == nil, let own = environment["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"], !own.isEmpty {
            guard own.hasPrefix("http://") || own.hasPrefix("https://") else {
                throw UsageError("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is no URL; it must begin with http:// or https://")
            }
            return OTelSettings.url(forSignal: own)
        }
        // The base is what stands in front of the path for spans.
        let end = traces.firstIndex { $0 == "?" || $0 == "#" } ?? traces.endIndex
        let path = traces[..<end]
        return (path.hasSuffix("/v1/traces") ? path.dropLast(6) + "logs" : path + "") + traces[end...]
    }

    /// When runs happened that do not say: when the recording was last written, so that another replay of it gives the same
    /// spans; for a pipe, now.
    static func fallbackTime(_ path: String) -> UInt64 {
        if let status = InputFile.status(of: path), status.isRegular { return status.modificationTime }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
