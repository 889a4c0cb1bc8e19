import AdminAPI
import AgentRuns
import Delivery
import Glibc
import LiveRuns
import LiveSpans
import OTLP
import OTelSettings
import Releases
import Rollout
import RolloutControl
import Router
import RunSpans
import SidecarConfiguration
import Spool
import StrictYAML
import Synchronization
import Threads
import ToolGateway

/// A running sidecar: its parts, wired together, from the first connection to the last span.
final class Sidecar: Sendable {
    private let file: ConfigurationFile
    private let talker: Talker
    private let configuration: Mutex<SidecarConfiguration>
    /// What is in force of that which only a start can change.
    private let started: SidecarConfiguration
    private let arms = ArmWatch()
    private let plane: DataPlane
    private let controller: RolloutController
    private let recorder: LiveRecorder?
    private let exporter: SpooledExporter?
    private let spool: Spool?
    private let stop = StopFlag()
    private let readiness: Readiness
    private let admin: AdminServer
    private let tools: SidecarTools?
    private let audit: SidecarAudit?
    private let runs: SidecarRuns?
    /// The releases of the start, by which spans and the ledger name them.
    private let releases: [RunRole: RunMapping.Release]
    /// Where clients send their requests.
    let port: Int
    /// Where agents call tools; nil without a tool gateway.
    var toolPort: Int? { tools?.port }

    /// Whether requests should be sent here.
    private final class Readiness: Sendable {
        private let reasons = Mutex(["it is starting"])

        var all: [String] { reasons.withLock { $0 } }
        func set(_ new: [String]) { reasons.withLock { $0 = new } }
    }

    /// Starts everything, and says where it listens.
    ///
    /// - Parameter configuration: what was read from the file.
    /// - Throws: what keeps it from starting, with the remedy.
    init(_ configuration: SidecarConfiguration, from file: ConfigurationFile, _ talker: Talker) async throws {
        self.file = file
        self.talker = talker
        self.configuration = Mutex(configuration)
        started = configuration
        Self.raiseFileLimit()
        let telemetry = try SidecarTelemetry(configuration, talker)
        spool = telemetry.spool
        exporter = telemetry.exporter
        recorder = telemetry.recorder
        runs = telemetry.runs
        releases = telemetry.releases
        let sampling = telemetry.sampling
        let audit = try SidecarAudit.start(configuration, telemetry.mapping, telemetry.releases) { [announce = telemetry.announce] in
            announce?($0.event)
        }
        self.audit = audit
        let tools = try await SidecarTools.start(configuration, journal: audit ?? NoJournal())
        self.tools = tools
        let plane = try DataPlane(
            configuration.proxy, threads: max(1, Self.cores), sampler: { sampling.samples($0, parentIsSampled: $1) },
            tools: tools?.offer,
            record: { [recorder = telemetry.recorder] in _ = recorder?.offer($0) })
        self.plane = plane
        controller = try RolloutController(
            configuration.rollout, policy: configuration.policy, path: configuration.stateFile,
            scheduleTime: { [time = SteadyTime()] in time.milliseconds }, onChange: { audit?.record($0) }
        ) {
            // First no new run of a candidate's begins, and then none that has begun may act.
            plane.apply($0)
            tools?.runs.fence(below: $0.state.epoch)
        }
        // The epoch of a rollout that outlived the last process.
        tools?.runs.fence(below: controller.snapshot.state.epoch)
        if configuration.startsSchedule(controller.snapshot.state) {
            try controller.change(.start(configuration.steps), by: "configuration", why: "the steps of the configuration")
        }
        let readiness = Readiness()
        self.readiness = readiness
        admin = try await AdminServer.start(
            try Self.settings(configuration.admin), Self.service(controller, plane, telemetry, readiness, tools, audit))
        do {
            port = try await plane.start(
                host: configuration.listen.host, port: configuration.listen.port, rollout: controller.snapshot)
        } catch {
            throw UsageError("cannot listen on \(configuration.listen.description): \(error); is another process using it?")
        }
        try StopSignal.install(
            stop, onHangup: { [weak self] in self?.reload(because: "SIGHUP") },
            onFirst: { [talker] in talker.say("\($0): ending; a second signal ends at once") })
        readiness.set([])
        talker.say("outrigger \(Outrigger.version) listens on http://\(SidecarConfiguration.Address(host: configuration.listen.host, port: port).description)")
        let text = SidecarText(
            configuration: configuration, admin: SidecarConfiguration.Address(host: configuration.admin.listen.host, port: admin.port),
            tools: tools?.url, releases: telemetry.releases, rollout: controller.snapshot.state, isAuditSigned: audit?.isSigned ?? false,
            telemetry: telemetry.summary)
        for line in text.lines { talker.say("  " + line) }
    }

    /// - Throws: ``UsageError`` for a token that is not there.
    static func settings(_ admin: SidecarConfiguration.Admin) throws -> AdminServer.Settings {
        var token: String?
        if let name = admin.tokenVariable {
            guard let value = ExportSetup.environment()[name], !value.isEmpty else {
                throw UsageError("admin.token_variable names \(name), which is not set")
            }
            token = value
        } else if let file = admin.tokenFile {
            token = try TokenFile.read(file)
        }
        return AdminServer.Settings(host: admin.listen.host, port: admin.listen.port, token: token)
    }

    private static func service(
        _ controller: RolloutController, _ plane: DataPlane, _ telemetry: SidecarTelemetry, _ readiness: Readiness,
        _ tools: SidecarTools?, _ audit: SidecarAudit?
    ) -> AdminService {
        let recorder = telemetry.recorder
        let exporter = telemetry.exporter
        return AdminService(
            controller: controller,
            unreadiness: {
                readiness.all + (plane.status(of: .baseline).isHealthy ? [] : ["the baseline fails its health checks"])
            },
            metrics: {
                SidecarMetrics.text(
                    await plane.counts(), RunRole.allCases.map { ($0, plane.status(of: $0)) }, recorder?.counts, exporter?.counts,
                    controller.snapshot.state, isSaved: controller.isSaved)
                    + (tools.map { ToolMetrics.text($0.gateway.counts, $0.runs.counts) } ?? "")
                    + (audit.map { ToolMetrics.text($0.health) } ?? "")
                    + (telemetry.runs.map { SidecarMetrics.text($0.counts) } ?? "")
            })
    }

    private static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Each connection takes two descriptors; the limit that shells set is far below what a proxy needs.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Where the admin API listens.
    var adminPort: Int { admin.port }

    /// What became of the spans and events; nil without any.
    var delivery: SpooledExporter.Counts? { exporter?.counts }

    /// What shadows were compared in so far, by the result, such as `fail`.
    func comparisons(of check: String) -> [String: Int] {
        (recorder?.counts.comparisons ?? [:]).reduce(into: [:]) { found, entry in
            if entry.key.check == check { found[entry.key.result] = entry.value }
        }
    }

    // MARK: running

    var isStopping: Bool { stop.isSet }

    /// Ends it gracefully, as a signal would.
    func requestStop() { stop.set() }

    /// Runs until a signal asks for the end, and ends gracefully.
    ///
    /// - Returns: answers that had to be cut off.
    func runUntilStopped() async -> Int {
        StartupPages.release()
        var ticks = 0
        while !stop.isSet {
            try? await Task.sleep(for: .milliseconds(100))
            controller.tick()
            ticks += 1
            guard ticks % 10 == 0 else { continue }
            spool?.sync()
            audit?.watch(talker)
            runs?.watch(talker)
            for role in RunRole.allCases {
                guard let (words, isWarning) = arms.look(at: role, plane.status(of: role)) else { continue }
                if isWarning { talker.warn(words) } else { talker.say(words) }
            }
            if file.hasChanged() { reload(because: "the file changed") }
        }
        return await end()
    }

    private func end() async -> Int {
        readiness.set(["it is ending"])
        let shutdown = configuration.withLock { $0.shutdown }
        await plane.drain()
        if shutdown.delay > .zero { try? await Task.sleep(for: shutdown.delay) }
        let cutOff = await plane.stop(within: shutdown.drain)
        await tools?.stop()
        recorder?.finish()
        await admin.stop()
        await audit?.close(talker)
        let waiting = exporter?.finish(within: shutdown.flush) ?? 0
        for (count, noun) in [(cutOff.answers, "answer"), (cutOff.copies, "copied request")] where count > 0 {
            talker.warn("\(Readable.count(count, noun)) cut off after \(Readable.duration(shutdown.drain))")
        }
        if let counts = exporter?.counts {
            let dropped = counts.dropped.values.reduce(0, +)
            talker.say(
                "spans and events: \(Readable.count(counts.delivered)) delivered, \(Readable.count(counts.rejected)) rejected, "
                    + "\(Readable.count(dropped)) dropped" + (spool != nil ? ", \(Readable.count(waiting)) kept for the next start" : ""))
        }
        return cutOff.answers
    }

    /// Reads the configuration again; a bad one is named, and the old one stays.
    func reload(because reason: String) {
        do {
            let new = try file.read()
            // All that can fail comes first: a configuration is in force as a whole or not at all.
            let change = try tools?.prepare(new)
            try plane.apply(new.proxy)
            if let change { tools?.apply(change) }
            controller.replace(policy: new.policy)
            configuration.withLock { $0 = new }
            talker.say("\(file.path) was read again (\(reason))")
            let rest = new.needsRestart(comparedTo: started) + (new.releases == started.releases ? changedReleases(new.releases) : [])
            if !rest.isEmpty { talker.warn("needs a restart to take effect: \(rest.joined(separator: ", "))") }
        } catch {
            talker.warn("\(reason), but the configuration cannot be used and the old one stays:")
            for line in "\(error)".split(separator: "\n") { talker.warn("  \(line)") }
        }
    }

    /// Release files that say something else than at the start: what runs are held to is what their spans name.
    private func changedReleases(_ files: SidecarConfiguration.Releases) -> [String] {
        [(RunRole.baseline, files.baselineFile), (.candidate, files.candidateFile)].compactMap { role, file in
            guard let file, let digest = releases[role]?.digest, (try? Release.load(file))?.digest != digest else { return nil }
            return file
        }
    }
}

extension RolloutState {
    /// In a few words, for people.
    var summary: String {
        switch mode {
        case .baseline: "baseline, revision \(revision)"
        case .shadow: "shadow of \(shadowPercentage)%, revision \(revision)"
        case .canary: "canary at \(percentage)%" + (stage.map { ", step \($0)" } ?? "") + ", revision \(revision)"
        }
    }
}
