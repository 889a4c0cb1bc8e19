internal import Yams

/// Turns the parser's nodes into ours: replaces aliases, and refuses what goes beyond the limits or the core schema.
struct YAMLComposer {
    let file: String
    let limits: YAMLLimits
    let veil: AliasVeil
    private var anchors: [String: YAMLNode] = [:]

    init(file: String, limits: YAMLLimits, veil: AliasVeil) {
        self.file = file
        self.limits = limits
        self.veil = veil
    }

    mutating func node(_ node: Node, depth: Int = 1) throws(YAMLError) -> YAMLNode {
        let composed = try content(node, depth: depth)
        if let name = Self.anchor(node) { anchors[name] = composed }
        return composed
    }

    private mutating func content(_ node: Node, depth: Int) throws(YAMLError) -> YAMLNode {
        let position = Self.position(node)
        guard depth <= limits.depth else { throw tooDeep(position) }
        switch node {
        case .scalar(let scalar): return try self.scalar(scalar, depth: depth)
        case .sequence(let sequence):
            try checkTag(sequence.tag, "seq", position)
            var weight = YAMLNode.Weight()
            var values: [YAMLNode] = []
            for element in sequence {
                let value = try self.node(element, depth: depth + 1)
                values.append(value)
                try add(value.weight, to: &weight, position)
            }
            return YAMLNode(content: .sequence(values), position: position, weight: weight)
        case .mapping(let mapping):
            try checkTag(mapping.tag, "map", position)
            var weight = YAMLNode.Weight()
            var entries: [YAMLNode.Entry] = []
            for (key, element) in mapping {
                let name = try self.key(key)
                let value = try self.node(element, depth: depth + 1)
                entries.append(.init(key: name, keyPosition: Self.position(key), value: value))
                weight.bytes += name.utf8.count
                try add(value.weight, to: &weight, position)
            }
            return YAMLNode(content: .mapping(entries), position: position, weight: weight)
        case .alias: throw failure(position, "an alias that cannot be read")
        }
    }

    private func scalar(_ scalar: Node.Scalar, depth: Int) throws(YAMLError) -> YAMLNode {
        let position = Self.position(.scalar(scalar))
        if scalar.style == .plain, let name = veil.alias(scalar.string) {
            return try alias(name, isAnchored: scalar.anchor != nil, position, depth: depth)
        }
        let isPlain = scalar.style == .plain && scalar.tag.rawValue == ""
        let text = veil.lifted(scalar.string)
        let node = YAMLNode(
            content: .scalar(text, isPlain: isPlain), position: position,
            weight: .init(nodes: 1, bytes: text.utf8.count, height: 1))
        let tag = scalar.tag.rawValue
        guard !["", "!", Self.core + "str"].contains(tag) else { return node }
        // A tag of the core schema may say what the value is anyway; it may not make it anything else.
        let plain = YAMLScalar(plain: text)
        let fits = switch (tag, plain) {
        case (Self.core + "null", .null), (Self.core + "bool", .bool), (Self.core + "float", .number),
            (Self.core + "float", .notFinite): true
        case (Self.core + "int", .number(let number)): number.exponent >= 0 && !text.contains(".")
        default: false
        }
        guard fits else { throw badTag(tag, position) }
        return YAMLNode(content: .scalar(text, isPlain: true), position: position, weight: node.weight)
    }

    private func alias(_ name: String, isAnchored: Bool, _ position: YAMLPosition, depth: Int) throws(YAMLError) -> YAMLNode {
        let isName = !name.isEmpty && name.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
        guard isName, !isAnchored else {
            throw failure(
                position, "\(quoted("*" + name)) is not an alias", remedy: "text that starts with * needs quotes around it")
        }
        guard let target = anchors[name] else {
            throw failure(
                position, "the alias *\(name) has no anchor &\(name) before it",
                remedy: "an anchor must be complete before its alias; text that starts with * needs quotes")
        }
        guard depth + target.weight.height - 1 <= limits.depth else { throw tooDeep(position) }
        return target.moved(to: position)
    }

    private mutating func key(_ node: Node) throws(YAMLError) -> String {
        let position = Self.position(node)
        guard case .scalar(let scalar) = node, scalar.style != .plain || veil.alias(scalar.string) == nil else {
            throw failure(position, "a key that is not plain text", remedy: "a key is a word; aliases, lists and mappings cannot be keys")
        }
        let key = veil.lifted(scalar.string)
        guard scalar.style != .plain || key != "<<" else {
            throw failure(position, "merge keys (<<) are not supported", remedy: "write the fields out, or use an alias for a whole value")
        }
        guard scalar.style != .plain || !key.isEmpty else {
            throw failure(position, "a value without a key", remedy: "write a name before the colon")
        }
        let tag = scalar.tag.rawValue
        guard ["", "!", Self.core + "str"].contains(tag) else { throw badTag(tag, position) }
        if let name = Self.anchor(node) { anchors[name] = try self.scalar(scalar, depth: 1) }
        return key
    }

    private func add(_ part: YAMLNode.Weight, to whole: inout YAMLNode.Weight, _ position: YAMLPosition) throws(YAMLError) {
        whole.add(part)
        guard whole.nodes <= limits.nodes, whole.bytes <= limits.textBytes else {
            throw failure(
                position,
                "with its aliases replaced, this has more than \(limits.nodes) values or \(limits.textBytes) bytes of text",
                remedy: "use fewer aliases (*name) within anchored values")
        }
    }

    private static let core = "tag:yaml.org,2002:"

    private func checkTag(_ tag: Tag, _ expected: String, _ position: YAMLPosition) throws(YAMLError) {
        guard ["", "!", Self.core + expected].contains(tag.rawValue) else { throw badTag(tag.rawValue, position) }
    }

    private func badTag(_ tag: String, _ position: YAMLPosition) -> YAMLError {
        failure(position, "the tag \(quoted(veil.lifted(tag))) does not fit here", remedy: "leave it out: no tag is needed")
    }

    private func tooDeep(_ position: YAMLPosition) -> YAMLError {
        failure(position, "lists and mappings nested more than \(limits.depth) deep", remedy: "make the document flatter")
    }

    private func failure(_ position: YAMLPosition, _ problem: String, remedy: String? = nil) -> YAMLError {
        YAMLError([YAMLProblem(file: file, position: position, problem: problem, remedy: remedy)])
    }

    private static func position(_ node: Node) -> YAMLPosition {
        node.mark.map { YAMLPosition(line: $0.line, column: $0.column) } ?? YAMLPosition(line: 1, column: 1)
    }

    private static func anchor(_ node: Node) -> String? {
        switch node {
        case .scalar(let scalar): scalar.anchor?.rawValue
        case .sequence(let sequence): sequence.anchor?.rawValue
        case .mapping(let mapping): mapping.anchor?.rawValue
        case .alias: nil
        }
    }
}
