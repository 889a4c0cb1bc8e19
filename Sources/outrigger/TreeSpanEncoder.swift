import AgentRuns
import OTLP
import RunSpans
import TraceReading

/// Draws each run as a tree of its spans, for people.
struct TreeSpanEncoder: SpanEncoder {
    var batch = SpanBatch()

    private let colors: Bool
    private var head: SpanHead?
    private var attributes: [String: String] = [:]
    private var failure: String?
    private var runStart: UInt64 = 0
    /// Whether the current step is the run's last: its children hang under nothing then.
    private var lastStep = false

    init(colors: Bool) { self.colors = colors }

    func copy() -> TreeSpanEncoder { TreeSpanEncoder(colors: colors) }

    var form: MessageForm { MessageForm(contentType: nil) { $1.append(contentsOf: $0) } }

    func prepare(_ attributes: [Attribute]) -> [(String, String)] {
        attributes.map { attribute in
            let text =
                switch attribute.value {
                case .text(let text): text
                case .integer(let value): String(value)
                case .double(let value): String(value)
                case .bool(let value): String(value)
                }
            return (String(describing: attribute.key.name), text)
        }
    }

    mutating func begin(_ head: SpanHead) {
        self.head = head
        attributes.removeAll(keepingCapacity: true)
        failure = nil
    }

    mutating func write(_ prepared: borrowing [(String, String)]) {
        for (key, value) in copy prepared { attributes[key] = value }
    }

    mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) {
        attributes[String(describing: key.name)] = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    mutating func attribute(_ key: AttributeKey, integer: Int64) { attributes[String(describing: key.name)] = String(integer) }
    mutating func attribute(_ key: AttributeKey, double: Double) { attributes[String(describing: key.name)] = String(double) }
    mutating func attribute(_ key: AttributeKey, bool: Bool) { attributes[String(describing: key.name)] = String(bool) }

    mutating func fail(message: Span<UInt8>) {
        failure = message.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    // A tree shows one trace; what it is linked to is in another.
    mutating func link(_ link: SpanLink) {}

    mutating func end(droppedAttributes: Int) {
        guard let head else { return }
        var text: String
        switch head.name {
        case .agentRun: text = drawRun(head)
        case .agentStep:
            lastStep = head.isLastSibling
            text = line("\(head.isLastSibling ? "└─" : "├─") agent.step \(attributes["step.index"] ?? "")", head, details: [])
        case .toolCall:
            let name = attributes["tool.name"]?.escapedForTerminal ?? "(no name)"
            text = line("\(stem) └─ tool.call \(name)", head, details: callDetails)
        case .toolResult:
            let outcome = attributes["tool.success"] == "true" ? paint("ok", green) : paint("ERROR tool_error", red)
            text = line("\(stem)    └─ tool.result", head, details: [outcome] + messages)
        // HTTP spans stand around live runs only, which no tree is drawn of.
        default: return
        }
        text += "\n"
        batch.append(text.utf8)
    }

    // MARK: parts

    private var stem: String { lastStep ? "  " : "│ " }

    private var messages: [String] { failure.map { $0.isEmpty ? [] : [$0.escapedForTerminal] } ?? [] }

    private mutating func drawRun(_ head: SpanHead) -> String {
        runStart = head.start
        let id = (attributes["outrigger.source.trace_id"] ?? "").escapedForTerminal
        let agent = [attributes["gen_ai.agent.name"], attributes["agent.version"]].compactMap { $0?.escapedForTerminal }
        var title = "\n" + paint(id, bold)
        if !agent.isEmpty { title += "  " + agent.joined(separator: " ") }
        title += "  trace \(head.traceID.hex)\n"

        var details: [String] = []
        if let outcome = attributes["outrigger.outcome.actual"]?.escapedForTerminal {
            switch attributes["outrigger.outcome.match"] {
            case "true": details.append(paint(outcome, green))
            case "false":
                let expected = attributes["outrigger.outcome.expected"]?.escapedForTerminal ?? ""
                details.append(paint("\(outcome), expected \(expected)", red))
            default: details.append(outcome)
            }
        }
        if let tokens = attributes["outrigger.cost.tokens"] { details.append("\(tokens) tokens") }
        return title + line("agent.run", head, details: details)
    }

    private var callDetails: [String] {
        var details: [String] = []
        if failure != nil { details.append(paint("ERROR \(attributes["error.type"] ?? "")", red)) }
        if attributes["outrigger.tool.allowed"] == "false" { details.append(paint("not in allowed_tools", red)) }
        if attributes["outrigger.tool.result_missing"] == "true" { details.append(paint("no result", red)) }
        return details
    }

    /// Name, when it began (the run by the clock, the rest after the run), how long it took, and what else there is to say.
    private func line(_ name: String, _ head: SpanHead, details: [String]) -> String {
        let when = head.name == .agentRun ? Timestamp.text(head.start) : "+\(Readable.duration(nanoseconds: head.start - runStart))"
        let length = head.name == .toolResult ? "" : Readable.duration(nanoseconds: head.end - head.start)
        let text = "  \(name.padded(36)) \(when.paddedLeft(24)) \(length.paddedLeft(10))  \(details.joined(separator: " · "))"
        return String(text.reversed().drop { $0 == " " }.reversed())
    }

    private var red: String { "31" }
    private var green: String { "32" }
    private var bold: String { "1" }

    private func paint(_ text: String, _ code: String) -> String { colors ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
