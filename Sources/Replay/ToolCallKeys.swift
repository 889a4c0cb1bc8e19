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

    /// Up to so many calls of both runs are compared with one another; of more, each is looked up by a hash of all it says.
    static let fewCalls = 64

    /// - Parameters:
    ///   - reader: reads arguments that are not written alike.
    ///   - limit: up to how many calls of both runs are compared with one another.
    init(
        _ a: borrowing AgentRun, _ b: borrowing AgentRun, _ reader: inout JSONDocumentReader,
        comparingUpTo limit: Int = ToolCallKeys.fewCalls
    ) {
        if a.toolCalls.count + b.toolCalls.count <= limit {
            compare(a, b, &reader)
        } else {
            var keys: [[UInt8]: Int] = [:]
            var names: [[UInt8]: Int] = [:]
            (baseline, baselineNames) = Self.number(a, &keys, &names, &reader)
            (candidate, candidateNames) = Self.number(b, &keys, &names, &reader)
        }
    }

    /// Compares calls with those before them: their bytes first, which mostly decide, and as canonical JSON only what the same
    /// tool was called with in other bytes.
    private mutating func compare(_ a: borrowing AgentRun, _ b: borrowing AgentRun, _ reader: inout JSONDocumentReader) {
        var numbers = CallNumbers(count: a.toolCalls.count + b.toolCalls.count)
        a.storage.withUnsafeBytes { bytes in
            b.storage.withUnsafeBytes { others in
                for call in a.toolCalls { numbers.add(CallBytes(call, bytes), &reader) }
                for call in b.toolCalls { numbers.add(CallBytes(call, others), &reader) }
            }
        }
        baseline = Array(numbers.keys.prefix(a.toolCalls.count))
        candidate = Array(numbers.keys.dropFirst(a.toolCalls.count))
        baselineNames = Array(numbers.names.prefix(a.toolCalls.count))
        candidateNames = Array(numbers.names.dropFirst(a.toolCalls.count))
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

/// A tool call as its bytes stand in its run.
private struct CallBytes {
    /// Empty where the recording has none.
    let name: UnsafeRawBufferPointer
    let form: Content.Form
    let arguments: UnsafeRawBufferPointer

    /// What a call without arguments was called with.
    private static let none: StaticString = "{}"

    init(_ call: ToolCall, _ storage: UnsafeRawBufferPointer) {
        name = UnsafeRawBufferPointer(rebasing: storage[call.name?.range ?? 0..<0])
        form = call.arguments?.form ?? .json
        arguments = (call.arguments?.text.range).map { UnsafeRawBufferPointer(rebasing: storage[$0]) }
            ?? UnsafeRawBufferPointer(start: Self.none.utf8Start, count: Self.none.utf8CodeUnitCount)
    }
}

/// Numbers for calls, each that of the first call that is the same.
private struct CallNumbers {
    private(set) var keys: [Int] = []
    private(set) var names: [Int] = []
    private var calls: [CallBytes] = []
    /// The canonical arguments of those calls that had to be compared by them.
    private var canonical: [[UInt8]] = []

    init(count: Int) {
        keys.reserveCapacity(count)
        names.reserveCapacity(count)
        calls.reserveCapacity(count)
        canonical.reserveCapacity(count)
    }

    mutating func add(_ call: CallBytes, _ reader: inout JSONDocumentReader) {
        let place = calls.count
        let name = calls.firstIndex { $0.name.isEqual(to: call.name) } ?? place
        calls.append(call)
        names.append(name)
        canonical.append([])
        let number = name == place ? place : key(of: place, name, &reader)
        keys.append(number)
    }

    private mutating func key(of place: Int, _ name: Int, _ reader: inout JSONDocumentReader) -> Int {
        let (form, arguments) = (calls[place].form, calls[place].arguments)
        for i in name..<place where names[i] == name && calls[i].form == form && calls[i].arguments.isEqual(to: arguments) {
            return keys[i]
        }
        canonicalize(place, &reader)
        for i in name..<place where names[i] == name && keys[i] == i {
            canonicalize(i, &reader)
            if canonical[i] == canonical[place] { return i }
        }
        return place
    }

    private mutating func canonicalize(_ place: Int, _ reader: inout JSONDocumentReader) {
        // No value is written without a byte.
        guard canonical[place].isEmpty else { return }
        canonical[place] = AgentRun.canonicalBytes(of: calls[place].arguments, calls[place].form, &reader)
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

    /// The same with a reader that has its memory already.
    func canonicalBytes(of content: Content, _ reader: inout JSONDocumentReader) -> [UInt8] {
        storage.withUnsafeBytes {
            Self.canonicalBytes(of: UnsafeRawBufferPointer(rebasing: $0[content.text.range]), content.form, &reader)
        }
    }

    fileprivate static func canonicalBytes(
        of text: UnsafeRawBufferPointer, _ form: Content.Form, _ reader: inout JSONDocumentReader
    ) -> [UInt8] {
        switch form {
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
    private static func canonicalBytes(ofJSON text: UnsafeRawBufferPointer, _ reader: inout JSONDocumentReader) -> [UInt8]? {
        var output: [UInt8] = []
        do {
            try reader.appendCanonical(text, to: &output)
            return output
        } catch {
            return nil
        }
    }
}
