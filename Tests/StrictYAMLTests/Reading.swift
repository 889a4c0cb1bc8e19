import StrictYAML

func document(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLDocument {
    try YAMLDocument(bytes: Array(text.utf8), name: "gate.yaml", limits: limits)
}

/// What the first field `v` reads as.
func reading<Value>(_ text: String, _ read: (YAMLField) -> Value?) throws -> Value {
    try document("v: " + text).read { root in root.mapping { $0.required("v").flatMap(read) } }
}

/// The messages of a document that cannot be read.
func complaints<Value>(_ text: String, _ read: (YAMLMapping) -> Value?) -> [String] {
    do {
        _ = try document(text).read { $0.mapping(read) }
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

func refusal(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) -> String? {
    do {
        _ = try YAMLDocument(bytes: bytes, name: "gate.yaml", limits: limits)
        return nil
    } catch {
        return error.description
    }
}

func json(_ text: String) throws -> String {
    String(decoding: try document(text).read { $0.json() }, as: UTF8.self)
}
