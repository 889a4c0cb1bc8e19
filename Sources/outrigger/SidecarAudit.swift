import AgentRuns
import Ledger
import OTLP
import Rollout
import RunSpans
import SidecarConfiguration
import Synchronization
import ToolGateway

/// The sidecar's audit ledger: what passes the tool gateway, and changes of the rollout, as entries.
final class SidecarAudit: ToolCallJournal {
    private let ledger: LedgerWriter
    private let agent: String
    private let releases: [RunRole: RunMapping.Release]
    /// nil where nothing is kept of contents.
    private let redactor: Mutex<TextRedactor>?
    /// The problems that were told of last: of entries, and of checkpoints.
    private let told = Mutex<(entries: LedgerError?, checkpoints: LedgerError?)>((nil, nil))
    /// Whether checkpoints are signed.
    let isSigned: Bool

    /// - Parameter onCheckpoint: told of every checkpoint, on the ledger's thread.
    /// - Returns: nil where none is configured.
    /// - Throws: a key that is not there, a file that is no ledger, or one that another process writes.
    static func start(
        _ configuration: SidecarConfiguration, _ mapping: RunMapping, _ releases: [RunRole: RunMapping.Release],
        onCheckpoint: @escaping @Sendable (Checkpoint) -> Void
    ) throws -> SidecarAudit? {
        guard let audit = configuration.audit else { return nil }
        let settings = try Self.configuration(audit)
        return SidecarAudit(
            try LedgerWriter(settings, onCheckpoint: onCheckpoint), mapping, releases, keepsContent: audit.capture == .full,
            isSigned: settings.signingKey != nil)
    }

    /// The ledger, with its keys.
    ///
    /// - Throws: a key that is not there, or that is none.
    static func configuration(_ audit: SidecarConfiguration.Audit) throws -> LedgerConfiguration {
        var settings = try AuditWriteOptions.configuration(
            audit.file, digestKey: audit.digestKey, signingKey: audit.signingKey, checkpoints: audit.checkpoints)
        if let every = audit.checkpointEvery { settings.checkpointInterval = UInt64(every) }
        return settings
    }

    private init(
        _ ledger: LedgerWriter, _ mapping: RunMapping, _ releases: [RunRole: RunMapping.Release], keepsContent: Bool, isSigned: Bool
    ) {
        self.ledger = ledger
        self.releases = releases
        self.isSigned = isSigned
        agent = mapping.agentName ?? ""
        redactor = keepsContent ? Mutex(TextRedactor(mapping.redaction)) : nil
    }

    var health: LedgerHealth { ledger.health }

    /// Says when the ledger cannot be written any more, and when it can be again; and does what other processes ask of its writer.
    func watch(_ talker: Talker) {
        ledger.lookForRequests()
        let health = ledger.health
        let last = told.withLock { told in
            defer { told = (health.problem, health.checkpointProblem) }
            return told
        }
        if last.entries != health.problem {
            if let problem = health.problem {
                talker.warn("\(problem); tools that change something are refused until it can be written")
            } else {
                talker.say("the ledger is written again")
            }
        }
        if last.checkpoints != health.checkpointProblem {
            if let problem = health.checkpointProblem {
                talker.warn("\(problem); calls are recorded, but checkpoints are not until it can be written")
            } else {
                talker.say("the ledger's checkpoints are written again")
            }
        }
    }

    /// Writes what waits and a last checkpoint.
    func close(_ talker: Talker) async {
        do {
            try await ledger.close()
        } catch {
            talker.warn("\(error)")
        }
        let health = ledger.health
        if health.lost > 0 { talker.warn("\(Readable.count(Int(clamping: health.lost))) of what was to be recorded in the ledger is lost") }
    }

    // MARK: changes of the rollout

    func record(_ change: RolloutChange) {
        var entry = LedgerEntry(.rolloutChange, time: UInt64(max(0, change.at)) * 1_000_000)
        entry.agent = agent
        entry.rolloutRevision = UInt64(max(0, change.state.revision))
        let release = releases[.candidate]
        entry.releaseVersion = release?.version ?? ""
        entry.releaseDigest = release?.digest ?? ""
        entry.reason = "\(change.command) by \(change.by): \(change.why) (\(change.state.id): \(change.state.summary))"
        ledger.note(LedgerRecord(entry))
    }

    // MARK: tool calls

    func begin(_ call: ToolCallEntry) async throws -> UInt64 {
        var entry = entry(.intent, of: call, time: call.started)
        entry.verdict = .allowed
        return try await ledger.begin(LedgerRecord(entry, arguments: content(call.arguments)))
    }

    func complete(_ number: UInt64, _ call: ToolCallEntry, _ ending: ToolCallEnding) {
        var entry = entry(.completion, of: call, time: ending.ended)
        put(ending, of: call, into: &entry)
        ledger.complete(number, LedgerRecord(entry, result: ending.result.map(content)))
    }

    func note(_ call: ToolCallEntry, _ ending: ToolCallEnding) {
        let isCall = ending.verdict.refusal == nil || ending.outcome != nil
        var entry = entry(isCall ? .call : .refusal, of: call, time: call.started)
        put(ending, of: call, into: &entry)
        ledger.note(LedgerRecord(entry, arguments: content(call.arguments), result: ending.result.map(content)))
    }

    private func entry(_ kind: LedgerEntry.Kind, of call: ToolCallEntry, time: UInt64) -> LedgerEntry {
        var entry = LedgerEntry(kind, time: time)
        let run = call.run
        entry.traceID = run.traceID
        entry.spanID = call.spanID
        // A live run is known by its request.
        entry.runID = run.requestID
        entry.requestID = run.requestID
        entry.arm = run.role
        entry.mode = run.mode
        entry.agent = agent
        entry.releaseVersion = releases[run.role]?.version ?? ""
        entry.releaseDigest = releases[run.role]?.digest ?? ""
        entry.rolloutRevision = UInt64(max(0, run.revision))
        entry.tool = call.tool
        entry.effect = call.effect == .read ? .read : .write
        return entry
    }

    private func put(_ ending: ToolCallEnding, of call: ToolCallEntry, into entry: inout LedgerEntry) {
        entry.verdict = LedgerEntry.Verdict(rawValue: ending.verdict.word) ?? .refused
        entry.reason = ending.verdict.refusal ?? ""
        entry.duration = ending.ended > call.started ? ending.ended - call.started : 0
        guard let outcome = ending.outcome else { return }
        switch outcome {
        case "success", "error", "cancelled": entry.outcome = LedgerEntry.Outcome(rawValue: outcome)
        default:
            // It may have gone out, and whether it took effect is not known.
            entry.outcome = .unknown
            if entry.reason.isEmpty { entry.reason = outcome }
        }
    }

    private func content(_ bytes: [UInt8]) -> LedgerRecord.Content {
        let kept = redactor?.withLock { Array($0.redacted(String(decoding: bytes, as: UTF8.self)).utf8) }
        return LedgerRecord.Content(bytes, kept: kept)
    }
}

extension Checkpoint {
    /// As an event of its own: whoever has the collector's copy misses a tail that was cut off the ledger.
    var event: LogEvent {
        var event = LogEvent("outrigger.audit.checkpoint", time: time)
        event.attributes.append(Attribute("outrigger.audit.entries", .integer(Int64(clamping: count))))
        // As in the checkpoint file, so that it can be put into one.
        event.add("outrigger.audit.checkpoint", json)
        return event
    }
}
