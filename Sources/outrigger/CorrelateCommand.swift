import AgentRuns
import ArgumentParser
import Correlation
import Glibc
import JSONText
import Reports
import RunStore

/// `outrigger correlate`: two arms beside each other, from the run store.
struct CorrelateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correlate",
        abstract: "Put the baseline's and the candidate's runs beside each other: shadows, canaries, replays.",
        discussion: """
            Reads run stores: that of a sidecar (`runs:` in its configuration), also while it is written, or that of a replay \
            (--runs). Trace ids are those in the collector.

            Exit status: 0 something was found; 1 nothing was; 2 the command line is wrong, or there is no such store.
            """)

    @Option(help: ArgumentHelp("A run store; repeatable.", valueName: "file")) var runs: [String]
    @Option(help: "The runs that served this request (its x-request-id).") var request: String?
    @Option(help: "The run of this trace, and its partner.") var trace: TraceArgument?
    @Option(name: .customLong("run"), help: "The runs that were recorded under this id, such as a replay's of one recorded trace.")
    var recordedID: String?
    @Option(help: ArgumentHelp(
        "All that was stored from this time on: RFC 3339, Unix, or how long ago (90s, 30m, 2h, 3d).", valueName: "time"))
    var since: PastTimeArgument?
    @Option(help: "Only what was stored before this time; with --since.") var until: PastTimeArgument?
    @Option(help: ArgumentHelp("Only shadow, canary or replay; with --since, repeatable.", valueName: "mode"))
    var mode: [CorrelateMode] = []
    @Flag(help: "Only pairs that differ.") var differing = false
    @Option(help: "How many pairs are listed.") var limit = 20
    @Option(help: "A URL to look at a trace, with {trace_id} in it.") var link: String?
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        let status: Int32
        do {
            status = try carryOut()
        } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
            throw ExitCode((error as? RunStoreError)?.exitStatus ?? 2)
        }
        if status != 0 { throw ExitCode(status) }
    }

    private func carryOut() throws -> Int32 {
        guard [request != nil, trace != nil, recordedID != nil, since != nil].count(where: { $0 }) == 1 else {
            throw UsageError("say what to look for: one of --request ID, --trace ID, --run ID and --since TIME")
        }
        guard since != nil || (until == nil && mode.isEmpty) else { throw UsageError("--until and --mode go with --since") }
        guard limit >= 0 else { throw UsageError("--limit must not be negative") }
        let link = try link.map { try TraceLink(flag: $0) }
        let stores = try runs.map { try RunStoreReader($0) }
        if let since {
            return try overview(stores, .init(since: since.nanoseconds, until: until?.nanoseconds ?? .max), link)
        }
        return try single(stores, link)
    }

    // MARK: one request or trace

    private func single(_ stores: [RunStoreReader], _ link: TraceLink?) throws -> Int32 {
        var found = CorrelatedRuns()
        for store in stores { try found.add(wanted(store), store) }
        guard !found.isEmpty else {
            let wanted = trace.map { "trace \($0.id.hex)" } ?? recordedID.map { "id \($0)" } ?? "request \(request ?? "")"
            Terminal.write("no run of \(wanted.escapedForTerminal) is in \(runs.joined(separator: ", ").escapedForTerminal)\n", to: STDERR_FILENO)
            return 1
        }
        let pairs = differing ? found.pairs.filter { !$0.differences.isEmpty } : found.pairs
        let cohorts = try cohorts(of: found.singles, stores)
        if json {
            print(
                JSONValue.object([
                    ("pairs", .array(pairs.map { CorrelateJSON.pair($0, link) })),
                    ("runs", .array(found.singles.map { CorrelateJSON.run($0, link) })),
                    ("cohorts", .array(cohorts.all.map { CorrelateJSON.cohort($0.key, $0.arms) })),
                ]).text + "\n")
            return 0
        }
        var blocks = pairs.map { CorrelateText.pair($0, link) } + found.singles.map { CorrelateText.single($0, link) }
        if !cohorts.all.isEmpty { blocks.append(CorrelateText.cohorts(cohorts.all)) }
        if blocks.isEmpty { blocks.append("no pair differs\n") }
        print(blocks.joined(separator: "\n"))
        return 0
    }

    private func wanted(_ store: RunStoreReader) throws -> [StoredRun] {
        if let trace { return try store.runs(ofTrace: trace.id) }
        if let recordedID { return try store.runs(recordedAs: recordedID) }
        return try store.runs(ofRequest: request ?? "")
    }

    /// What a canary's runs that have no partner are to be compared with: the others under the same revision.
    private func cohorts(of singles: [StoredRun], _ stores: [RunStoreReader]) throws -> Cohorts {
        let keys = Set(singles.filter { $0.mode == .canary }.map { Cohorts.Key(of: $0) })
        var cohorts = Cohorts()
        guard !keys.isEmpty else { return cohorts }
        for store in stores {
            try store.forEachRun(.canary, in: .init()) { if keys.contains(Cohorts.Key(of: $0)) { cohorts.add($0) } }
        }
        return cohorts
    }

    // MARK: a period

    private func overview(_ stores: [RunStoreReader], _ period: RunStoreReader.Period, _ link: TraceLink?) throws -> Int32 {
        let modes = mode.isEmpty ? CorrelateMode.allCases : mode
        var groups: [CorrelatedGroup] = []
        var places: [String: Int] = [:]
        var cohorts = Cohorts()
        for store in stores {
            if modes.contains(.shadow) || modes.contains(.replay) {
                try store.forEachPair(in: period) { pair in
                    let isReplay = pair.candidate.mode == .replay
                    guard modes.contains(isReplay ? .replay : .shadow) else { return true }
                    let name = CorrelatedGroup.name(of: pair.candidate)
                    let i = places[name] ?? groups.count
                    if i == groups.count { groups.append(CorrelatedGroup(name: name)) }
                    places[name] = i
                    groups[i].add(PairComparison(pair), listing: limit, differingOnly: differing)
                    return true
                }
            }
            if modes.contains(.canary) { try store.forEachRun(.canary, in: period) { cohorts.add($0) } }
        }
        guard !groups.isEmpty || !cohorts.all.isEmpty else {
            Terminal.write("nothing to put beside each other was stored in that time\n", to: STDERR_FILENO)
            return 1
        }
        if json {
            print(
                JSONValue.object([
                    ("groups", .array(groups.map { CorrelateJSON.group($0, link) })),
                    ("cohorts", .array(cohorts.all.map { CorrelateJSON.cohort($0.key, $0.arms) })),
                ]).text + "\n")
            return 0
        }
        var blocks = groups.map { CorrelateText.group($0, link) }
        if !cohorts.all.isEmpty { blocks.append(CorrelateText.cohorts(cohorts.all)) }
        print(blocks.joined(separator: "\n"))
        return 0
    }

    private func print(_ text: String) { Terminal.write(text, to: STDOUT_FILENO) }
}

enum CorrelateMode: String, CaseIterable, ExpressibleByArgument { case shadow, canary, replay }

extension RunStoreError {
    /// 2 where the command line or a file that it names is to be mended, 1 where the store failed.
    var exitStatus: Int32 {
        switch kind {
        case .notAStore, .newer, .inUse: 2
        case .locked, .full, .corrupt, .system: 1
        }
    }
}
