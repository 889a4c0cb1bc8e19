import ArgumentParser
import RunSpans

/// The flags of every command that maps runs to spans.
struct MappingOptions: ParsableArguments {
    @Option(help: "A name for this collection of runs; part of every span's id.")
    var dataset = "default"
    @Option(help: "The service.name of all spans.")
    var serviceName: String?
    @Option(help: "The agent's name, for runs that do not say.")
    var agentName: String?
    @Option(name: .customLong("resource"), help: "A resource attribute, key=value; repeatable.")
    var resource: [PairArgument] = []
    @Option(help: "How much content to export: none, metadata (sizes and digests) or full (redacted).")
    var capture = CaptureArgument.none
    @Option(help: "Redact the values of this JSON key too; repeatable.")
    var redactKey: [String] = []
    @Option(help: "Redact what this regular expression matches; repeatable.")
    var redactPattern: [String] = []
    @Flag(help: "Leave out the built-in redaction (e-mail addresses, cards, tokens, API keys, known JSON keys).")
    var noBuiltinRedaction = false
}

/// The flags of every command that exports over OTLP.
struct ExportOptions: ParsableArguments {
    @Option(help: "The collector's base URL; /v1/traces is appended unless the path ends so. [$OTEL_EXPORTER_OTLP_ENDPOINT]")
    var endpoint: String?
    @Option(help: "A header, name=value; repeatable. [$OTEL_EXPORTER_OTLP_HEADERS]")
    var header: [String] = []
    @Option(help: "gzip or none. [$OTEL_EXPORTER_OTLP_COMPRESSION]")
    var compression: CompressionArgument?
    @Option(help: "http/protobuf or http/json. [$OTEL_EXPORTER_OTLP_PROTOCOL]")
    var `protocol`: ProtocolArgument?
    @Option(help: "For one request; 0 is no limit. [$OTEL_EXPORTER_OTLP_TIMEOUT]")
    var timeout: DurationArgument?
    @Option(help: "PEM file of the authorities to trust. [$OTEL_EXPORTER_OTLP_CERTIFICATE]")
    var certificate: String?
    @Option(help: "PEM file of the client's certificate. [$OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE]")
    var clientCertificate: String?
    @Option(help: "PEM file of the client's key. [$OTEL_EXPORTER_OTLP_CLIENT_KEY]")
    var clientKey: String?
    @Option(help: "Requests at once, each on its own connection.")
    var connections = 4
    @Option(help: "Spans of a request at most. [$OTEL_BSP_MAX_EXPORT_BATCH_SIZE]")
    var batchSpans: Int?
    @Option(help: "Bytes of a request at most, before compression.")
    var batchBytes = SizeArgument(bytes: 4 << 20)
    @Option(help: "The first wait before a request is tried again; each further one is 1.5 times as long.")
    var retryInitial = DurationArgument(.seconds(1))
    @Option(help: "Give up on a request after this long. [$OTEL_BSP_EXPORT_TIMEOUT]")
    var retryMax: DurationArgument?
}

enum CaptureArgument: String, CaseIterable, ExpressibleByArgument { case none, metadata, full }
enum CompressionArgument: String, CaseIterable, ExpressibleByArgument { case none, gzip }
enum ProtocolArgument: String, CaseIterable, ExpressibleByArgument {
    case protobuf = "http/protobuf"
    case json = "http/json"
}
