import AgentRuns
import ArgumentParser
import Glibc
import Ledger
import Threads

/// `outrigger audit`: the ledger, from the command line.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Look into the ledger of tool calls, verify it, and keep it.",
        discussion: """
            Exit status: 0 done, and for verify: all is well; 1 verify found something, or not all could be done; 2 the \
            command line is wrong, or there is no such ledger.
            """,
        subcommands: [
            AuditList.self, AuditShow.self, AuditTrace.self, AuditStats.self, AuditDiff.self, AuditVerify.self,
            AuditExport.self,
            AuditImport.self, AuditErase.self, AuditPrune.self, AuditCheckpoint.self, AuditReindex.self, AuditKeys.self,
        ])

    /// Carries a command out, and ends with the status that goes with what happened.
    static func carryOut(_ body: () throws -> Int32) throws {
        let status: Int32
        do {
            status = try body()
        } catch let error as LedgerError {
            throw failure(error, error.exitStatus)
        } catch let error as ThreadError {
            throw failure(error, 1)
        } catch let status as ExitCode {
            throw status
        } catch {
            throw failure(error, 2)
        }
        if status != 0 { throw ExitCode(status) }
    }

    private static func failure(_ error: some Error, _ status: Int32) -> ExitCode {
        Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
        return ExitCode(status)
    }

    static func print(_ text: String) { Terminal.write(text, to: STDOUT_FILENO) }
    static func say(_ text: String) { Terminal.write(text, to: STDERR_FILENO) }
}

struct AuditFilterOptions: ParsableArguments {
    @Option(help: "Only from this time on: RFC 3339, Unix, or how long ago (90s, 30m, 2h, 3d).") var since: PastTimeArgument?
    @Option(help: "Only before this time, likewise.") var until: PastTimeArgument?
    @Option(help: "intent, completion, call, refusal, rollout_change, erasure, pruning or loss.") var kind: KindArgument?
    @Option(help: "Only this tool.") var tool: String?
    @Option(help: "baseline or candidate.") var arm: RunRoleArgument?
    @Option(help: "live, canary, shadow, replay or backfill.") var mode: ModeArgument?
    @Option(help: "Only this agent.") var agent: String?
    @Option(help: "Only this release: its version, or its digest (sha256:…).") var release: String?
    @Option(help: "allowed, refused, replayed or fenced.") var verdict: VerdictArgument?
    @Option(help: "Only this trace.") var trace: TraceArgument?
    @Option(help: "Only this request.") var request: String?
    @Option(help: "Only this run.") var run: String?
    @Option(help: "Only what has this text in the content that was kept.") var text: String?

    var filter: LedgerFilter {
        var filter = LedgerFilter()
        filter.since = since?.nanoseconds
        filter.until = until?.nanoseconds
        filter.kind = kind.flatMap { .init(rawValue: $0.rawValue) }
        filter.tool = tool
        filter.arm = arm.flatMap { RunRole(rawValue: $0.rawValue) }
        filter.mode = mode.flatMap { RunMode(rawValue: $0.rawValue) }
        filter.agent = agent
        filter.release = release
        filter.verdict = verdict.flatMap { .init(rawValue: $0.rawValue) }
        filter.traceID = trace?.id
        filter.requestID = request
        filter.runID = run
        filter.text = text
        return filter
    }
}

enum KindArgument: String, CaseIterable, ExpressibleByArgument {
    case intent, completion, call, refusal, erasure, pruning, loss
    case rolloutChange = "rollout_change"
}
enum ModeArgument: String, CaseIterable, ExpressibleByArgument { case live, canary, shadow, replay, backfill }
enum VerdictArgument: String, CaseIterable, ExpressibleByArgument { case allowed, refused, replayed, fenced }
enum AuditFormat: String, CaseIterable, ExpressibleByArgument { case table, json, csv }

/// A trace id: 32 hex digits.
struct TraceArgument: ExpressibleByArgument {
    var id: TraceID

    init?(argument: String) {
        guard let id = TraceID(hex: argument.utf8) else { return nil }
        self.id = id
    }
}

/// The ledger that a command reads.
struct AuditLedgerArgument: ParsableArguments {
    @Argument(help: "The ledger's database; a copy or a read-only file will do.") var ledger: String
}

/// The ledger that a command writes, and its keys.
struct AuditWriteOptions: ParsableArguments {
    @Argument(help: "The ledger's database.") var ledger: String
    @Option(help: ArgumentHelp("The key of content's digests. Default: LEDGER.digest-key.", valueName: "file")) var digestKey:
        String?
    @Option(
        help: ArgumentHelp("The key that signs checkpoints. Default: LEDGER.signing-key, if it is there.", valueName: "file"))
    var signingKey: String?
    @Option(help: ArgumentHelp("Where checkpoints are appended too. Default: LEDGER.checkpoints.", valueName: "file"))
    var checkpoints: String?

    /// - Parameter mustExist: whether a ledger that is not there is a mistake.
    func configuration(mustExist: Bool) throws -> LedgerConfiguration {
        if mustExist, access(ledger, F_OK) != 0 { throw UsageError("there is no ledger \(ledger)") }
        return try Self.configuration(ledger, digestKey: digestKey, signingKey: signingKey, checkpoints: checkpoints)
    }

    /// A ledger with the files that stand beside it, where no others are named.
    static func configuration(
        _ ledger: String, digestKey: String? = nil, signingKey: String? = nil, checkpoints: String? = nil
    ) throws -> LedgerConfiguration {
        let digestFile = digestKey ?? "\(ledger).digest-key"
        guard access(digestFile, F_OK) == 0 else {
            throw UsageError("the key \(digestFile) is missing; outrigger audit keys \(ledger) makes one")
        }
        let signingFile = signingKey ?? "\(ledger).signing-key"
        let isSigned = signingKey != nil || access(signingFile, F_OK) == 0
        return LedgerConfiguration(
            path: ledger, digestKey: try KeyFile.read(digestFile),
            signingKey: isSigned ? try KeyFile.signingKey(signingFile) : nil,
            checkpointFile: checkpoints ?? "\(ledger).checkpoints")
    }

    func open(mustExist: Bool = true) throws -> LedgerMaintenance {
        try LedgerMaintenance(try configuration(mustExist: mustExist))
    }
}

extension LedgerError {
    /// 2 where the command line or a file that it names is to be mended, 1 where the ledger failed.
    var exitStatus: Int32 {
        switch kind {
        case .notALedger, .newer, .keys, .refused, .inUse: 2
        case .locked, .full, .unrecordable, .corrupt, .system, .closed, .overloaded, .rolledBack: 1
        }
    }
}
