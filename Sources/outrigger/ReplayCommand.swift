import ArgumentParser
import Gate
import Glibc
import Replay

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay recorded traces with a baseline and a candidate, and compare them run by run.",
        discussion: """
            Exit status: 0 every trace passed; 1 one or more failed or could not be read, or the replay is partial; 2 the command \
            line, the configuration or an input is wrong.
            """)

    @OptionGroup(title: "Arms") var arms: ReplayOptions.Arms
    @OptionGroup(title: "Rules") var rules: ReplayOptions.Rules
    @OptionGroup(title: "Running agents") var running: ReplayOptions.Running
    @OptionGroup(title: "Reporting") var reporting: ReplayOptions.Reporting
    @OptionGroup(title: "Spans") var mapping: MappingOptions
    @OptionGroup(title: "Export") var export: ExportOptions

    mutating func run() async throws {
        let flags = ReplayFlags(arms, rules, running, reporting, mapping, export)
        try await ReplaySession.run(flags, gate: nil) { report in
            report.partial == nil && report.tally.failed == 0 && report.rejectedLines.isEmpty ? 0 : 1
        }
    }
}

struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Replay traces as a gate file says, and give CI a verdict: pass, fail or inconclusive.",
        discussion: """
            Flags win over the gate file.

            Exit status: 0 pass; 1 fail; 3 inconclusive, which is never a pass unless --allow-inconclusive says so; 2 the \
            command line, the configuration or an input is wrong.
            """)

    @Option(help: "The gate file (YAML).")
    var config: String?
    @Option(help: "Fail when more traces fail than this.")
    var maxFailed: Int?
    @Option(help: "Fail when more traces call a tool that is not allowed.")
    var maxToolMisuse: Int?
    @Option(help: "Fail when more budgets are overrun.")
    var maxBudgetOverruns: Int?
    @Option(help: "Inconclusive with fewer traces than this that say anything.")
    var minRuns: Int?
    @Flag(help: "Let an inconclusive verdict pass (exit status 0), but not that of a partial replay; every report says so.")
    var allowInconclusive = false
    @OptionGroup(title: "Arms") var arms: ReplayOptions.Arms
    @OptionGroup(title: "Rules") var rules: ReplayOptions.Rules
    @OptionGroup(title: "Running agents") var running: ReplayOptions.Running
    @OptionGroup(title: "Reporting") var reporting: ReplayOptions.Reporting
    @OptionGroup(title: "Spans") var mapping: MappingOptions
    @OptionGroup(title: "Export") var export: ExportOptions

    mutating func run() async throws {
        let flags = ReplayFlags(arms, rules, running, reporting, mapping, export)
        let overrides = GateOverrides(
            config: config, maxFailed: maxFailed, maxToolMisuse: maxToolMisuse, maxBudgetOverruns: maxBudgetOverruns,
            minRuns: minRuns, allowInconclusive: allowInconclusive)
        try await ReplaySession.run(flags, gate: overrides) { report in
            guard let gate = report.gate else { return 3 }
            return gate.verdict == .inconclusive && gate.allowsInconclusive ? 0 : gate.verdict.exitStatus
        }
    }
}

/// All flags of a replay.
struct ReplayFlags {
    var arms: ReplayOptions.Arms
    var rules: ReplayOptions.Rules
    var running: ReplayOptions.Running
    var reporting: ReplayOptions.Reporting
    var mapping: MappingOptions
    var export: ExportOptions

    init(
        _ arms: ReplayOptions.Arms, _ rules: ReplayOptions.Rules, _ running: ReplayOptions.Running,
        _ reporting: ReplayOptions.Reporting, _ mapping: MappingOptions, _ export: ExportOptions
    ) {
        self.arms = arms
        self.rules = rules
        self.running = running
        self.reporting = reporting
        self.mapping = mapping
        self.export = export
    }
}

/// What the flags of `outrigger gate` say over its file.
struct GateOverrides {
    var config: String?
    var maxFailed: Int?
    var maxToolMisuse: Int?
    var maxBudgetOverruns: Int?
    var minRuns: Int?
    var allowInconclusive: Bool
}
