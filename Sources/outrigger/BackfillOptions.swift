import ArgumentParser
import RunSpans

/// The flags of `outrigger backfill`, grouped as the help shows them.
enum BackfillOptions {
    struct Input: ParsableArguments {
        @Argument(help: "JSON lines, plain, gzip or zstd; a pattern in quotes is expanded; - is standard input.")
        var files: [String]

        @Option(help: "Send this many runs at most.")
        var limit: Int?
        @Option(help: "Only runs that start at or after this time (RFC 3339 or Unix).")
        var since: TimeArgument?
        @Option(help: "Only runs that start before this time.")
        var until: TimeArgument?
        @Option(help: "When the first line started, for lines without a start_time. Default: so that the last one ends at the file's modification time.")
        var startTime: TimeArgument?
        @Option(help: "Time from one line without a start_time to the next.")
        var stride = DurationArgument(.seconds(1))
        @Option(help: "Copy rejected lines to this file.")
        var rejectFile: String?
        @Flag(help: "End at the first rejected line.")
        var strict = false
        @Option(help: "Reject lines longer than this (bytes, or with k, M, G).")
        var maxLineBytes = SizeArgument(bytes: 16 << 20)
        @Flag(help: "Keep reading as lines are appended, across rotation and truncation, until SIGTERM or Ctrl-C.")
        var follow = false
        @Option(help: "Remember in this file what the collector acknowledged, and go on from there next time.")
        var state: String?
    }

    struct Mapping: ParsableArguments {
        @Option(help: "A name for this collection of runs; part of every span's id.")
        var dataset = "default"
        @Option(help: "The service.name of all spans.")
        var serviceName: String?
        @Option(help: "The agent's name, for runs that do not say.")
        var agentName: String?
        @Option(help: "The agent's version, for runs that do not say.")
        var agentVersion: String?
        @Option(help: "Which arm these runs belong to: baseline or candidate.")
        var role = RunRoleArgument.baseline
        @Option(name: .customLong("resource"), help: "A resource attribute, key=value; repeatable.")
        var resource: [PairArgument] = []
        @Flag(help: "Hash every trace id, also those recorded as W3C ids.")
        var rehash = false
        @Option(help: "How much content to export: none, metadata (sizes and digests) or full (redacted).")
        var capture = CaptureArgument.none
        @Option(help: "Redact the values of this JSON key too; repeatable.")
        var redactKey: [String] = []
        @Option(help: "Redact what this regular expression matches; repeatable.")
        var redactPattern: [String] = []
        @Flag(help: "Leave out the built-in redaction (e-mail addresses, cards, tokens, API keys, known JSON keys).")
        var noBuiltinRedaction = false
    }

    struct Export: ParsableArguments {
        @Option(help: "Where to: otlp (HTTP), console (a tree), FILE.jsonl (OTLP JSON lines) or FILE.otlp (delimited protobuf).")
        var output: String?
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
        @Option(help: "Threads that decode and encode. Default: the machine's cores.")
        var workers: Int?
        @Flag(help: "Read and map everything, send nothing.")
        var dryRun = false
    }

    struct Reporting: ParsableArguments {
        @Option(help: "A URL to look at a trace, with {trace_id} in it, for the summary.")
        var link: String?
        @Option(help: "Read back what arrived: jaeger=URL, tempo=URL or phoenix=URL.")
        var verify: String?
        @Option(help: "How long --verify waits for more spans to become visible.")
        var verifyTimeout = DurationArgument(.seconds(15))
        @Flag(help: "The summary as one line of JSON on standard output.")
        var json = false
        @Flag(name: .shortAndLong, help: "Say nothing but errors.")
        var quiet = false
    }
}

enum CaptureArgument: String, CaseIterable, ExpressibleByArgument { case none, metadata, full }
enum RunRoleArgument: String, CaseIterable, ExpressibleByArgument { case baseline, candidate }
enum CompressionArgument: String, CaseIterable, ExpressibleByArgument { case none, gzip }
enum ProtocolArgument: String, CaseIterable, ExpressibleByArgument {
    case protobuf = "http/protobuf"
    case json = "http/json"
}
