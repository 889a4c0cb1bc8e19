import ArgumentParser
import Digests
import Glibc
import Ledger

struct AuditErase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase the content of entries. The chain stays: it holds digests only, and says that it was erased.")
    @OptionGroup var target: AuditWriteOptions
    @Option(name: .customLong("entry"), help: "An entry's number; repeatable.") var entries: [UInt64] = []
    @OptionGroup(title: "Or all entries that") var filter: AuditFilterOptions
    @Flag(help: "The content of all entries.") var all = false
    @Option(help: "Why; it stands in the chain.") var why: String

    func run() throws {
        try AuditCommand.carryOut {
            let filter = filter.filter
            guard !entries.isEmpty || !filter.isEmpty || all else { throw UsageError("name an --entry, a filter, or --all") }
            guard why.contains(where: { !$0.isWhitespace }) else { throw UsageError("--why must say why; it stands in the chain") }
            guard entries.isEmpty || filter.isEmpty else { throw UsageError("--entry does not go with a filter") }
            let ledger = LedgerKeeper(try target.configuration(mustExist: true))
            var numbers = entries
            if entries.isEmpty {
                try LedgerReader(target.ledger).forEach(filter) { recorded in
                    if recorded.arguments != nil || recorded.result != nil { numbers.append(recorded.entry.number) }
                }
            }
            let count = try ledger.erase(numbers, reason: why)
            guard count > 0 else {
                AuditCommand.say("nothing was erased: none of these entries has content\n")
                return 1
            }
            AuditCommand.print("the content of \(Readable.count(count)) \(count == 1 ? "entry" : "entries") was erased\n")
            return 0
        }
    }
}

struct AuditPrune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove old entries, up to a checkpoint that vouches for them from then on.")
    @OptionGroup var target: AuditWriteOptions
    @Option(help: "Entries before this time (RFC 3339, Unix, or how long ago, such as 90d) go, up to the last checkpoint before it.")
    var before: PastTimeArgument
    @Option(help: "Why; it stands in the chain.") var why = "retention"

    func run() throws {
        try AuditCommand.carryOut {
            let ledger = LedgerKeeper(try target.configuration(mustExist: true))
            let count = try ledger.prune(before: before.nanoseconds, reason: why)
            AuditCommand.print(
                count > 0
                    ? "\(Readable.count(Int(count))) entries were removed\n"
                    : "nothing was removed: no checkpoint lies between the first entry and the first one to keep\n")
            return 0
        }
    }
}

struct AuditCheckpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Make a checkpoint of all entries, and print the last one.")
    @OptionGroup var target: AuditWriteOptions

    func run() throws {
        try AuditCommand.carryOut {
            let made = try target.open().checkpoint()
            let last = try made ?? LedgerReader(target.ledger).overview().lastCheckpoint
            AuditCommand.print(last.map { $0.json + "\n" } ?? "")
            if last == nil { AuditCommand.say("the ledger has no entries\n") }
            return 0
        }
    }
}

struct AuditReindex: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reindex", abstract: "Make anew what filters look up, where verify found it damaged.")
    @OptionGroup var target: AuditWriteOptions

    func run() throws {
        try AuditCommand.carryOut {
            let ledger = try target.open()
            try ledger.reindex()
            AuditCommand.print("\(Readable.count(Int(clamping: ledger.count))) entries are indexed\n")
            return 0
        }
    }
}

struct AuditKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make a ledger's keys: LEDGER.digest-key, LEDGER.signing-key and LEDGER.public-key.",
        discussion: """
            The first two are readable for their owner alone. Keep the signing key where who can change the ledger cannot read \
            it, and give the public key to whoever verifies.
            """)
    @Argument(help: "The ledger's database, which need not be there yet.") var ledger: String

    func run() throws {
        try AuditCommand.carryOut {
            for suffix in ["digest-key", "signing-key", "public-key"] where access("\(ledger).\(suffix)", F_OK) == 0 {
                throw UsageError("\(ledger).\(suffix) is there already; a key that is replaced is lost")
            }
            try KeyFile.create("\(ledger).digest-key")
            try KeyFile.create("\(ledger).signing-key")
            let key = try KeyFile.signingKey("\(ledger).signing-key").publicKey
            try KeyFile.create("\(ledger).public-key", key: key, isPublic: true)
            AuditCommand.print("public key \(hexText(key))\n")
            return 0
        }
    }
}
