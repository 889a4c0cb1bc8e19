/// A value at a place in a document, to be read as what it should be.
///
/// Each reading gives nil and reports a problem when the value is something else; nothing is converted: `"5"` in quotes is
/// no number, `yes` no boolean. See ``YAMLDocument/read(_:)``.
public struct YAMLField {
    public let node: YAMLNode
    /// Such as `checks[2].contains`.
    public let path: String
    let problems: YAMLProblems

    public var position: YAMLPosition { node.position }
    public var file: String { problems.file }

    /// Says that the value will not do, and goes on.
    public func report(_ problem: String, remedy: String? = nil) {
        problems.report(position, path, problem, remedy: remedy)
    }

    private func wrong<Value>(_ expected: String, _ remedy: String) -> Value? {
        report("found \(node.summary) where \(expected) should be", remedy: remedy)
        return nil
    }

    public var isNull: Bool { node.scalar == .null }
    public var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    public var isList: Bool { if case .sequence = node.content { true } else { false } }
    /// The text if that is what it is, without complaint.
    public var text: String? { if case .string(let text)? = node.scalar { text } else { nil } }

    public func string() -> String? {
        if let text { return text }
        let remedy = isMapping || isList ? "write one text" : isNull ? "write a text, \"\" for an empty one" : "put it in quotes"
        return wrong("a text", remedy)
    }

    public func int(in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
        guard case .number(let number)? = node.scalar, number.exponent >= 0 else {
            return wrong("a whole number", "write digits, without quotes")
        }
        guard let value = number.integer else {
            return wrong("a whole number from \(range.lowerBound) to \(range.upperBound)", "choose a number within the bounds")
        }
        guard range.contains(value) else { return wrong(Self.bounds("a whole number", range), "choose a number within the bounds") }
        return value
    }

    public func double(in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude) -> Double? {
        let bounds = range.upperBound == .greatestFiniteMagnitude ? "a finite number" : "a number from \(range.lowerBound) to \(range.upperBound)"
        switch node.scalar {
        case .number(let number)?:
            guard let value = number.double, range.contains(value) else { return wrong(bounds, "choose a number within the bounds") }
            return value
        case .notFinite?: return wrong(bounds, "choose a number within the bounds")
        default: return wrong("a number", "write digits, without quotes")
        }
    }

    public func bool() -> Bool? {
        guard case .bool(let value)? = node.scalar else { return wrong("true or false", "write true or false, without quotes") }
        return value
    }

    /// A number with its unit: `250us`, `500ms`, `2s`, `1.5m`, `1h`, `7d`; also `0`. Exact, never negative.
    public func duration() -> Duration? {
        if case .number(let number)? = node.scalar, number.integer == 0 { return .zero }
        if let text, let value = Duration(yaml: text) { return value }
        if let text, Duration.isWritten(yaml: text) { return wrong("a duration of at most 1000 years", "choose one within the bounds") }
        return wrong("a duration", "write a number and its unit, such as 500ms, 2s, 1.5m or 1h")
    }

    /// A number with `%`, such as `2.5%`, as the number before the sign.
    public func percentage(in range: ClosedRange<Double> = 0...100) -> Double? {
        guard let text, text.hasSuffix("%"), let value = YAMLNumber(String(text.dropLast()))?.double else {
            return wrong("a percentage", "write a number with a percent sign, such as 2.5%")
        }
        guard range.contains(value) else {
            return wrong("a percentage from \(range.lowerBound)% to \(range.upperBound)%", "choose one within the bounds")
        }
        return value
    }

    /// One of the known words, in exactly their spelling.
    public func word(of known: [String]) -> String? {
        guard let text, known.contains(text) else {
            let nearest = text.flatMap { NearestWord.of($0, among: known) }
            let choice = "one of \(known.joined(separator: ", "))"
            return wrong(choice, nearest.map { "did you mean \($0)?" } ?? "write \(choice)")
        }
        return text
    }

    /// One of the cases, by its raw value.
    public func word<Word: CaseIterable & RawRepresentable<String>>(as type: Word.Type = Word.self) -> Word? {
        word(of: Word.allCases.map(\.rawValue)).flatMap(Word.init(rawValue:))
    }

    /// All elements that could be read; nil if it is no list.
    public func list<Value>(_ read: (YAMLField) -> Value?) -> [Value]? { elements()?.compactMap(read) }

    public func elements() -> [YAMLField]? {
        guard case .sequence(let values) = node.content else { return wrong("a list", "write - in front of each element, or [a, b]") }
        return values.enumerated().map { YAMLField(node: $1, path: "\(path)[\($0)]", problems: problems) }
    }

    /// The fields of a mapping with known keys. Keys that `read` did not ask for are reported.
    public func mapping<Value>(_ read: (YAMLMapping) -> Value?) -> Value? {
        guard case .mapping(let entries) = node.content else { return wrong("a mapping", "write key: value lines, indented") }
        let mapping = YAMLMapping(field: self, entries: entries)
        let value = read(mapping)
        mapping.reportUnknownKeys(isComplete: value != nil)
        return value
    }

    /// The entries of a mapping whose keys the user chooses, in the order of the file.
    public func entries() -> [(key: String, value: YAMLField)]? {
        guard case .mapping(let entries) = node.content else { return wrong("a mapping", "write name: value lines, indented") }
        return entries.map { ($0.key, YAMLField(node: $0.value, path: Self.join(path, $0.key), problems: problems)) }
    }

    /// The value with all that is in it as compact JSON: members in the order of the file, numbers exact.
    public func json() -> [UInt8]? {
        var output: [UInt8] = []
        do {
            try node.appendJSON(to: &output)
            return output
        } catch {
            problems.report(error.position, path, error.problem, remedy: "write a finite number, or a text in quotes")
            return nil
        }
    }

    private static func bounds(_ what: String, _ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (Int.min, let most): "\(what) of at most \(most)"
        case (let least, Int.max): "\(what) of at least \(least)"
        case (let least, let most): "\(what) from \(least) to \(most)"
        }
    }

    static func join(_ path: String, _ key: String) -> String {
        let isWord = !key.isEmpty && key.utf8.count <= 60 && key.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_" || $0 == "-"
        }
        guard isWord else { return "\(path)[\(quoted(key))]" }
        return path.isEmpty ? key : "\(path).\(key)"
    }
}
