import AgentRuns
import JSONText
import Ledger
import TraceReading

/// Entries for people and for other programs. Nothing in an entry can write escape sequences.
enum AuditText {
    private static let columns: [(name: String, value: @Sendable (LedgerEntry) -> String)] = [
        ("entry", { String($0.number) }),
        ("time", { Timestamp.text($0.time) }),
        ("kind", { $0.kind.rawValue }),
        ("arm", { $0.arm?.rawValue ?? "-" }),
        ("mode", { $0.mode?.rawValue ?? "-" }),
        ("release", { $0.releaseVersion.isEmpty ? "-" : $0.releaseVersion }),
        ("tool", { $0.tool.isEmpty ? "-" : $0.tool }),
        ("verdict", { $0.verdict?.rawValue ?? "-" }),
        ("outcome", { $0.outcome?.rawValue ?? "-" }),
        ("took", { $0.duration.map { Readable.duration(nanoseconds: $0) } ?? "-" }),
        ("trace", { $0.traceID?.hex ?? "-" }),
        ("about", { ($0.refers.map { "#\($0) " } ?? "") + $0.reason }),
    ]

    static func table(_ entries: [RecordedEntry]) -> String {
        let rows = entries.map { recorded in columns.map { $0.value(recorded.entry).escapedForTerminal } }
        return TextTable.lines([columns.map(\.name)] + rows, widest: 40)
    }

    static func csv(_ entries: [RecordedEntry], withHead: Bool) -> String {
        let head = withHead ? (EntryField.allCases.map(\.rawValue) + ["hash"]).joined(separator: ",") + "\r\n" : ""
        return head
            + entries.map { recorded in
                let members = Dictionary(recorded.members(withContent: false), uniquingKeysWith: { $1 })
                return (EntryField.allCases.map(\.rawValue) + ["hash"]).map { name in
                    switch members[name] {
                    case .integer(let value)?: String(value)
                    case .text(let text)?: csvField(text)
                    default: ""
                    }
                }.joined(separator: ",") + "\r\n"
            }.joined()
    }

    /// RFC 4180; and what a spreadsheet would take for a formula begins with an apostrophe.
    private static func csvField(_ text: String) -> String {
        var bytes = Array(text.utf8)
        // By scalars and bytes: a combining mark must not hide what it stands on.
        if let first = text.unicodeScalars.first, "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first) {
            bytes.insert(UInt8(ascii: "'"), at: 0)
        }
        guard bytes.contains(where: { ",\"\r\n".utf8.contains($0) }) else { return String(decoding: bytes, as: UTF8.self) }
        let quote = UInt8(ascii: "\"")
        let inner = bytes.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return String(decoding: [quote] + inner + [quote], as: UTF8.self)
    }

    static func json(_ recorded: RecordedEntry) -> String { JSONValue.object(recorded.members(withContent: true)).text }

    static func detail(_ recorded: RecordedEntry) -> String {
        var text = ""
        for (name, value) in recorded.members(withContent: true) {
            let shown =
                switch value {
                case .integer(let number): String(number)
                case .text(let string): string.escapedForTerminal
                default: value.text
                }
            let note =
                switch name {
                case "time": "  (\(Timestamp.text(recorded.entry.time)))"
                case "duration": recorded.entry.duration.map { "  (\(Readable.duration(nanoseconds: $0)))" } ?? ""
                default: ""
                }
            text += "\(name.padded(18)) \(shown)\(note)\n"
        }
        let kept = recorded.entry.arguments?.kept != nil || recorded.entry.result?.kept != nil
        if kept, recorded.arguments == nil, recorded.result == nil { text += "\("content".padded(18)) erased\n" }
        return text
    }

    /// One call in a few words, a write with how it ended.
    static func short(_ call: TracedCall) -> String {
        let entry = call.entry
        var text = "#\(entry.number) \(entry.tool.isEmpty ? entry.kind.rawValue : entry.tool) \(entry.kind.rawValue)"
        text += ending(entry)
        if let completion = call.completion {
            text += ", #\(completion.number)" + ending(completion)
        } else if entry.kind == .intent {
            text += ", no completion"
        }
        return text.escapedForTerminal
    }

    private static func ending(_ entry: LedgerEntry) -> String {
        var text = ""
        if let verdict = entry.verdict, verdict != .allowed { text += " \(verdict.rawValue)" }
        if let outcome = entry.outcome { text += " \(outcome.rawValue)" }
        if let duration = entry.duration { text += " \(Readable.duration(nanoseconds: duration))" }
        return text
    }

    /// A bar of a chart: `value` of `maximum`, in eighths of a character.
    static func bar(_ value: Double, of maximum: Double, width: Int) -> String {
        guard maximum > 0, value > 0 else { return "" }
        let eighths = max(1, Int((value / maximum * Double(width * 8)).rounded()))
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8) + (rest > 0 ? String(Array("▏▎▍▌▋▊▉")[rest - 1]) : "")
    }
}
