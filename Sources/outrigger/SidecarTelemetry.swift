import AgentRuns
import Delivery
import Glibc
import LiveRuns
import LiveSpans
import OTLP
import OTelSettings
import Releases
import RunSpans
import SidecarConfiguration
import Spool

/// What becomes of the sidecar's exchanges: the recorder that maps them, the spool that keeps them, the exporter that
/// sends them.
struct SidecarTelemetry {
    let sampling: LiveSampling
    let recorder: LiveRecorder?
    let exporter: SpooledExporter?
    let spool: Spool?
    /// Where runs are kept on this machine; nil where they are not.
    let runs: SidecarRuns?
    /// What all runs share, whether they are exported or not.
    let mapping: RunMapping
    let releases: [RunRole: RunMapping.Release]
    /// Sends an event that is of no run, from any thread; nil where nothing is exported.
    let announce: (@Sendable (LogEvent) -> Void)?
    /// For people.
    let summary: String

    /// - Throws: a setting or a release file that cannot be used, or a spool that cannot be opened.
    init(_ configuration: SidecarConfiguration, _ talker: Talker) throws {
        let wanted = configuration.telemetry
        let destination = try TelemetryDestination(wanted)
        let settings = destination.settings
        for warning in settings.warnings { talker.warn(warning) }
        var sampling = LiveSampling(root: settings.sampler, isParentBased: settings.samplerIsParentBased)
        sampling.keepsErrors = wanted.keepsErrors
        sampling.keepsCandidate = wanted.keepsCandidate
        self.sampling = sampling
        let mapping = try Self.mapping(wanted, settings)
        let releases = try Self.releases(configuration.releases)
        let (baseline, candidate) = (releases[.baseline], releases[.candidate])
        self.mapping = mapping
        self.releases = releases
        let runs = try SidecarRuns.start(configuration, mapping, releases)
        self.runs = runs
        guard let export = destination.export else {
            recorder = try runs.map { try Self.recorder($0, mapping) }
            exporter = nil
            spool = nil
            announce = nil
            summary = destination.summary
            return
        }
        let spool = try wanted.spool.map { try Spool($0) }
        let journal = wanted.spool.flatMap { Self.journal($0, talker) }
        let origin = ExportSetup.origin(settings)
        let protobuf = SpooledExporter.Forms(spans: ProtobufSpanEncoder(origin).form, events: ProtobufEventEncoder(origin).form)
        let json = SpooledExporter.Forms(spans: JSONSpanEncoder(origin).form, events: JSONEventEncoder(origin).form)
        // Encoders belong to one thread: the recorder makes its own there.
        func start<Encoder: SpanEncoder, Events: EventEncoder>(
            _ encoder: @escaping @Sendable () -> Encoder, _ events: @escaping @Sendable () -> Events
        ) throws -> (LiveRecorder, SpooledExporter, @Sendable (LogEvent) -> Void) {
            let exporter = try SpooledExporter(
                export.configuration, logsEndpoint: export.logsEndpoint, forms: settings.encoding == .json ? json : protobuf,
                otherForms: settings.encoding == .json ? protobuf : json, spool: spool, batchItems: settings.batchSpans,
                delay: min(settings.scheduleDelay, .seconds(60)), onNotice: { talker.warn($0) })
            let recorder = try LiveRecorder(sampling: sampling, journal: journal, keeper: runs) {
                LiveSpanWriter(mapping, baseline: baseline, candidate: candidate, encoder: encoder(), events: events())
            } sink: { batch, signal in
                exporter.submit(batch, signal == .spans ? .spans : .events)
            }
            return (recorder, exporter, { event in
                var encoder = events()
                encoder.encode(event)
                exporter.submit(encoder.batch, .events)
            })
        }
        (recorder, exporter, announce) = settings.encoding == .json
            ? try start({ JSONSpanEncoder(origin) }, { JSONEventEncoder(origin) })
            : try start({ ProtobufSpanEncoder(origin) }, { ProtobufEventEncoder(origin) })
        self.spool = spool
        var summary = destination.summary
        if let folder = wanted.spool?.folder {
            if let found = spool?.counts.recoveredItems, found > 0 { summary += " (\(Readable.count(found)) found waiting)" }
            if let recovered = recorder?.counts.recovered, recovered > 0 { summary += ", \(Readable.count(recovered, "run")) found unrecorded" }
            if let unreadable = recorder?.counts.unreadable, unreadable > 0 {
                talker.warn("\(Readable.count(unreadable, "run")) in \(folder)/\(Self.journalName) cannot be read by this version, and are lost")
            }
        }
        self.summary = summary
    }

    /// One that exports nothing.
    private static func recorder(_ runs: SidecarRuns, _ mapping: RunMapping) throws -> LiveRecorder {
        var nothing = LiveSampling(root: .alwaysOff, isParentBased: false)
        nothing.isOff = true
        let origin = Origin(resource: [], scopeName: "outrigger", scopeVersion: Outrigger.version)
        return try LiveRecorder(sampling: nothing, keeper: runs) {
            LiveSpanWriter(
                mapping, baseline: nil, candidate: nil, encoder: JSONSpanEncoder(origin), events: JSONEventEncoder(origin))
        } sink: { _, _ in true }
    }

    private static let journalName = "exchanges.journal"
    /// The recorder is milliseconds behind the requests: that is some hundred kilobytes, when it is hard at work.
    private static let journalBytes = 16 << 20

    /// What keeps answered requests until their spans are in the spool, beside whose files it stands, under the same lock.
    ///
    /// - Returns: nil where it cannot be made, which is told: requests are more than their spans.
    private static func journal(_ spool: Spool.Settings, _ talker: Talker) -> Journal? {
        do throws(SpoolError) {
            return try Journal("\(spool.folder)/\(journalName)", capacity: max(1 << 20, min(journalBytes, spool.maximumBytes / 4)))
        } catch {
            talker.warn("\(error); until the next start, a kill can cost the spans of the last answers before it")
            return nil
        }
    }

    private static func mapping(_ wanted: SidecarConfiguration.Telemetry, _ settings: OTelSettings) throws -> RunMapping {
        var redaction = Redaction()
        for key in wanted.redactKeys { redaction.add(key: key) }
        for pattern in wanted.redactPatterns { try redaction.add(pattern: pattern) }
        return RunMapping(
            mode: .live, agentName: wanted.agentName, capture: wanted.capture, redaction: redaction, limits: settings.limits)
    }

    /// Which releases the arms are of; an arm of which nothing is said has no entry.
    ///
    /// - Throws: a release file that cannot be used.
    static func releases(_ releases: SidecarConfiguration.Releases) throws -> [RunRole: RunMapping.Release] {
        var found: [RunRole: RunMapping.Release] = [:]
        found[.baseline] = try release(releases.baselineVersion, releases.baselineFile)
        found[.candidate] = try release(releases.candidateVersion, releases.candidateFile)
        return found
    }

    private static func release(_ version: String?, _ file: String?) throws -> RunMapping.Release? {
        if let file {
            let release = try Release.load(file)
            return RunMapping.Release(version: release.version, digest: release.digest)
        }
        return version.map { RunMapping.Release(version: $0) }
    }
}
