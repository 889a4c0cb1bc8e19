public import Delivery
public import RunSpans

/// What the `OTEL_*` variables say about traces; flags of the same meaning win over them.
///
/// Source: OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter Configuration".
public struct OTelSettings: Sendable {
    public enum Exporter: String, Sendable {
        case otlp, console, none
    }

    public enum Encoding: String, Sendable {
        case protobuf = "http/protobuf"
        case json = "http/json"
    }

    /// Nothing is to be exported at all.
    public var isDisabled = false
    public var exporter = Exporter.otlp
    public var encoding = Encoding.protobuf
    /// The whole URL for traces.
    public var endpoint = "http://localhost:4318/v1/traces"
    public var headers: [(name: String, value: String)] = []
    public var compression = ExportConfiguration.Compression.none
    /// nil for no limit.
    public var timeout: Duration? = .seconds(10)
    public var certificate: String?
    public var clientKey: String?
    public var clientCertificate: String?
    /// Resource attributes, `service.name` among them if it was set.
    public var resource: [(key: String, value: String)] = []
    public var limits = AttributeLimits()
    public var sampler = TraceSampler.alwaysOn
    /// Whether a caller's decision comes before the sampler's.
    public var samplerIsParentBased = true
    /// How long spans of a process that stays may wait for others, to be sent together.
    public var scheduleDelay = Duration.seconds(5)
    public var batchSpans = 512
    /// Spans that wait to be sent.
    public var queueSpans = 2048
    /// How long to try to send a batch, if the user set one.
    public var exportTimeout: Duration?
    public var logLevel = "info"
    /// What could not be used, one sentence each.
    public var warnings: [String] = []

    /// - Throws: ``OTelSettingsError`` for what is set and cannot be had here.
    public init(_ variables: [String: String]) throws(OTelSettingsError) {
        var environment = OTelEnvironment(variables)
        isDisabled = environment.bool("OTEL_SDK_DISABLED")
        if environment.string("OTEL_CONFIG_FILE") != nil {
            throw OTelSettingsError(
                message: "OTEL_CONFIG_FILE is set, and would take over from all other variables, but outrigger cannot read "
                    + "it; unset it and use the OTEL_* variables or flags")
        }
        readExporter(&environment)
        try readProtocol(&environment)
        readEndpoint(&environment)
        readResource(&environment)
        readLimits(&environment)
        readSampler(&environment)
        readBatching(&environment)
        logLevel = environment.word("OTEL_LOG_LEVEL", of: ["none", "error", "warn", "info", "debug", "verbose", "all"]) ?? logLevel
        warnings = environment.warnings
    }

    private mutating func readExporter(_ environment: inout OTelEnvironment) {
        let word = environment.word("OTEL_TRACES_EXPORTER", of: ["otlp", "console", "none"])
        exporter = word.flatMap(Exporter.init) ?? .otlp
        if let name = environment.anyName("COMPRESSION"), let word = environment.word(name, of: ["none", "gzip"]) {
            compression = .init(rawValue: word) ?? .none
        }
        if let name = environment.anyName("TIMEOUT"), let milliseconds = environment.integer(name, atLeast: 0) {
            timeout = milliseconds == 0 ? nil : .milliseconds(milliseconds)
        }
        certificate = environment.anyName("CERTIFICATE").flatMap { environment.string($0) }
        clientKey = environment.anyName("CLIENT_KEY").flatMap { environment.string($0) }
        clientCertificate = environment.anyName("CLIENT_CERTIFICATE").flatMap { environment.string($0) }
        if let name = environment.anyName("HEADERS"), let pairs = environment.pairs(name) {
            headers = pairs.map { ($0.key, $0.value) }
        }
    }

    private mutating func readProtocol(_ environment: inout OTelEnvironment) throws(OTelSettingsError) {
        guard let name = environment.anyName("PROTOCOL"),
            let word = environment.word(name, of: ["http/protobuf", "http/json", "grpc"])
        else { return }
        guard let encoding = Encoding(rawValue: word) else {
            throw OTelSettingsError(
                message: "\(name) is grpc, which outrigger does not speak; set it to http/protobuf, and the endpoint to the "
                    + "collector's HTTP port (usually 4318)")
        }
        self.encoding = encoding
    }

    private mutating func readEndpoint(_ environment: inout OTelEnvironment) {
        if let own = environment.string("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            endpoint = Self.url(forSignal: own)
        } else if let base = environment.string("OTEL_EXPORTER_OTLP_ENDPOINT") {
            endpoint = Self.tracesURL(base: base)
        }
    }

    /// A signal's own URL is used as it is, but for an empty path, which becomes `/`.
    public static func url(forSignal url: String) -> String {
        guard let scheme = url.range(of: "://") else { return url }
        let rest = url[scheme.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        return end < rest.endIndex && rest[end] == "/" ? url : url[..<end] + "/" + url[end...]
    }

    /// The general URL is a base: `v1/traces` is appended to its path.
    public static func tracesURL(base: String) -> String {
        let cut = base.firstIndex { $0 == "?" || $0 == "#" } ?? base.endIndex
        let path = base[..<cut]
        return path + (path.hasSuffix("/") ? "v1/traces" : "/v1/traces") + base[cut...]
    }

    private mutating func readResource(_ environment: inout OTelEnvironment) {
        for pair in environment.pairs("OTEL_RESOURCE_ATTRIBUTES") ?? [] { setResource(pair.key, pair.value) }
        if let name = environment.string("OTEL_SERVICE_NAME") { setResource("service.name", name) }
    }

    /// Sets a resource attribute, replacing an earlier one of the same key.
    public mutating func setResource(_ key: String, _ value: String) {
        if let i = resource.firstIndex(where: { $0.key == key }) {
            resource[i].value = value
        } else {
            resource.append((key, value))
        }
    }

    private mutating func readLimits(_ environment: inout OTelEnvironment) {
        for name in ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"] {
            if let limit = environment.integer(name, atLeast: 0) {
                limits.count = limit
                break
            }
        }
        for name in ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"] {
            if let limit = environment.integer(name, atLeast: 0) {
                limits.valueLength = limit
                break
            }
        }
    }

    private mutating func readSampler(_ environment: inout OTelEnvironment) {
        let names = ["always_on", "always_off", "traceidratio"]
        let word = environment.word("OTEL_TRACES_SAMPLER", of: names + names.map { "parentbased_\($0)" })
        switch word {
        case "always_off", "parentbased_always_off": sampler = .alwaysOff
        case "traceidratio", "parentbased_traceidratio":
            sampler = .ratio(environment.number("OTEL_TRACES_SAMPLER_ARG", in: 0...1) ?? 1)
        default: sampler = .alwaysOn
        }
        samplerIsParentBased = word?.hasPrefix("parentbased_") ?? true
    }

    private mutating func readBatching(_ environment: inout OTelEnvironment) {
        queueSpans = environment.integer("OTEL_BSP_MAX_QUEUE_SIZE", atLeast: 1) ?? queueSpans
        batchSpans = environment.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", atLeast: 1) ?? min(batchSpans, queueSpans)
        if batchSpans > queueSpans {
            environment.warn(
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "\(batchSpans) is more than the queue of \(queueSpans) holds; using \(queueSpans)")
            batchSpans = queueSpans
        }
        // 0 is no limit; a century is near enough.
        exportTimeout = environment.integer("OTEL_BSP_EXPORT_TIMEOUT", atLeast: 0)
            .map { $0 == 0 ? .seconds(100 * 365 * 86_400) : .milliseconds($0) }
        if let delay = environment.integer("OTEL_BSP_SCHEDULE_DELAY", atLeast: 0) { scheduleDelay = .milliseconds(delay) }
    }
}

extension OTelEnvironment {
    /// The name of the variable that counts: the one for traces, or the general one.
    fileprivate func anyName(_ suffix: String) -> String? {
        ["OTEL_EXPORTER_OTLP_TRACES_\(suffix)", "OTEL_EXPORTER_OTLP_\(suffix)"].first { string($0) != nil }
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// A setting that outrigger must not ignore and cannot honour.
public struct OTelSettingsError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}
