import AgentRuns
import ArgumentParser
import Glibc
import JSONText
import Ledger

struct AuditList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Entries, the newest first.")
    @OptionGroup var target: AuditLedgerArgument
    @OptionGroup(title: "Filter") var filter: AuditFilterOptions
    @Option(help: "How many entries.") var limit = 50
    @Option(help: "Only entries that come after this one in the list: the next page.") var after: UInt64?
    @Flag(help: "The oldest first.") var oldestFirst = false
    @Option(help: "table, json (an entry a line) or csv.") var format = AuditFormat.table

    func run() throws {
        try AuditCommand.carryOut {
            guard limit > 0 else { throw UsageError("--limit must be at least 1") }
            let reader = try LedgerReader(target.ledger)
            // Only JSON shows content.
            let page = LedgerReader.Page(
                limit: limit, after: after, newestFirst: !oldestFirst, withContent: format == .json)
            let entries = try reader.entries(filter.filter, page)
            switch format {
            case .table:
                AuditCommand.print(AuditText.table(entries))
                if entries.count == limit, let last = entries.last {
                    AuditCommand.say("\(limit) shown; --after \(last.entry.number) goes on\n")
                }
            case .json: for entry in entries { AuditCommand.print(AuditText.json(entry) + "\n") }
            case .csv: AuditCommand.print(AuditText.csv(entries, withHead: true))
            }
            return 0
        }
    }
}

struct AuditShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "All that is known of one entry.")
    @OptionGroup var target: AuditLedgerArgument
    @Argument(help: "The entry's number.") var entry: UInt64
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            guard let found = try LedgerReader(target.ledger).entry(entry) else {
                AuditCommand.say("error: the ledger has no entry \(entry)\n")
                return 1
            }
            AuditCommand.print(json ? AuditText.json(found) + "\n" : AuditText.detail(found))
            return 0
        }
    }
}

struct AuditTrace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "The calls of a run in order, with the other arm's of the same request beside them.")
    @OptionGroup var target: AuditLedgerArgument
    @Argument(help: "The trace's id.") var trace: TraceArgument
    @Flag(help: "As JSON, an entry a line.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            // Only JSON shows content.
            let entries = try LedgerReader(target.ledger).trace(trace.id, withContent: json)
            guard !entries.isEmpty else {
                AuditCommand.say("error: the ledger has no entry of trace \(trace.id.hex)\n")
                return 1
            }
            if json {
                for entry in entries { AuditCommand.print(AuditText.json(entry) + "\n") }
                return 0
            }
            let calls = TracedCall.calls(of: entries)
            let candidate = calls.filter { $0.entry.arm == .candidate }
            let others = calls.filter { $0.entry.arm != .candidate }
            for recorded in entries.prefix(1) {
                let entry = recorded.entry
                AuditCommand.print(
                    "trace \(trace.id.hex)  request \(entry.requestID.isEmpty ? "-" : entry.requestID.escapedForTerminal)  "
                        + "agent \(entry.agent.isEmpty ? "-" : entry.agent.escapedForTerminal)\n\n")
            }
            if candidate.isEmpty || others.isEmpty {
                AuditCommand.print(AuditText.table(entries))
            } else {
                let width = max(24, others.map { AuditText.short($0).count }.max() ?? 0)
                AuditCommand.print("baseline".padded(width) + "  candidate\n")
                for i in 0..<max(candidate.count, others.count) {
                    func cell(_ side: [TracedCall]) -> String { i < side.count ? AuditText.short(side[i]) : "" }
                    AuditCommand.print(cell(others).padded(width) + "  " + cell(candidate) + "\n")
                }
            }
            return 0
        }
    }
}

struct AuditStats: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Calls, refusals, errors and durations for each tool and arm.")
    @OptionGroup var target: AuditLedgerArgument
    @OptionGroup(title: "Filter") var filter: AuditFilterOptions
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            let statistics = try LedgerReader(target.ledger).statistics(filter.filter)
            if json {
                let rows = statistics.map { row in
                    JSONValue.object([
                        ("tool", .text(row.tool)), ("arm", row.arm.map { .text($0.rawValue) } ?? .null),
                        ("calls", .integer(row.calls)),
                        ("refusals", .integer(row.refusals)), ("errors", .integer(row.errors)),
                        ("unknown", .integer(row.unknown)), ("open", .integer(row.open)),
                        ("p50_ns", row.p50.map { .integer(Int($0)) } ?? .null),
                        ("p95_ns", row.p95.map { .integer(Int($0)) } ?? .null),
                    ])
                }
                AuditCommand.print(JSONValue.array(rows).text + "\n")
                return 0
            }
            let most = Double(statistics.map { $0.calls + $0.refusals }.max() ?? 0)
            let names = statistics.map(\.tool.escapedForTerminal)
            let width = min(40, max(4, names.map(\.count).max() ?? 0))
            AuditCommand.print(
                "tool".padded(width) + "  arm          calls  refused   errors  unknown     open        p50        p95\n")
            for (row, name) in zip(statistics, names) {
                let numbers = [row.calls, row.refusals, row.errors, row.unknown, row.open].map { Readable.count($0).paddedLeft(9) }.joined()
                let times = [row.p50, row.p95].map { ($0.map { Readable.duration(nanoseconds: $0) } ?? "-").paddedLeft(11) }
                    .joined()
                let bar = AuditText.bar(Double(row.calls + row.refusals), of: most, width: 20)
                AuditCommand.print("\(name.padded(width))  \((row.arm?.rawValue ?? "-").padded(9))\(numbers)\(times)  \(bar)\n")
            }
            return 0
        }
    }
}

struct AuditDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What the candidate called that the baseline never did.")
    @OptionGroup var target: AuditLedgerArgument
    @OptionGroup(title: "Filter of the candidate's entries") var filter: AuditFilterOptions
    @Flag(help: "The same tool with other arguments is another call.") var arguments = false
    @Flag(help: "As JSON.") var json = false

    func run() throws {
        try AuditCommand.carryOut {
            let differences = try LedgerReader(target.ledger).difference(filter.filter, byArguments: arguments)
            if json {
                let rows = differences.map { row in
                    JSONValue.object([
                        ("tool", .text(row.tool)), ("calls", .integer(row.calls)), ("refusals", .integer(row.refusals)),
                        ("first_entry", .integer(Int(clamping: row.first))), ("known_tool", .bool(row.isKnownTool)),
                    ])
                }
                AuditCommand.print(JSONValue.array(rows).text + "\n")
            } else if differences.isEmpty {
                AuditCommand.print("the candidate called nothing that the baseline did not\n")
            }
            if !json {
                for row in differences {
                    AuditCommand.print(
                        "\(row.tool.escapedForTerminal): \(Readable.count(row.calls, "call")), \(row.refusals) refused, "
                            + "first in entry \(row.first)\(row.isKnownTool ? ", with arguments of its own" : "")\n")
                }
            }
            return 0
        }
    }
}
