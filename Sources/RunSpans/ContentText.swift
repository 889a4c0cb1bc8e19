internal import AgentRuns
internal import Digests
internal import JSONText

/// Makes the text of one attribute out of content, redacted, in a buffer that is used again for the next.
struct ContentText: ~Copyable {
    /// The text made last.
    private(set) var bytes: [UInt8] = []
    private var redactor: Redactor

    init(_ redaction: Redaction) { redactor = Redactor(redaction) }

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// SHA-256 in hex.
    mutating func digest(_ text: Span<UInt8>) {
        clear()
        text.withUnsafeBytes { SHA256.appendHex(of: $0, to: &bytes) }
    }

    /// A string as it is, other content as compact JSON.
    mutating func plain(_ content: Content, of run: borrowing AgentRun) {
        clear()
        switch content.form {
        case .string: redactor.appendText(run.storage[content.text.range], to: &bytes)
        case .json: redactor.appendJSON(run.storage[content.text.range], to: &bytes)
        }
    }

    /// Compact JSON; a string is a JSON string with its quotes.
    mutating func json(_ content: Content, of run: borrowing AgentRun) {
        clear()
        appendJSON(content, of: run)
    }

    /// A message list of one message of one part.
    ///
    /// Source: GenAI semantic conventions, `gen_ai.input.messages`.
    mutating func message(_ content: Content, of run: borrowing AgentRun, role: StaticString) {
        clear()
        bytes.append(contentsOf: #"[{"role":"\#(role)","parts":[{"type":"text","content":"#.utf8)
        appendJSON(content, of: run)
        bytes.append(contentsOf: "}]}]".utf8)
    }

    private mutating func appendJSON(_ content: Content, of run: borrowing AgentRun) {
        switch content.form {
        case .string:
            var plain: [UInt8] = []
            redactor.appendText(run.storage[content.text.range], to: &plain)
            JSONString.encode(plain, into: &bytes)
        case .json: redactor.appendJSON(run.storage[content.text.range], to: &bytes)
        }
    }
}
