internal import Glibc
internal import Yams

/// One YAML file, read strictly (YAML 1.2.2, core schema) and within ``YAMLLimits``.
///
/// Refused, with the line: a second document, a key that stands twice, merge keys, keys that are not text, tags beyond the
/// core schema, aliases that make the document too large, text that is not UTF-8, NUL and other control characters. A byte
/// order mark is skipped; Windows line endings are read as line feeds. Environment variables are never put in.
public struct YAMLDocument: Sendable {
    /// As it is called in messages.
    public let file: String
    public let root: YAMLNode

    /// Reads the file at `path`, which messages call `name`.
    public init(path: String, name: String? = nil, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
        let name = name ?? path
        func failure(_ problem: String, _ remedy: String?) -> YAMLError {
            YAMLError([YAMLProblem(file: name, position: .unread, problem: problem, remedy: remedy)])
        }
        // Without waiting: a pipe that nobody writes to must not hang the reader.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure("cannot open: \(String(cString: strerror(errno)))", "check the name and the read permission")
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw failure("not a regular file", "name a YAML file")
        }
        // One byte more than allowed tells a file that is too large.
        var bytes = [UInt8](repeating: 0, count: min(Int(info.st_size), limits.fileBytes) + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("cannot read: \(String(cString: strerror(errno)))", nil) }
            if got == 0 { break }
            count += got
        }
        try self.init(bytes: Array(bytes[..<count]), name: name, limits: limits)
    }

    /// - Parameter name: what messages call the file.
    public init(bytes: [UInt8], name: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) {
        file = name
        let text = try Self.text(bytes, name: name, limits: limits)
        func failure(_ problem: String, _ remedy: String?) -> YAMLError {
            YAMLError([YAMLProblem(file: name, position: .init(line: 1, column: 1), problem: problem, remedy: remedy)])
        }
        guard let veil = AliasVeil(text) else {
            throw failure("every private-use character stands in the text", "take those out that are not needed")
        }
        do {
            let parser = try Parser(yaml: veil.text, resolver: .basic, encoding: .utf8)
            guard let node = try parser.singleRoot() else {
                throw failure("the file is empty", "write the fields that it should have")
            }
            var composer = YAMLComposer(file: name, limits: limits, veil: veil)
            // The parser owns the anchors' names.
            root = try withExtendedLifetime(parser) { () throws(YAMLError) in try composer.node(node) }
        } catch let error as YAMLError {
            throw error
        } catch {
            throw YAMLError([YAMLProblem(file: name, parserError: error, veil: veil)])
        }
    }

    /// The text, once it is certain that it is text.
    private static func text(_ bytes: [UInt8], name: String, limits: YAMLLimits) throws(YAMLError) -> String {
        func failure(at offset: Int, _ problem: String, _ remedy: String) -> YAMLError {
            let before = bytes[..<offset]
            let line = before.count { $0 == 0x0A } + 1
            let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
            let position = YAMLPosition(line: line, column: column)
            return YAMLError([YAMLProblem(file: name, position: position, problem: problem, remedy: remedy)])
        }
        guard bytes.count <= limits.fileBytes else {
            throw failure(at: 0, "larger than \(limits.fileBytes) bytes", "put long texts into files of their own")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure(at: invalidOffset(bytes), "bytes that are not UTF-8", "save the file as UTF-8")
        }
        let controls = bytes.indices.first { bytes[$0] < 0x20 && ![0x09, 0x0A, 0x0D].contains(bytes[$0]) || bytes[$0] == 0x7F }
        if let controls {
            let code = String(bytes[controls], radix: 16)
            throw failure(at: controls, "the control character 0x\(code)", "write it as \"\\x\(code.count < 2 ? "0" : "")\(code)\" in quotes, or take it out")
        }
        guard NestingCost.isBearable(bytes) else {
            throw failure(at: 0, "lists and mappings nested too deep for the file's size", "make the document flatter")
        }
        if let mark = markOffset(bytes) {
            throw failure(at: mark, "a byte order mark within the text", "take it out, or put the text into a file of its own")
        }
        // A byte order mark is no part of the text.
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? String(text.unicodeScalars.dropFirst()) : text
    }

    /// Where U+FEFF stands after the start, as itself or as an escape. The parser would lose it at the start of a value.
    private static func markOffset(_ bytes: [UInt8]) -> Int? {
        let forms = ["\\ufeff", "\\u0000feff"].map { Array($0.utf8) }
        return bytes.indices.dropFirst(3).first { i in
            switch bytes[i] {
            case 0xEF: bytes[i...].starts(with: [0xEF, 0xBB, 0xBF])
            case UInt8(ascii: "\\"): forms.contains { form in
                bytes[i...].prefix(form.count).elementsEqual(form) { ($0 | ($0 >= 0x41 && $0 <= 0x5A ? 0x20 : 0)) == $1 }
            }
            default: false
            }
        }
    }

    private static func invalidOffset(_ bytes: [UInt8]) -> Int {
        // As far as the decoder gets.
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var valid = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { valid += UTF8.width(scalar) }
        return min(valid, max(bytes.count - 1, 0))
    }
}

extension YAMLProblem {
    /// What the parser had to say, in our words where it is a common slip.
    fileprivate init(file: String, parserError error: any Error, veil: AliasVeil) {
        var position = YAMLPosition(line: 1, column: 1)
        var problem = "not YAML"
        var remedy: String?
        switch error as? YamlError {
        case .scanner(let context, let text, let mark, _), .parser(let context, let text, let mark, _),
            .composer(let context, let text, let mark, _):
            position = YAMLPosition(line: mark.line, column: mark.column)
            problem = "not YAML: \(context.map { "\($0.text) in line \($0.mark.line): " } ?? "")\(text)"
            (problem, remedy) = Self.explained(text, problem)
        case .duplicatedKeysInMapping(let keys, let context):
            position = YAMLPosition(line: context.mark.line, column: context.mark.column)
            let names = keys.map { quoted(veil.lifted($0)) }.joined(separator: ", ")
            problem = "the key \(names) stands more than once in one mapping"
            remedy = "keep one of them"
        case .reader(let text, _, _, _): problem = "not YAML: \(text)"
        default: problem = "not YAML that can be read"
        }
        self.init(file: file, position: position, problem: problem, remedy: remedy)
    }

    private static func explained(_ text: String, _ problem: String) -> (String, String?) {
        switch text {
        case "but found another document": ("a second document", "keep one document in a file")
        case "found character that cannot start any token":
            (problem, "put text that starts with a tab, @, ` or % into quotes, and indent with spaces")
        case "mapping values are not allowed in this context":
            (problem, "put text with a colon and a space into quotes, and check the indentation")
        case "did not find expected key", "did not find expected '-' indicator": (problem, "check the indentation")
        case let text where text.contains("nesting"): ("lists and mappings nested too deep", "make the document flatter")
        default: (problem, nil)
        }
    }
}
