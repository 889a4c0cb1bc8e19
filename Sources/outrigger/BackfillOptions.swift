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
        @OptionGroup var shared: MappingOptions
        @Option(help: "The agent's version, for runs that do not say.")
        var agentVersion: String?
        @Option(help: "Which arm these runs belong to: baseline or candidate.")
        var role = RunRoleArgument.baseline
        @Flag(help: "Hash every trace id, also those recorded as W3C ids.")
        var rehash = false
    }

    struct Export: ParsableArguments {
        @Option(help: "Where to: otlp (HTTP), console (a tree), FILE.jsonl (OTLP JSON lines) or FILE.otlp (delimited protobuf).")
        var output: String?
        @OptionGroup var shared: ExportOptions
        @Option(help: "Threads that decode and encode. Default: the machine's cores.")
        var workers: Int?
        @Flag(help: "Read and map everything, send nothing.")
        var dryRun = false
    }

    struct Reporting: ParsableArguments {
        @Option(help: ArgumentHelp(
            "Record every tool call in this audit ledger too; its keys stand beside it (outrigger audit keys).", valueName: "file"))
        var audit: String?
        @Option(help: "A URL to look at a trace, with {trace_id} in it, and {span_id} if you like, for the summary.")
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

enum RunRoleArgument: String, CaseIterable, ExpressibleByArgument { case baseline, candidate }
