import AgentRuns
import Gate
import Releases
import Replay
import ReplayAgents
import Reports
import StrictYAML
import TraceReading

/// A command line, a gate file and release files, made into what a replay needs.
struct ReplaySetup {
    var plan: ReplayPlan
    var policy: GatePolicy
    var baseline: ReplayReport.ArmDescription
    var candidate: ReplayReport.ArmDescription
    var link: TraceLink?
    var checks: [String]
    /// The path of the gate file, as it was given.
    var gateFile: String?
    /// Owns what the agents share; to be ended.
    let agents: AgentSetup
    /// What is read and written; reports are written by whoever makes them.
    var files = OverwriteGuard()
    /// What a reader must know before anything has run.
    var notes: [String] = []
    /// The versions that somebody gave the arms; nil where it is a default.
    var givenVersions: (baseline: String?, candidate: String?)
    /// The versions of the arms' release files; nil where none is named.
    var releaseVersions: (baseline: String?, candidate: String?)
    /// Of the candidate; nil where no file is named.
    var candidateRelease: Release?
    /// Both arms were named by the same specification.
    var armsAreTheSame: Bool

    /// - Parameter onAgents: given what starts agents, before it starts any: whoever calls this ends them, also where this throws.
    /// - Throws: ``UsageError``, `YAMLError` or `ReleaseError`, with the remedy.
    init(_ flags: ReplayFlags, gate: GateOverrides?, onAgents: (AgentSetup) -> Void) async throws {
        let file = try gate?.config.map { path throws(YAMLError) in try GateFile(path: path) }
        guard let traces = flags.arms.traces ?? file?.traces.map({ Self.resolve($0, in: file?.folder) }) else {
            throw UsageError("name the recorded traces: --traces FILE" + (gate == nil ? "" : ", or traces: in the gate file"))
        }
        gateFile = gate?.config
        policy = file?.policy ?? GatePolicy()
        if let gate { Self.apply(gate, to: &policy) }

        let baselineArm = try Arm(flags.arms.baseline, flags.arms.baselineVersion, ReplayName.labels.baseline, file?.baseline, file?.folder)
        let candidateArm = try Arm(flags.arms.candidate, flags.arms.candidateVersion, ReplayName.labels.candidate, file?.candidate, file?.folder)
        givenVersions = (baselineArm.givenVersion, candidateArm.givenVersion)
        releaseVersions = (baselineArm.release?.version, candidateArm.release?.version)
        armsAreTheSame = baselineArm.agent == candidateArm.agent
        if traces == "-", [baselineArm.recording, candidateArm.recording].contains("-") {
            throw UsageError("standard input (-) can be read only once")
        }
        var rules = try Self.rules(flags.rules, file)
        if let allowed = candidateArm.release?.allowedTools { rules.allowedTools = Set(allowed.map { Array($0.name.utf8) }) }
        policy.checkedTools = rules.checks.flatMap(\.tools)
        policy.releaseTools = candidateArm.release?.tools.map(\.name) ?? []
        candidateRelease = candidateArm.release

        let isLive = !baselineArm.isRecorded || !candidateArm.isRecorded
        let replayID = flags.reporting.replayId
            ?? (isLive ? ReplayName.unique() : ReplayName.ofRecordings(baseline: baselineArm.name, candidate: candidateArm.name))
        guard !replayID.utf8.contains(0), !flags.mapping.dataset.utf8.contains(0) else {
            throw UsageError("--replay-id and --dataset must not contain a NUL")
        }
        let repetitions = flags.running.repetitions ?? file?.repetitions ?? 1
        guard (1...1000).contains(repetitions) else { throw UsageError("--repeat must be from 1 to 1000") }
        let concurrency = flags.running.concurrency ?? file?.concurrency ?? 4
        guard (1...10_000).contains(concurrency) else { throw UsageError("--concurrency must be from 1 to 10000") }
        agents = AgentSetup(flags.running, file, concurrency: concurrency)
        onAgents(agents)
        let baselineChat = baselineArm.chat(agents.chat, "baseline")
        let candidateChat = candidateArm.chat(agents.chat, "candidate")
        notes += (baselineChat?.notes ?? []) + (candidateChat?.notes ?? [])
        plan = ReplayPlan(
            traces: traces,
            baseline: .init(
                try await agents.source(baselineArm.agent, label: "baseline", chat: baselineChat?.options), version: baselineArm.version),
            candidate: .init(
                try await agents.source(candidateArm.agent, label: "candidate", chat: candidateChat?.options),
                version: candidateArm.version),
            rules: rules, replayID: replayID)
        plan.dataset = flags.mapping.dataset
        plan.maximumLine = flags.arms.maxLineBytes.bytes
        plan.limit = flags.arms.limit
        // A recorded run is the same however often it is read.
        plan.repetitions = isLive ? repetitions : 1
        plan.concurrency = concurrency
        plan.timeLimit = try flags.running.runTimeLimit ?? file?.runTimeout ?? .seconds(60)
        plan.evaluators = try await agents.evaluators(file?.evaluators ?? [])
        if let rounds = flags.running.maxRounds, !(1...10_000).contains(rounds) { throw UsageError("--max-rounds must be from 1 to 10000") }
        if let limit = plan.limit, limit < 1 { throw UsageError("--limit must be at least 1") }
        baseline = baselineArm.description(isFaithful: baselineChat?.isFaithful ?? true)
        candidate = candidateArm.description(isFaithful: candidateChat?.isFaithful ?? true)
        checks = rules.checks.map(\.name)
        link = try flags.reporting.link.map { try TraceLink(flag: $0) }
        for (arm, name) in [(baselineArm, "baseline"), (candidateArm, "candidate")] {
            guard case .openAI = arm.agent else { continue }
            notes.append("the \(name) answers chat completions, which state no outcome: checks and the comparison of tool calls judge it")
        }
        if !isLive {
            var ignored = flags.running.forAgents
            if flags.running.repetitions == nil, repetitions > 1 { ignored.append("repeat: \(repetitions) of the gate file") }
            if !ignored.isEmpty { notes.append("both arms are recordings, which \(ignored.joined(separator: ", ")) does nothing to") }
        }
        if flags.reporting.noExport, flags.reporting.link != nil { notes.append("--link shows nothing with --no-export: no trace is exported") }
        files.reads(traces, "the traces")
        if let path = gate?.config { files.reads(path, "the gate file") }
        if let path = agents.fallbackPath { files.reads(path, "the tool fallback") }
        if let path = flags.reporting.baselineResult { files.reads(path, "the earlier result") }
        for (arm, name) in [(baselineArm, "baseline"), (candidateArm, "candidate")] {
            if let path = arm.recording { files.reads(path, "the \(name)'s recording") }
            for path in arm.release?.paths ?? [] { files.reads(path, "part of the \(name)'s release") }
        }
        if let ledger = flags.reporting.audit {
            for suffix in ["", "-wal", "-shm", ".digest-key", ".signing-key", ".public-key", ".checkpoints", ".lock"] {
                files.reads(ledger + suffix, "part of the audit ledger")
            }
        }
        if let store = flags.reporting.runs {
            for suffix in ["", "-wal", "-shm", ".lock", ".digest-key"] { files.reads(store + suffix, "part of the run store") }
        }
        // One that no flag names is named in the gate file.
        for (path, flag, key) in [
            (traces, flags.arms.traces, "traces"), (baselineArm.recording, flags.arms.baseline, "baseline"),
            (candidateArm.recording, flags.arms.candidate, "candidate"),
        ] {
            guard let path else { continue }
            do throws(InputError) { try InputFile.check(path) } catch {
                throw UsageError((flag == nil ? gate?.config.map { "\($0): \(key): " } ?? "" : "") + error.description)
            }
        }
    }

    /// One arm as it was named.
    private struct Arm {
        var agent: AgentSpecification
        var version: String
        var givenVersion: String?
        var release: Release?

        init(
            _ agent: String?, _ version: String?, _ label: String, _ file: GateFile.Arm?, _ folder: String?
        ) throws {
            let fromFile = file?.agent.map { text in
                // A recording named in the gate file stands beside it.
                text.hasPrefix("recorded:") ? "recorded:" + ReplaySetup.resolve(String(text.dropFirst(9)), in: folder) : text
            }
            self.agent = try AgentSpecification(parsing: agent ?? fromFile ?? "recorded")
            if let version {
                if version.hasSuffix(".yaml") || version.hasSuffix(".yml") { release = try Release.load(version) }
                givenVersion = release?.version ?? version
            } else {
                release = try file?.release.map { try Release.load(ReplaySetup.resolve($0, in: folder)) }
                givenVersion = release?.version ?? file?.version
            }
            self.version = givenVersion ?? label
        }

        var recording: String? {
            if case .recording(let path) = agent { return path }
            return nil
        }

        var isRecorded: Bool { agent == .recorded || recording != nil }

        var name: ReplayName.Arm { .init(recording: recording, version: version, digest: release?.digest) }

        /// - Parameter isFaithful: whether what runs is what the release says.
        func description(isFaithful: Bool) -> ReplayReport.ArmDescription {
            .init(version: version, digest: isFaithful ? release?.digest : nil, agent: agent.displayName)
        }

        /// What its release says to chat completions; nil for other agents, which know their release themselves.
        func chat(_ flags: OpenAIAgent.Options, _ name: String) -> ReleaseChat? {
            guard case .openAI = agent, let release else { return nil }
            return ReleaseChat(release, flags, arm: name)
        }
    }

    /// A path of the gate file: it starts at the file.
    static func resolve(_ path: String, in folder: String?) -> String {
        if path == "-" || path.hasPrefix("/") { return path }
        // `gates/../traces` reads as `traces`, unless a link makes them two places.
        var folder = folder ?? ""
        var rest = path[...]
        while rest.hasPrefix("../"), let outer = outside(folder) {
            folder = outer
            rest = rest.dropFirst(3)
        }
        return folder + rest
    }

    /// `a/` for `a/b/`; nil where that is not the same place, or not known to be.
    private static func outside(_ folder: String) -> String? {
        let inner = folder.dropLast()
        guard folder.hasSuffix("/"), !inner.isEmpty, !inner.hasSuffix("..") else { return nil }
        let outer = inner.lastIndex(of: "/").map { String(inner[...$0]) } ?? ""
        let parent = InputFile.status(of: folder + "..")?.identity
        return parent != nil && parent == InputFile.status(of: outer.isEmpty ? "." : outer)?.identity ? outer : nil
    }

    private static func apply(_ flags: GateOverrides, to policy: inout GatePolicy) {
        if let value = flags.maxFailed { policy.thresholds.maxFailed = value }
        if let value = flags.maxToolMisuse { policy.thresholds.maxToolMisuse = value }
        if let value = flags.maxBudgetOverruns { policy.thresholds.maxBudgetOverruns = value }
        if let value = flags.minRuns { policy.thresholds.minRuns = value }
        if flags.allowInconclusive { policy.allowsInconclusive = true }
        // Without a file or a word, a gate lets nothing fail.
        if flags.config == nil, policy.thresholds.maxFailed == nil { policy.thresholds.maxFailed = 0 }
    }

    private static func rules(_ flags: ReplayOptions.Rules, _ file: GateFile?) throws -> ReplayRules {
        var rules = ReplayRules()
        rules.maxLatency = try bound(flags.maxLatencyMs, "--max-latency-ms", "1e12") ?? file?.maxLatency ?? rules.maxLatency
        rules.maxCost = try bound(flags.maxCostTokens, "--max-cost-tokens", "1e15") ?? file?.maxCost ?? rules.maxCost
        rules.maxRepetitions = flags.maxRepetitions ?? file?.maxRepetitions ?? rules.maxRepetitions
        guard rules.maxRepetitions >= 1 else { throw UsageError("--max-repetitions must be at least 1") }
        rules.checks = file?.checks ?? []
        rules.failOn = file?.failOn ?? rules.failOn
        if let text = flags.failOn {
            rules.failOn = []
            let words = text.split(separator: ",", omittingEmptySubsequences: false)
            // A variable that is not set must not let every difference pass.
            guard !words.contains("") else {
                throw UsageError("--fail-on \"\(text)\" leaves a kind out; write \(kinds), separated by commas, or none to let all of them pass")
            }
            for word in words where word != "none" {
                guard let kind = ToolCallChange.Kind(rawValue: String(word)) else {
                    throw UsageError("--fail-on \(word): write \(kinds), separated by commas, or none")
                }
                rules.failOn.insert(kind)
            }
        }
        return rules
    }

    private static var kinds: String { ToolCallChange.Kind.allCases.map(\.rawValue).joined(separator: ", ") }

    /// The bounds are the gate file's. What is no number would be no limit at all: nothing exceeds it.
    private static func bound(_ value: Double?, _ flag: String, _ most: String) throws -> Double? {
        guard let value else { return nil }
        guard value >= 0, value <= Double(most) ?? 0 else {
            throw UsageError("\(flag) must be a number from 0 to \(most); for hardly any limit write \(most)")
        }
        return value
    }
}
