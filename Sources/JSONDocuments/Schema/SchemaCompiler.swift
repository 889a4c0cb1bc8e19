/// Turns a schema into the list of its subschemas.
///
/// Each subschema waits in the list until its turn comes, so that neither nesting nor references make this recurse.
/// A class, since the readers of all subschemas add to the one list.
final class SchemaCompiler {
    let document: JSONDocument
    private(set) var nodes: [SchemaNode] = []
    private(set) var unknownKeywords: [JSONSchema.UnknownKeyword] = []
    private var sources: [JSONDocument] = []
    private var places: [JSONPointer: Int] = [:]
    private var anchors: [ExactKey: Int] = [:]
    /// References to anchors, which are known only once all subschemas have been read.
    private var openReferences: [(node: Int, keyword: Int, anchor: String)] = []

    init(_ document: JSONDocument) { self.document = document }

    func compile() throws(JSONSchemaError) -> [SchemaNode] {
        _ = try add(document, at: .root)
        var next = 0
        while next < nodes.count {
            try read(next)
            next += 1
        }
        for open in openReferences {
            guard let target = anchors[ExactKey(text: open.anchor)] else {
                throw JSONSchemaError(
                    pointer: nodes[open.node].pointer.appending("$ref").description,
                    problem: "nothing has the $anchor “\(open.anchor)”",
                    remedy: "name an anchor of this schema, or a place such as #/$defs/name")
            }
            nodes[open.node].keywords[open.keyword] = SchemaNode.Keyword(name: "$ref", rule: .reference(target))
        }
        try refuseLoops()
        return nodes
    }

    /// The place in the list of the subschema at the pointer.
    func add(_ schema: JSONDocument, at pointer: JSONPointer) throws(JSONSchemaError) -> Int {
        if let known = places[pointer] { return known }
        switch schema {
        case .object, .bool: break
        default:
            throw JSONSchemaError(
                pointer: pointer.description, problem: "\(schema.excerpt) is not a schema",
                remedy: "write an object, true or false")
        }
        places[pointer] = nodes.count
        nodes.append(SchemaNode(pointer: pointer))
        sources.append(schema)
        return nodes.count - 1
    }

    private func read(_ index: Int) throws(JSONSchemaError) {
        guard case .object(let members) = sources[index] else {
            nodes[index].isNever = sources[index] == .bool(false)
            return
        }
        let pointer = nodes[index].pointer
        try refuseUnsupported(members, at: pointer)
        for member in members.members where !JSONSchema.keywords.contains(member.key) && unknownKeywords.count < 100 {
            unknownKeywords.append(.init(pointer: pointer.appending(member.key).description, name: member.key))
        }
        var reader = SchemaReader(members: members, pointer: pointer, compiler: self)
        let keywords = try reader.read()
        let target = try reader.reference()
        try reader.readDefinitions()
        let anchor = try reader.anchor()
        switch target {
        case .place(let target):
            nodes[index].keywords = [SchemaNode.Keyword(name: "$ref", rule: .reference(target))]
        case .anchor(let name):
            openReferences.append((index, 0, name))
            nodes[index].keywords = [SchemaNode.Keyword(name: "$ref", rule: .allOf([]))]
        case nil: break
        }
        nodes[index].keywords += keywords
        if let anchor {
            if let other = anchors[ExactKey(text: anchor)], other != index {
                throw JSONSchemaError(
                    pointer: pointer.appending("$anchor").description,
                    problem: "\(nodes[other].pointer) has the anchor “\(anchor)” already", remedy: "rename one of them")
            }
            anchors[ExactKey(text: anchor)] = index
        }
    }

    private func refuseUnsupported(_ members: JSONObject, at pointer: JSONPointer) throws(JSONSchemaError) {
        func refuse(_ keyword: String, _ problem: String, _ remedy: String) -> JSONSchemaError {
            JSONSchemaError(pointer: pointer.appending(keyword).description, problem: problem, remedy: remedy)
        }
        for keyword in ["$dynamicRef", "$recursiveRef"] where members[keyword] != nil {
            throw refuse(keyword, "\(keyword) is not supported", "refer with $ref to a place in this schema")
        }
        if members["$id"] != nil, !pointer.tokens.isEmpty {
            throw refuse(
                "$id", "$id is supported at the root of a schema only", "remove it and refer to #\(pointer) instead")
        }
        if let dialect = members["$schema"] {
            let known = "https://json-schema.org/draft/2020-12/schema"
            guard dialect == .string(known) || dialect == .string(known + "#") else {
                throw refuse(
                    "$schema", "only draft 2020-12 is supported, this names \(dialect.excerpt)",
                    "remove $schema or write “\(known)”, once the schema means the same there")
            }
        }
    }

    /// Refuses subschemas that lead back to themselves without going into the value: they could never be decided.
    private func refuseLoops() throws(JSONSchemaError) {
        let targets = nodes.map { $0.keywords.flatMap { $0.rule.inPlace } }
        var sourcesOf = Array(repeating: [Int](), count: nodes.count)
        var open = targets.map(\.count)
        for (i, list) in targets.enumerated() { for target in list { sourcesOf[target].append(i) } }
        // What leads nowhere further is taken away until only loops remain, and what leads into them.
        var ends = open.indices.filter { open[$0] == 0 }
        while let end = ends.popLast() {
            for source in sourcesOf[end] {
                open[source] -= 1
                if open[source] == 0 { ends.append(source) }
            }
        }
        guard var place = open.firstIndex(where: { $0 > 0 }) else { return }
        var seen: Set<Int> = []
        while seen.insert(place).inserted, let next = targets[place].first(where: { open[$0] > 0 }) { place = next }
        throw JSONSchemaError(
            pointer: nodes[place].pointer.description, problem: "this schema leads back to itself for the same value",
            remedy: "break the loop of $ref, or put properties or items between")
    }
}
