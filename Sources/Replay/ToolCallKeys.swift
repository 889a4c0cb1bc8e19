public import AgentRuns
internal import JSONDocuments

/// The tool calls of two runs as numbers: equal numbers mean the same tool with equal arguments.
///
/// Arguments are equal when their canonical JSON is: the order of members, white space and the spelling of numbers do not
/// matter. Missing arguments are the same as `{}` and `null`.
struct ToolCallKeys {
    private(set) var baseline: [Int] = []
    private(set) var candidate: [Int] = []
    /// Names of the tools as numbers, in the same places.
    private(set) var baselineNames: [Int] = []
    private(set) var candidateNames: [Int] = []

    init(_ a: borrowing AgentRun, _ b: borrowing AgentRun) {
        var keys: [[UInt8]: Int] = [:]
        var names: [[UInt8]: Int] = [:]
        var reader = JSONDocumentReader()
        (baseline, baselineNames) = Self.number(a, &keys, &names, &reader)
        (candidate, candidateNames) = Self.number(b, &keys, &names, &reader)
    }

    private static func number(
        _ run: borrowing AgentRun, _ keys: inout [[UInt8]: Int], _ names: inout [[UInt8]: Int],
        _ reader: inout JSONDocumentReader
    ) -> (keys: [Int], names: [Int]) {
        var numbers: [Int] = []
        var nameNumbers: [Int] = []
        for call in run.toolCalls {
            let name = run.name(of: call)
            var key = name
            key.append(0)
            key.append(contentsOf: run.canonicalArguments(of: call, &reader))
            numbers.append(number(of: key, in: &keys))
            nameNumbers.append(number(of: name, in: &names))
        }
        return (numbers, nameNumbers)
    }

    private static func number(of bytes: [UInt8], in table: inout [[UInt8]: Int]) -> Int {
        if let known = table[bytes] { return known }
        table[bytes] = table.count
        return table.count - 1
    }
}

extension AgentRun {
    /// The tool's name; empty where the recording has none.
    func name(of call: ToolCall) -> [UInt8] { call.name.map { Array(storage[$0.range]) } ?? [] }

    /// The call's arguments as canonical JSON. Text that is not JSON stands for itself, as a JSON string.
    public func canonicalArguments(of call: ToolCall) -> [UInt8] {
        var reader = JSONDocumentReader()
        return canonicalArguments(of: call, &reader)
    }

    /// The same with a reader that has its memory already.
    func canonicalArguments(of call: ToolCall, _ reader: inout JSONDocumentReader) -> [UInt8] {
        guard let arguments = call.arguments else { return Array("{}".utf8) }
        return canonicalBytes(of: arguments, &reader)
    }

    /// Content as canonical JSON; a string that holds an object or array, as models write arguments, counts as that.
    public func canonicalBytes(of content: Content) -> [UInt8] {
        var reader = JSONDocumentReader()
        return canonicalBytes(of: content, &reader)
    }

    private func canonicalBytes(of content: Content, _ reader: inout JSONDocumentReader) -> [UInt8] {
        let text = storage[content.text.range]
        switch content.form {
        case .json: return canonicalBytes(ofJSON: text, &reader) ?? Array(text)
        case .string:
            if let first = text.first(where: { $0 > 0x20 }), first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
                let canonical = canonicalBytes(ofJSON: text, &reader)
            {
                return canonical
            }
            return JSONDocument.string(String(decoding: text, as: UTF8.self)).canonicalBytes
        }
    }

    /// - Returns: nil for what is no JSON.
    private func canonicalBytes(ofJSON text: ArraySlice<UInt8>, _ reader: inout JSONDocumentReader) -> [UInt8]? {
        var output: [UInt8] = []
        do {
            try text.withUnsafeBytes { try reader.appendCanonical($0, to: &output) }
            return output
        } catch {
            return nil
        }
    }
}
