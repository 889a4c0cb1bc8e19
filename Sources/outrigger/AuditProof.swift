import ArgumentParser
import Digests
import Glibc
import JSONText
import Ledger

struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compute the whole chain anew, and say what is wrong with it first.",
        discussion:
            "What was cut off after the last checkpoint is found only with a --checkpoints file or an --expect from elsewhere.")
    @OptionGroup var target: AuditLedgerArgument
    @Option(
        help: ArgumentHelp(
            "The key to trust, 64 hex digits or a file. Default: LEDGER.public-key, if it is there.", valueName: "key"))
    var publicKey: String?
    @Option(help: ArgumentHelp("Check kept content too. Default: LEDGER.digest-key, if it can be read.", valueName: "file"))
    var digestKey: String?
    @Option(help: ArgumentHelp("Checkpoints from elsewhere. Default: LEDGER.checkpoints, if it is there.", valueName: "file"))
    var checkpoints: String?
    @Option(help: ArgumentHelp("A number of entries and the last one's hash.", valueName: "count:hash")) var expect:
        ExpectArgument?
    @Option(help: "How many entries after the last checkpoint may be covered by none, where a key is trusted.") var allowUncovered:
        UInt64 = 10_000
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            func byDefault(_ suffix: String) -> String? {
                access(target.ledger + suffix, R_OK) == 0 ? target.ledger + suffix : nil
            }
            var verifier = LedgerVerifier()
            if let text = publicKey, text.utf8.count == 64, let key = hexBytes(text) {
                verifier.publicKey = key
            } else if let file = publicKey ?? byDefault(".public-key") {
                verifier.publicKey = try KeyFile.read(file)
            }
            if let file = digestKey ?? byDefault(".digest-key") { verifier.digestKey = try KeyFile.read(file) }
            verifier.checkpointFile = checkpoints ?? byDefault(".checkpoints")
            verifier.expected = expect.map { ($0.count, $0.hash) }
            verifier.maximumUncovered = allowUncovered
            var result = try verifier.verify(target.ledger)
            if publicKey == nil, let key = verifier.publicKey {
                result.notes.append("the key \(hexText(key)) is trusted because it lies beside the ledger; --public-key names one from elsewhere")
            }
            AuditCommand.print(json ? Self.json(result) + "\n" : Self.text(result))
            return result.isGood ? 0 : 1
        }
    }

    private static func text(_ result: LedgerVerification) -> String {
        guard let finding = result.finding else {
            let notes = result.notes.map { "note: \($0.escapedForTerminal)\n" }.joined()
            return "good: \(Readable.count(Int(result.entries))) \(result.entries == 1 ? "entry" : "entries"), "
                + "\(Readable.count(result.checkpoints, "checkpoint")), \(Readable.count(Int(result.contents))) with content"
                + (result.last.map { "; last hash \($0.hex)" } ?? "") + "\n" + notes
        }
        return "BAD (\(finding.problem.rawValue)): \(finding.description.escapedForTerminal)\n"
            + "\(Readable.count(Int(result.entries))) entries up to there are chained, \(Readable.count(Int(result.covered))) covered by a checkpoint\n"
    }

    private static func json(_ result: LedgerVerification) -> String {
        JSONValue.object([
            ("good", .bool(result.isGood)), ("problem", result.finding.map { .text($0.problem.rawValue) } ?? .null),
            ("entry", result.finding?.entry.map { .integer(Int(clamping: $0)) } ?? .null),
            ("message", result.finding.map { .text($0.message) } ?? .null), ("entries", .integer(Int(result.entries))),
            ("covered", .integer(Int(result.covered))), ("checkpoints", .integer(result.checkpoints)),
            ("contents", .integer(Int(result.contents))), ("last_hash", result.last.map { .text($0.hex) } ?? .null),
            ("notes", .array(result.notes.map { .text($0) })),
        ]).text
    }
}

/// `COUNT:HASH`.
struct ExpectArgument: ExpressibleByArgument {
    var count: UInt64
    var hash: Digest

    init?(argument: String) {
        let halves = argument.split(separator: ":")
        guard halves.count == 2, let count = UInt64(halves[0]), let hash = Digest(hex: String(halves[1])) else { return nil }
        self.count = count
        self.hash = hash
    }
}

struct AuditExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Entries as JSON lines with proofs, which can be verified without the ledger.")
    @OptionGroup var target: AuditLedgerArgument
    @OptionGroup(title: "Filter") var filter: AuditFilterOptions
    @Option(name: .shortAndLong, help: ArgumentHelp("Where to; - is standard output.", valueName: "file")) var output = "-"
    @Flag(help: "Leave out the content that was kept.") var noContent = false

    func run() throws {
        try AuditCommand.carryOut {
            let reader = try LedgerReader(target.ledger)
            var files = OverwriteGuard()
            for suffix in ["", "-wal", "-shm", ".lock", ".checkpoints", ".digest-key", ".signing-key", ".public-key"] {
                files.reads(target.ledger + suffix, "the ledger's")
            }
            if output != "-" { try files.writes(output, "--output") }
            let descriptor = output == "-" ? STDOUT_FILENO : Glibc.open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw UsageError("cannot write \(output): \(String(cString: strerror(errno)))") }
            defer { if output != "-" { close(descriptor) } }
            var buffer: [UInt8] = []
            func drain() throws {
                var rest = buffer[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw UsageError("cannot write \(output): \(String(cString: strerror(errno)))") }
                    rest = rest.dropFirst(count)
                }
                buffer.removeAll(keepingCapacity: true)
            }
            let exported = try reader.export(filter.filter, withContent: !noContent) { line in
                buffer += line
                if buffer.count > 1 << 20 { try drain() }
            }
            try drain()
            AuditCommand.say("entries exported: \(Readable.count(exported.entries))\n")
            if exported.uncovered > 0 {
                AuditCommand.say(
                    "note: \(Readable.count(exported.uncovered)) of them have no proof, since no checkpoint covers them yet; "
                        + "outrigger audit checkpoint \(target.ledger.escapedForTerminal) makes one, or the sidecar that writes the ledger\n")
            }
            if exported.unproven > 0 {
                AuditCommand.say(
                    "note: \(Readable.count(exported.unproven)) of them have no proof although a checkpoint covers them: the ledger is "
                        + "damaged, outrigger audit verify says where\n")
            }
            return 0
        }
    }
}
