internal import Rollout
internal import Router
internal import RunSpans
internal import Spool
public import StrictYAML

extension SidecarConfiguration {
    /// Reads a file.
    ///
    /// - Throws: `YAMLError` with all that is wrong, each with its line and the remedy.
    public init(path: String) throws(YAMLError) {
        let document = try YAMLDocument(path: path)
        self = try document.read { root in root.mapping { Self.read($0, folder: path.folder) } }
    }

    /// For tests: from bytes instead of a file.
    public init(bytes: [UInt8], name: String) throws(YAMLError) {
        let document = try YAMLDocument(bytes: bytes, name: name)
        self = try document.read { root in root.mapping { Self.read($0, folder: name.folder) } }
    }

    private static func read(_ fields: YAMLMapping, folder: String) -> SidecarConfiguration? {
        var releases = Releases()
        let agents = fields.required("agents")?.mapping { agents -> ProxySettings? in
            guard let baseline = agents.required("baseline")?.mapping({ arm($0, &releases.baselineVersion, &releases.baselineFile, folder) })
            else { return nil }
            let candidate = agents["candidate"]?.mapping { arm($0, &releases.candidateVersion, &releases.candidateFile, folder) }
            return ProxySettings(baseline: baseline, candidate: candidate)
        }
        var proxy = agents
        fields["limits"]?.mapping { read(limits: $0, into: &proxy) }
        fields["timeouts"]?.mapping { read(timeouts: $0, into: &proxy) }
        fields["shadow"]?.mapping { read(shadow: $0, into: &proxy) }
        if let tells = fields["response_headers"]?.bool() { proxy?.tellsRole = tells }
        let policy = fields["routing"]?.mapping(RoutingReader.policy) ?? RoutingPolicy()
        let (rollout, steps, stateFile) = readRollout(fields["rollout"], lacksCandidate: proxy.map { $0.candidate == nil } ?? false)
        let listen = fields["listen"].flatMap(readAddress)
        let admin = fields["admin"]?.mapping(readAdmin)
        let tools = fields["tools"]?.mapping { ToolsReader.tools($0, readAddress: readAddress) }
        let audit = fields["audit"]?.mapping(readAudit)
        let runs = fields["runs"]?.mapping(readRuns)
        let telemetry = fields["telemetry"]?.mapping { readTelemetry($0, folder) }
        var shutdown = Shutdown()
        fields["shutdown"]?.mapping { fields -> Void in
            shutdown.delay = fields["delay"]?.duration() ?? shutdown.delay
            shutdown.drain = fields["drain"]?.duration() ?? shutdown.drain
            shutdown.flush = fields["flush"]?.duration() ?? shutdown.flush
        }
        guard let proxy else { return nil }
        var configuration = SidecarConfiguration(
            admin: admin ?? Admin(), proxy: proxy, rollout: rollout, policy: policy, telemetry: telemetry ?? Telemetry())
        configuration.listen = listen ?? configuration.listen
        configuration.steps = steps
        configuration.stateFile = stateFile
        configuration.shutdown = shutdown
        configuration.releases = releases
        configuration.tools = tools
        configuration.audit = audit
        configuration.runs = runs
        if !configuration.admin.listen.isLoopback, configuration.admin.tokenFile == nil, configuration.admin.tokenVariable == nil {
            fields["admin"]?.report(
                "the admin API would be open to the network", remedy: "name a token_file or a token_variable, or listen on 127.0.0.1")
        }
        let addresses = configuration.addresses
        for (i, place) in addresses.enumerated() where place.address.port != 0 {
            guard let other = addresses[..<i].first(where: { $0.address == place.address }) else { continue }
            fields.report("\(other.name) and \(place.name) are the same address", remedy: "give each a port of its own")
        }
        return configuration
    }

    // MARK: addresses and agents

    private static func readAddress(_ field: YAMLField) -> Address? {
        guard let text = field.string() else { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[colon...].dropFirst()), (0...65535).contains(port), colon > text.startIndex
        else {
            field.report("\(text) is no address", remedy: "write host:port, such as 127.0.0.1:8080")
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return Address(host: host, port: port)
    }

    private static func readAdmin(_ fields: YAMLMapping) -> Admin {
        var admin = Admin()
        admin.listen = fields["listen"].flatMap(readAddress) ?? admin.listen
        admin.tokenFile = fields["token_file"]?.string()
        admin.tokenVariable = fields["token_variable"]?.string()
        return admin
    }

    private static func arm(_ fields: YAMLMapping, _ version: inout String?, _ release: inout String?, _ folder: String) -> ArmSettings? {
        version = fields["version"]?.string()
        release = fields["release"]?.string().map { $0.hasPrefix("/") ? $0 : folder + $0 }
        let authorities = fields["ca_file"]?.string().map { $0.hasPrefix("/") ? $0 : folder + $0 }
        let concurrency = fields["max_concurrency"]?.int(in: 1...1_000_000)
        let breaker = fields["circuit_breaker"]?.mapping { fields in
            var breaker = BreakerSettings()
            breaker.failures = fields["failures"]?.int(in: 0...1_000_000) ?? breaker.failures
            breaker.openFor = fields["open_for"]?.duration() ?? breaker.openFor
            return breaker
        }
        let health = fields["health"]?.mapping { fields in
            var health = HealthCheckSettings()
            if let path = fields["path"], let text = path.string() {
                if text.hasPrefix("/") { health.path = text } else { path.report("\(text) is no path", remedy: "begin with a slash") }
            }
            health.interval = fields["interval"]?.duration() ?? health.interval
            health.timeout = fields["timeout"]?.duration() ?? health.timeout
            health.failures = fields["failures"]?.int(in: 1...1000) ?? health.failures
            return health
        }
        guard let url = fields.required("url"), let text = url.string() else { return nil }
        do throws(UpstreamError) {
            var arm = ArmSettings(upstream: try Upstream(text))
            arm.maximumConcurrency = concurrency ?? arm.maximumConcurrency
            arm.breaker = breaker ?? arm.breaker
            arm.health = health
            arm.certificateAuthorities = authorities
            return arm
        } catch {
            url.report(error.message, remedy: "write http://host:port")
            return nil
        }
    }

    private static func read(limits fields: YAMLMapping, into proxy: inout ProxySettings?) {
        var limits = proxy?.limits ?? ProxyLimits()
        let sizes = 1...(1 << 40)
        limits.headerBytes = fields["header_bytes"]?.int(in: 256...(16 << 20)) ?? limits.headerBytes
        limits.headerCount = fields["header_count"]?.int(in: 1...10_000) ?? limits.headerCount
        limits.bodyBytes = fields["body_bytes"]?.int(in: sizes) ?? limits.bodyBytes
        limits.keyBodyBytes = fields["key_body_bytes"]?.int(in: 1...(64 << 20)) ?? limits.keyBodyBytes
        limits.requestCaptureBytes = fields["request_capture_bytes"]?.int(in: 0...(64 << 20)) ?? limits.requestCaptureBytes
        limits.responseCaptureBytes = fields["response_capture_bytes"]?.int(in: 0...(64 << 20)) ?? limits.responseCaptureBytes
        limits.connections = fields["connections"]?.int(in: 1...10_000_000) ?? limits.connections
        proxy?.limits = limits
    }

    private static func read(timeouts fields: YAMLMapping, into proxy: inout ProxySettings?) {
        var timeouts = proxy?.timeouts ?? ProxyTimeouts()
        func time(_ name: String, _ current: Duration) -> Duration {
            guard let field = fields[name], let value = field.duration() else { return current }
            guard value >= .milliseconds(1), value <= .seconds(86_400) else {
                field.report("it must be from 1ms to 24h", remedy: "choose a time within the bounds")
                return current
            }
            return value
        }
        timeouts.requestHeader = time("request_header", timeouts.requestHeader)
        timeouts.requestBody = time("request_body", timeouts.requestBody)
        timeouts.keepAlive = time("keep_alive", timeouts.keepAlive)
        timeouts.connect = time("connect", timeouts.connect)
        timeouts.responseHeader = time("response_header", timeouts.responseHeader)
        timeouts.responseBody = time("response_body", timeouts.responseBody)
        timeouts.write = time("write", timeouts.write)
        timeouts.upstreamIdle = time("upstream_idle", timeouts.upstreamIdle)
        proxy?.timeouts = timeouts
    }

    private static func read(shadow fields: YAMLMapping, into proxy: inout ProxySettings?) {
        var shadow = proxy?.shadow ?? ShadowSettings()
        shadow.maximumConcurrency = fields["max_concurrency"]?.int(in: 1...100_000) ?? shadow.maximumConcurrency
        shadow.queue = fields["queue"]?.int(in: 0...100_000) ?? shadow.queue
        shadow.bodyBytes = fields["body_bytes"]?.int(in: 0...(64 << 20)) ?? shadow.bodyBytes
        shadow.timeout = fields["timeout"]?.duration() ?? shadow.timeout
        proxy?.shadow = shadow
    }

    // MARK: the rollout and the telemetry

    private static func readRollout(
        _ field: YAMLField?, lacksCandidate: Bool
    ) -> (RolloutState, [RolloutState.Schedule.Step], String?) {
        var rollout = RolloutState(id: "default")
        var steps: [RolloutState.Schedule.Step] = []
        var stateFile: String?
        field?.mapping { fields -> Void in
            let id = fields["id"]?.string() ?? rollout.id
            let mode = fields["mode"]?.word(as: RolloutMode.self) ?? .baseline
            let share = fields["percent"].flatMap(percentage)
            let shadowShare = fields["shadow_percent"].flatMap(percentage)
            steps = fields["steps"]?.list(step) ?? []
            stateFile = fields["state_file"]?.string()
            if mode != .baseline, lacksCandidate {
                fields["mode"]?.report("there is no candidate", remedy: "add agents.candidate, or choose baseline")
            }
            if mode == .baseline, share ?? .none != .none {
                fields["percent"]?.report("in mode baseline the candidate has no share", remedy: "choose mode canary, or leave percent out")
            }
            rollout = RolloutState(id: id, mode: mode, percentage: share ?? .none, shadowPercentage: shadowShare ?? .all)
            guard !steps.isEmpty else { return }
            do throws(RolloutError) {
                _ = try rollout.applying(.start(steps), at: 0)
            } catch {
                fields["steps"]?.report(error.message, remedy: "let no step be smaller than the one before")
            }
        }
        return (rollout, steps, stateFile)
    }

    private static func step(_ field: YAMLField) -> RolloutState.Schedule.Step? {
        field.mapping { fields in
            let duration = fields["for"]?.duration()
            guard let share = fields.required("percent").flatMap(percentage) else { return nil }
            return RolloutState.Schedule.Step(percentage: share, seconds: duration.map { max(1, Int($0.components.seconds)) })
        }
    }

    private static func percentage(_ field: YAMLField) -> Percentage? {
        guard let percent = field.percentage() else { return nil }
        guard let value = Percentage(percent: percent) else {
            field.report("it has more than two decimals", remedy: "write at most two, such as 0.05%")
            return nil
        }
        return value
    }

    private static func readAudit(_ fields: YAMLMapping) -> Audit? {
        let digestKey = fields["digest_key"]?.string()
        let signingKey = fields["signing_key"]?.string()
        let checkpoints = fields["checkpoints"]?.string()
        let every = fields["checkpoint_every"]?.int(in: 1...100_000_000)
        let capture = fields["capture"]?.word(as: RunMapping.Capture.self) ?? .none
        guard let file = fields.required("file")?.string() else { return nil }
        return Audit(
            file: file, digestKey: digestKey, signingKey: signingKey, checkpoints: checkpoints, checkpointEvery: every, capture: capture)
    }

    private static func readRuns(_ fields: YAMLMapping) -> Runs? {
        let runs = fields["max_runs"]?.int(in: 1...100_000_000)
        let age = fields["max_age"]?.duration()
        let bytes = fields["max_bytes"]?.int(in: (1 << 20)...(1 << 50))
        let capture = fields["capture"]?.word(as: RunMapping.Capture.self) ?? .none
        guard let file = fields.required("file")?.string() else { return nil }
        return Runs(file: file, maximumRuns: runs, maximumAge: age, maximumBytes: bytes, capture: capture)
    }

    /// A collector's base URL, as it was written.
    private static func readEndpoint(_ field: YAMLField) -> String? {
        guard let text = field.string() else { return nil }
        do throws(UpstreamError) {
            _ = try Upstream(text)
            return text
        } catch {
            field.report(error.message, remedy: "write http://host:port; OTEL_EXPORTER_OTLP_HEADERS takes what the collector asks for")
            return nil
        }
    }

    private static func readTelemetry(_ fields: YAMLMapping, _ folder: String) -> Telemetry {
        var telemetry = Telemetry()
        telemetry.isEnabled = fields["enabled"]?.bool() ?? true
        telemetry.agentName = fields["agent_name"]?.string()
        telemetry.serviceName = fields["service_name"]?.string()
        telemetry.capture = fields["capture"]?.word(as: RunMapping.Capture.self) ?? .none
        telemetry.redactKeys = fields["redact_keys"]?.list { $0.string() } ?? []
        telemetry.redactPatterns = fields["redact_patterns"]?.list { field in
            guard let pattern = field.string() else { return nil }
            var redaction = Redaction()
            do {
                try redaction.add(pattern: pattern)
                return pattern
            } catch {
                field.report("\(pattern) is no regular expression: \(error)", remedy: "mend it")
                return nil
            }
        } ?? []
        telemetry.endpoint = fields["endpoint"].flatMap(readEndpoint)
        fields["sampling"]?.mapping { fields -> Void in
            telemetry.keepsErrors = fields["keep_errors"]?.bool() ?? true
            telemetry.keepsCandidate = fields["keep_candidate"]?.bool() ?? true
        }
        telemetry.spool = fields["spool"]?.mapping { fields -> Spool.Settings? in
            let maximum = fields["max_bytes"]?.int(in: (1 << 20)...(1 << 50))
            let segment = fields["segment_bytes"]?.int(in: (1 << 16)...(1 << 30))
            let sync = fields["sync"]?.word(of: ["never", "interval", "always"])
            guard let path = fields.required("directory")?.string() else { return nil }
            var spool = Spool.Settings(folder: path)
            spool.maximumBytes = maximum ?? spool.maximumBytes
            spool.segmentBytes = min(segment ?? spool.segmentBytes, spool.maximumBytes / 2)
            spool.sync = sync == "always" ? .always : sync == "interval" ? .onRequest : .never
            return spool
        }
        return telemetry
    }
}

extension String {
    /// The folder of a path, with a slash at its end; empty for the current one.
    fileprivate var folder: String { lastIndex(of: "/").map { String(self[...$0]) } ?? "" }
}
