import AgentRuns
import Glibc
import Ledger
import OTelSettings
import Rollout
import RolloutControl
import Router
import RunSpans
import RunStore
import SidecarConfiguration
import Spool
import ToolGateway

/// What a start finds on this machine, beside a sound configuration: keys, variables, files, addresses.
///
/// It is found out by what a start itself goes by, and nothing is made, changed, locked or listened at. What another process holds
/// (an address, a lock) is no obstacle here: mostly that is the sidecar that runs, and this is the configuration that it reads next.
struct StartConditions {
    let releases: [RunRole: RunMapping.Release]
    /// What the arms' release files say of tools.
    let tools: [RunRole: ReleaseTools]
    /// The rollout that it would begin with.
    let rollout: RolloutState
    let isAuditSigned: Bool
    /// Where spans would go, for people.
    let telemetry: String
    /// What the environment says that cannot be used.
    let warnings: [String]

    /// - Throws: ``UsageError`` with all that a start would refuse, each with the remedy.
    init(_ configuration: SidecarConfiguration) throws {
        var problems: [String] = []
        func note(_ problem: String) {
            // A release file is read for what it says of its arm, and for its tools.
            if !problems.contains(problem) { problems.append(problem) }
        }
        func attempt<Value>(_ body: () throws -> Value) -> Value? {
            do {
                return try body()
            } catch {
                note("\(error)")
                return nil
            }
        }
        releases = attempt { try SidecarTelemetry.releases(configuration.releases) } ?? [:]
        tools = attempt { try ReleaseTools.load(configuration.releases) } ?? [:]
        let destination = attempt { try TelemetryDestination(configuration.telemetry) }
        telemetry = destination?.summary ?? ""
        warnings = destination?.settings.warnings ?? []
        let initial = configuration.rollout
        let found = attempt { try RolloutController.stateAtStart(initial, path: configuration.stateFile) } ?? initial
        let started = configuration.startsSchedule(found) ? attempt { try found.applying(.start(configuration.steps), at: 0) } : nil
        rollout = started ?? found
        let ledger: LedgerConfiguration? = attempt { try configuration.audit.map(SidecarAudit.configuration) } ?? nil
        isAuditSigned = ledger?.signingKey != nil
        if let ledger { _ = attempt { try LedgerWriter.inspect(ledger) } }
        if let runs = configuration.runs { _ = attempt { try RunStoreWriter.inspect(runs.file) } }
        if let tools = configuration.tools { _ = attempt { try SidecarTools.targets(tools) } }
        _ = attempt { try Sidecar.settings(configuration.admin) }
        _ = attempt { try configuration.proxy.checkAuthorities() }
        for problem in Self.unwritable(configuration) + Self.addresses(configuration) { note(problem) }
        guard problems.isEmpty else { throw UsageError(problems.joined(separator: "\n")) }
    }

    private static func addresses(_ configuration: SidecarConfiguration) -> [String] {
        configuration.addresses.compactMap { name, address in
            ListeningProbe.problem(address).map { "\(name): this machine cannot listen on \(address.description): \($0)" }
        }
    }

    // MARK: files

    /// Files and folders that are made, or written, by a start.
    private static func unwritable(_ configuration: SidecarConfiguration) -> [String] {
        var files: [(name: String, path: String)] = []
        if let path = configuration.stateFile.map(RolloutController.stateFile) {
            files.append(("rollout.state_file", path + ".lock"))
            // Later changes replace it; one that is there need not be writable itself.
            if access(path, F_OK) != 0 { files.append(("rollout.state_file", path)) }
        }
        if let audit = configuration.audit {
            files.append(("audit.file", audit.file))
            files.append(("audit.checkpoints", audit.checkpoints ?? "\(audit.file).checkpoints"))
        }
        if let runs = configuration.runs { files.append(("runs.file", runs.file)) }
        if configuration.telemetry.isEnabled, let spool = configuration.telemetry.spool {
            let isThere = access(spool.folder, F_OK) == 0
            files.append(("telemetry.spool", isThere ? "\(spool.folder)/lock" : spool.folder))
        }
        return files.compactMap { name, path in obstacle(path).map { "\(name): \($0)" } }
    }

    /// - Returns: why the file can be neither written nor made; nil when it can be.
    private static func obstacle(_ path: String) -> String? {
        if access(path, F_OK) == 0 { return access(path, W_OK) == 0 ? nil : "\(path) cannot be written" }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        if access(folder, W_OK | X_OK) == 0 { return nil }
        return "the folder \(folder) " + (errno == ENOENT ? "does not exist; make it" : "cannot be written")
    }
}

extension SidecarConfiguration {
    /// Whether a start with this rollout begins the steps: only where nobody has changed it yet.
    func startsSchedule(_ rollout: RolloutState) -> Bool { !steps.isEmpty && rollout.revision == 1 }
}
