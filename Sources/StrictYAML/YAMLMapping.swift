/// The fields of a mapping with known keys: every key that is asked for is known, whether it is there or not.
public final class YAMLMapping {
    private let field: YAMLField
    private let entries: [String: YAMLNode.Entry]
    private let order: [YAMLNode.Entry]
    private var known: Set<String> = []

    init(field: YAMLField, entries: [YAMLNode.Entry]) {
        self.field = field
        order = entries
        self.entries = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
    }

    public var position: YAMLPosition { field.position }

    /// The field, if it is there.
    public subscript(key: String) -> YAMLField? {
        known.insert(key)
        return entries[key].map {
            YAMLField(node: $0.value, path: YAMLField.join(field.path, key), problems: field.problems)
        }
    }

    /// The field; when it is missing, that is reported.
    public func required(_ key: String) -> YAMLField? {
        let found = self[key]
        if found == nil {
            // A misspelt key is one mistake, but both its sides help to find it.
            field.report("\(key) is missing", remedy: "add \(key): …")
        }
        return found
    }

    /// Says what is wrong with the mapping as a whole.
    public func report(_ problem: String, remedy: String? = nil) { field.report(problem, remedy: remedy) }

    /// - Parameter isComplete: false when reading ended early, so that keys may be known which nobody asked for.
    func reportUnknownKeys(isComplete: Bool) {
        for entry in order where !known.contains(entry.key) {
            let nearest = NearestWord.of(entry.key, among: known.filter { entries[$0] == nil })
                ?? NearestWord.of(entry.key, among: known)
            guard isComplete || nearest != nil else { continue }
            let choices = known.isEmpty ? "no key is known here" : "known are \(known.sorted().joined(separator: ", "))"
            field.problems.report(
                entry.keyPosition, YAMLField.join(field.path, entry.key), "unknown key \(quoted(entry.key))",
                remedy: nearest.map { "did you mean \($0)?" } ?? choices)
        }
    }
}

extension YAMLDocument {
    /// Reads the document, field by field, and reports all that is wrong at once.
    ///
    ///     let limit = try document.read { root in
    ///         root.mapping { $0["max_failed"]?.int(in: 0...1_000) ?? 0 }
    ///     }
    ///
    /// - Parameter body: gives nil only after it reported why.
    public func read<Value>(_ body: (YAMLField) -> Value?) throws(YAMLError) -> Value {
        let problems = YAMLProblems(file: file)
        let field = YAMLField(node: root, path: "", problems: problems)
        let value = body(field)
        if value == nil, problems.found.isEmpty { field.report("it cannot be used") }
        guard problems.found.isEmpty, let value else { throw YAMLError(problems.found) }
        return value
    }
}
