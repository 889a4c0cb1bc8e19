extension JSONPatch.Operation {
    typealias Problem = JSONPatchError.Problem

    func apply(to document: JSONDocument) throws(Problem) -> JSONDocument {
        switch self {
        case .add(let path, let value): return try document.adding(value, at: path.tokens[...])
        case .remove(let path): return try document.removing(at: path.tokens[...])
        case .replace(let path, let value):
            guard path.resolve(in: document) != nil else { throw .noSuchPlace }
            return try document.editing(path.tokens[...]) { _ in value }
        case .move(let from, let path):
            guard let value = from.resolve(in: document) else { throw .noSuchPlace }
            guard from != path else { return document }
            let isWithin = path.tokens.count > from.tokens.count
                && JSONPointer(tokens: Array(path.tokens.prefix(from.tokens.count))) == from
            guard !isWithin else { throw .intoItself }
            return try document.removing(at: from.tokens[...]).adding(value, at: path.tokens[...])
        case .copy(let from, let path):
            guard let value = from.resolve(in: document) else { throw .noSuchPlace }
            return try document.adding(value, at: path.tokens[...])
        case .test(let path, let value):
            guard let found = path.resolve(in: document) else { throw .noSuchPlace }
            guard found == value else { throw .testFailed }
            return document
        }
    }
}

extension JSONDocument {
    fileprivate typealias Problem = JSONPatchError.Problem

    /// The document with the value at the path replaced by what `edit` makes of it.
    fileprivate func editing(
        _ path: ArraySlice<String>, _ edit: (JSONDocument) throws(Problem) -> JSONDocument
    ) throws(Problem) -> JSONDocument {
        guard let token = path.first else { return try edit(self) }
        switch self {
        case .object(let object):
            guard let value = object[token] else { throw .noSuchPlace }
            return .object(object.setting(token, to: try value.editing(path.dropFirst(), edit)))
        case .array(var elements):
            guard let index = JSONPointer.index(token), index < elements.count else { throw .noSuchPlace }
            elements[index] = try elements[index].editing(path.dropFirst(), edit)
            return .array(elements)
        default: throw .noSuchPlace
        }
    }

    fileprivate func adding(_ value: JSONDocument, at path: ArraySlice<String>) throws(Problem) -> JSONDocument {
        guard let last = path.last else { return value }
        return try editing(path.dropLast()) { parent throws(Problem) in
            switch parent {
            case .object(let object): return .object(object.setting(last, to: value))
            case .array(var elements):
                guard let index = last == "-" ? elements.count : JSONPointer.index(last), index <= elements.count else {
                    throw .noSuchPlace
                }
                elements.insert(value, at: index)
                return .array(elements)
            default: throw .noSuchPlace
            }
        }
    }

    fileprivate func removing(at path: ArraySlice<String>) throws(Problem) -> JSONDocument {
        guard let last = path.last else { throw .noSuchPlace }
        return try editing(path.dropLast()) { parent throws(Problem) in
            switch parent {
            case .object(let object):
                guard object.index(of: last) != nil else { throw .noSuchPlace }
                return .object(object.removing(last))
            case .array(var elements):
                guard let index = JSONPointer.index(last), index < elements.count else { throw .noSuchPlace }
                elements.remove(at: index)
                return .array(elements)
            default: throw .noSuchPlace
            }
        }
    }
}
