import ArgumentParser

/// The flags of `outrigger replay` and `outrigger gate`, grouped as the help shows them. What a gate file can say too is
/// optional here: a flag wins over the file.
enum ReplayOptions {
    struct Arms: ParsableArguments {
        @Option(help: "The recorded traces: JSON lines, plain, gzip or zstd; - is standard input.")
        var traces: String?
        @Option(help: "Who does the baseline's runs: recorded, recorded:FILE, http(s)://URL, openai:URL or exec:COMMAND. Default: recorded.")
        var baseline: String?
        @Option(help: "Who does the candidate's runs. Default: recorded.")
        var candidate: String?
        @Option(help: "The baseline's version, or its release.yaml. Default: v1.")
        var baselineVersion: String?
        @Option(help: "The candidate's version, or its release.yaml. Default: v2.")
        var candidateVersion: String?
        @Option(help: "Replay this many traces at most.")
        var limit: Int?
        @Option(help: "Reject lines longer than this (bytes, or with k, M, G).")
        var maxLineBytes = SizeArgument(bytes: 16 << 20)
    }

    struct Rules: ParsableArguments {
        @Option(help: "A run that takes longer fails. Default: 5000.")
        var maxLatencyMs: Double?
        @Option(help: "A run that costs more tokens fails. Default: 1000.")
        var maxCostTokens: Double?
        @Option(help: """
            Differences in tool calls that fail a run, separated by commas: wrong_tool, wrong_arguments, reordered, missing, \
            duplicated, extra; or none. Default: all.
            """)
        var failOn: String?
        @Option(help: "How often the same calls may be repeated in a row before that is a loop. Default: 5.")
        var maxRepetitions: Int?
    }

    struct Running: ParsableArguments {
        @Option(help: "Runs of agents under way at once. Default: 4.")
        var concurrency: Int?
        @Option(help: "For one run of an agent, retries included, with its unit (500ms, 10s, 5m). Default: 60s.")
        var runTimeout: String?
        @Option(name: .customLong("repeat"), help: "Replay every trace this many times; recordings are read once. Default: 1.")
        var repetitions: Int?
        @Option(help: "How tool calls are matched to recorded ones: strict, ordered or lenient. Default: lenient.")
        var toolMatch: ToolMatchArgument?
        @Option(help: "Answers for tool calls that nothing was recorded for (JSON lines).")
        var toolFallback: String?
        @Option(help: "A header for the agents, name=value; repeatable. A value of env:NAME is read from that variable.")
        var agentHeader: [String] = []
        @Option(help: "The model to ask for, for agents of the chat completions shape.")
        var model: String?
        @Option(help: "The variable that holds the API key for agents of the chat completions shape.")
        var apiKeyEnv: String?
        @Option(help: "How often agents of the chat completions shape are asked in one run. Default: 32.")
        var maxRounds: Int?
        @Option(help: "Tries beyond the first when an agent cannot be reached.")
        var agentRetries = 2
    }

    struct Reporting: ParsableArguments {
        @Option(help: ArgumentHelp(
            "Record both arms' tool calls in this audit ledger too; its keys stand beside it (outrigger audit keys).", valueName: "file"))
        var audit: String?
        @Option(help: ArgumentHelp(
            "Keep both arms' runs in this run store too, for outrigger correlate; contents by --capture full only.", valueName: "file"))
        var runs: String?
        @Flag(help: "The result as JSON on standard output, and nothing else there.")
        var json = false
        @Option(name: .customLong("report"), help: """
            Write a report: json=FILE, junit=FILE, markdown=FILE, html=FILE, or github (annotations and step summary); \
            repeatable.
            """)
        var reports: [String] = []
        @Option(help: "Compare with an earlier result (a JSON report).")
        var baselineResult: String?
        @Option(help: "A URL to look at a trace, with {trace_id} in it.")
        var link: String?
        @Flag(help: "Export no spans.")
        var noExport = false
        @Option(help: """
            The name of this replay, part of every span's id. Default: one for each replay of agents; for recordings the same for \
            the same recordings (by their files' names), versions and releases.
            """)
        var replayId: String?
        @Flag(name: .shortAndLong, help: "Say nothing but the result and errors.")
        var quiet = false
    }
}

enum ToolMatchArgument: String, CaseIterable, ExpressibleByArgument { case strict, ordered, lenient }

extension ReplayOptions.Running {
    /// The flags that were given and say something to agents only.
    var forAgents: [String] {
        [
            ("--run-timeout", runTimeout != nil), ("--tool-match", toolMatch != nil), ("--tool-fallback", toolFallback != nil),
            ("--agent-header", !agentHeader.isEmpty), ("--model", model != nil), ("--api-key-env", apiKeyEnv != nil),
            ("--max-rounds", maxRounds != nil), ("--repeat", repetitions ?? 1 > 1),
        ].filter(\.1).map(\.0)
    }

    /// - Throws: ``UsageError`` for a time without its unit: 10 milliseconds are seldom what was meant by 10.
    var runTimeLimit: Duration? {
        get throws(UsageError) {
            guard let runTimeout else { return nil }
            guard let value = DurationArgument(argument: runTimeout), runTimeout.last?.isLetter == true else {
                throw UsageError(
                    "--run-timeout \(runTimeout): write a time and its unit, such as 500ms, 10s or 5m, below \(DurationArgument.maximumHours)h")
            }
            guard value.duration > .zero else { throw UsageError("--run-timeout must be more than nothing") }
            return value.duration
        }
    }
}
