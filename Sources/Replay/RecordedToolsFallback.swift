internal import Glibc
internal import JSONDocuments
internal import JSONText

/// Answers for calls that have no recording, from a file: one `{"tool": NAME, "args": …, "result": …}` on each line, or a
/// JSON array of them; `"error"` stands in place of `"result"` for a failure.
///
/// An entry with `args` answers calls with the same arguments, one without answers all other calls of the tool. An entry
/// answers as often as it is asked for. An unknown key, and an entry that another one hides, are errors: both are typos.
public struct ToolFallback: Sendable {
    private var byCall: [ToolArguments.Key: ToolReply] = [:]
    private var byName: [[UInt8]: ToolReply] = [:]
    /// The tools that it knows, in the order of the file.
    private(set) var toolNames: [[UInt8]] = []

    /// A larger file is a mistake: it is held in memory.
    static let maximumSize = 64 << 20

    /// - Throws: ``ToolFallbackError`` with the line that cannot be used.
    public init(path: String) throws(ToolFallbackError) {
        try self.init(parsing: Self.contents(of: path), path: path)
    }

    /// - Parameter path: how errors call the text.
    public init(parsing text: [UInt8], path: String) throws(ToolFallbackError) {
        var calls: [ToolArguments.Key: Int] = [:]
        var tools: [[UInt8]: Int] = [:]
        for (line, json) in try Self.pieces(of: text, path: path) {
            let entry: Entry
            do throws(EntryError) {
                entry = try Entry(json)
            } catch {
                throw ToolFallbackError(path: path, line: line, problem: error.problem)
            }
            let earlier: Int?
            if let arguments = entry.arguments {
                let key = ToolArguments.Key(name: entry.tool, arguments: ToolArguments.canonical(arguments))
                earlier = calls.updateValue(line, forKey: key)
                byCall[key] = entry.reply
            } else {
                earlier = tools.updateValue(line, forKey: entry.tool)
                byName[entry.tool] = entry.reply
            }
            if let earlier {
                throw ToolFallbackError(
                    path: path, line: line, problem: "line \(earlier) is for the same tool and arguments already")
            }
            toolNames.append(entry.tool)
        }
    }

    func reply(to key: ToolArguments.Key) -> ToolReply? { byCall[key] ?? byName[key.name] }

    /// The entries' texts, with the lines on which they start.
    private static func pieces(of text: [UInt8], path: String) throws(ToolFallbackError) -> [(line: Int, json: [UInt8])] {
        if let first = text.first(where: { $0 > 0x20 }), first == UInt8(ascii: "[") {
            return try elements(of: text, path: path)
        }
        return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
            .filter { $0.element.contains { $0 > 0x20 } }
            .map { (line: $0.offset + 1, json: Array($0.element)) }
    }

    private static func elements(of text: [UInt8], path: String) throws(ToolFallbackError) -> [(line: Int, json: [UInt8])] {
        var tape = JSONTape(maximumDepth: JSONDocument.maximumDepth)
        let parsed: Result<Void, JSONError> = text.withUnsafeBytes { bytes in
            do throws(JSONError) {
                return .success(try tape.parse(bytes))
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = parsed {
            let line = 1 + text.prefix(error.offset).count { $0 == UInt8(ascii: "\n") }
            throw ToolFallbackError(path: path, line: line, problem: "not JSON: \(error.problem.rawValue)")
        }
        var pieces: [(line: Int, json: [UInt8])] = []
        var index = 1
        var line = 1
        var counted = 0
        while index < tape[0].next {
            let range = tape[index].rawRange
            line += text[counted..<range.lowerBound].count { $0 == UInt8(ascii: "\n") }
            counted = range.lowerBound
            pieces.append((line, Array(text[range])))
            index = tape[index].next
        }
        return pieces
    }

    private static func contents(of path: String) throws(ToolFallbackError) -> [UInt8] {
        func fail(_ problem: String) -> ToolFallbackError { ToolFallbackError(path: path, line: nil, problem: problem) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fail(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw fail(String(cString: strerror(errno))) }
            if count == 0 { return text }
            text.append(contentsOf: block[..<count])
            guard text.count <= maximumSize else { throw fail("larger than \(maximumSize >> 20) MiB") }
        }
    }
}

private struct EntryError: Error {
    var problem: String
}

/// One answer of the file.
private struct Entry {
    var tool: [UInt8]
    var arguments: [UInt8]?
    var reply: ToolReply

    private static let known = ["tool", "args", "result", "error"]

    init(_ json: [UInt8]) throws(EntryError) {
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: json)
        } catch {
            throw EntryError(problem: "not JSON: \(error)")
        }
        guard case .object(let object) = document else {
            throw EntryError(problem: "must be an object, found \(document.kind.rawValue)")
        }
        if let unknown = object.members.first(where: { member in !Self.known.contains { $0 == member.key } }) {
            throw EntryError(
                problem: "unknown key \(JSONDocument.string(unknown.key).text); known are \(Self.known.joined(separator: ", "))")
        }
        guard case .string(let name)? = object["tool"], !name.isEmpty else {
            throw EntryError(problem: "\"tool\" must be the name of a tool")
        }
        tool = Array(name.utf8)
        arguments = object["args"]?.canonicalBytes
        switch (object["result"], object["error"]) {
        case (let result?, nil): reply = ToolReply(success: true, result: result.canonicalBytes, source: .fallback)
        case (nil, let error?): reply = ToolReply(success: false, error: error.canonicalBytes, source: .fallback)
        case (nil, nil): throw EntryError(problem: "\"result\" or \"error\" is missing")
        default: throw EntryError(problem: "has both \"result\" and \"error\"")
        }
    }
}

/// Why a fallback file cannot be used.
public struct ToolFallbackError: Error, Hashable, Sendable, CustomStringConvertible {
    public var path: String
    /// Counted from 1; nil when it is about the file as a whole.
    public var line: Int?
    public var problem: String

    public var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(problem)" }
}
