internal import JSONText

/// Which traces passed in an earlier ``JSONReport``, or in what the Python sample wrote with `--json`.
///
/// A trace passes when all of its repetitions do. Of each trace a fingerprint is kept, about 100 bytes with all that
/// belongs to it, however long its id; the file may have any size, and any one value of it 64 MiB.
public struct EarlierReport: Sendable {
    public let file: String
    /// How many runs the report lists.
    public private(set) var runs = 0
    var traces: [TraceKey: Bool] = [:]

    /// - Parameter file: `-` is standard input.
    /// - Throws: ``ReportError`` with the place in the file, when it cannot be read or holds something else.
    public init(file: String) throws(ReportError) {
        self.file = file
        var members: JSONMembers
        do throws(JSONMembers.Problem) {
            members = try JSONMembers(path: file, arrayKey: "details")
        } catch {
            throw ReportError(
                .unreadable, path: file, message: "cannot read the earlier report \(Visible.line(file)): \(error.message)")
        }
        do throws(JSONMembers.Problem) {
            try read(&members)
        } catch {
            throw ReportError(
                .notAReport, path: file, message: "\(Visible.line(file)) is no report of a replay: \(error.message)")
        }
    }

    private mutating func read(_ members: inout JSONMembers) throws(JSONMembers.Problem) {
        var tape = JSONTape(maximumDepth: 512)
        var keys = TraceKeys()
        var hasDetails = false
        while true {
            switch try members.next() {
            case .end:
                if !hasDetails { throw .init(message: "it has no list `details` of traces") }
                return
            case .member(let key):
                if key.elementsEqual("details".utf8) {
                    if hasDetails { throw .init(message: "it has two members `details`") }
                    // A list has no text of its own.
                    if !members.text.isEmpty { throw .init(message: "its `details` are no list") }
                    hasDetails = true
                } else {
                    try check(members.text, at: members.textOffset, &tape)
                    if key.elementsEqual("schema_version".utf8) { try checkVersion(members.text) }
                }
            case .element(let index):
                try check(members.text, at: members.textOffset, &tape)
                do throws(JSONMembers.Problem) {
                    try add(members.text, tape, &keys)
                } catch {
                    throw .init(message: "details[\(index)] at byte \(members.textOffset) \(error.message)")
                }
            }
        }
    }

    private func check(_ text: [UInt8], at offset: Int, _ tape: inout JSONTape) throws(JSONMembers.Problem) {
        let problem: JSONError? = text.withUnsafeBytes { bytes in
            do throws(JSONError) { try tape.parse(bytes) } catch { return error }
            return nil
        }
        if let problem { throw .init(message: "\(problem.problem.rawValue) at byte \(offset + problem.offset)") }
    }

    private func checkVersion(_ text: [UInt8]) throws(JSONMembers.Problem) {
        guard let version = Int(String(decoding: text, as: UTF8.self)), version == JSONReport.schemaVersion else {
            throw .init(
                message: "its `schema_version` is \(Visible.line(String(decoding: text.prefix(20), as: UTF8.self))), and only "
                    + "\(JSONReport.schemaVersion) is known here")
        }
    }

    private mutating func add(
        _ text: [UInt8], _ tape: borrowing JSONTape, _ keys: inout TraceKeys
    ) throws(JSONMembers.Problem) {
        let found = text.withUnsafeBytes { bytes in DetailFields(tape, bytes) }
        guard found.isObject else { throw .init(message: "is no object") }
        guard let passed = found.passed else { throw .init(message: "has no `passed` that is true or false") }
        guard found.hasTraceID else { throw .init(message: "has no `trace_id` that is a string or null") }
        guard let repetition = found.repetition, repetition >= 0 else {
            throw .init(message: "has a `repetition` that is no count")
        }
        runs += 1
        traces[keys.next(found.traceID, repetition), default: true] = traces[keys.last, default: true] && passed
    }
}

/// What a comparison needs of one element of `details`.
private struct DetailFields {
    var isObject = false
    var passed: Bool?
    var hasTraceID = false
    var traceID: [UInt8]?
    var repetition: Int? = 0

    init(_ tape: borrowing JSONTape, _ text: UnsafeRawBufferPointer) {
        guard tape[0].kind == .object else { return }
        isObject = true
        if let i = tape.value(of: "passed", in: 0, of: text) {
            if tape[i].kind == .true { passed = true }
            if tape[i].kind == .false { passed = false }
        }
        if let i = tape.value(of: "trace_id", in: 0, of: text) {
            hasTraceID = tape[i].kind == .string || tape[i].kind == .null
            if tape[i].kind == .string {
                var id: [UInt8] = []
                JSONString.decode(UnsafeRawBufferPointer(rebasing: text[tape[i].range]), into: &id)
                traceID = id
            }
        }
        if let i = tape.value(of: "repetition", in: 0, of: text) {
            repetition = Int(String(decoding: text[tape[i].range], as: UTF8.self))
        }
    }
}
