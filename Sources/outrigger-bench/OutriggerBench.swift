import ArgumentParser

@main
struct OutriggerBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outrigger-bench",
        abstract: "What outrigger's jobs cost, beside their peers.",
        subcommands: [
            BackfillBench.self, ReplayBench.self, ServeBench.self, SoakBench.self, ToolBench.self, LedgerBench.self, SinkCommand.self,
            AgentCommand.self,
        ],
        defaultSubcommand: BackfillBench.self)
}

/// The collector that the benchmarks send to, in a process of its own so that its time is not counted.
struct SinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sink", shouldDisplay: false)

    @Argument var portFile: String

    func run() throws { try Sink.serve(portFile: portFile) }
}

/// The agent that a live replay asks, and that the sidecar has behind it.
struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "agent", shouldDisplay: false)

    @Argument var portFile: String
    @Option var delayMs = 50
    @Flag var stream = false

    func run() throws { try StubAgent.serve(portFile: portFile, delay: .milliseconds(stream ? 0 : delayMs), streams: stream) }
}
