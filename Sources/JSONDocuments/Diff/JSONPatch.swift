/// A JSON Patch (RFC 6902): operations that make one document from another, one after the other.
public struct JSONPatch: Hashable, Sendable {
    public enum Operation: Hashable, Sendable {
        case add(JSONPointer, JSONDocument)
        case remove(JSONPointer)
        case replace(JSONPointer, JSONDocument)
        case move(from: JSONPointer, to: JSONPointer)
        case copy(from: JSONPointer, to: JSONPointer)
        case test(JSONPointer, JSONDocument)
    }

    public var operations: [Operation]

    public init(operations: [Operation]) { self.operations = operations }

    /// The patch that makes `new` of `old`.
    public init(from old: JSONDocument, to new: JSONDocument) {
        operations = JSONDiff(from: old, to: new, limit: .max).changes.compactMap(Operation.init)
    }

    /// The changes as a patch; nil if some were omitted, since it would not lead to the new document.
    public init?(_ diff: JSONDiff) {
        guard diff.omitted == 0 else { return nil }
        operations = diff.changes.compactMap(Operation.init)
    }

    /// The document after all operations.
    ///
    /// - Throws: ``JSONPatchError`` at the first operation that cannot be made; none then counts.
    public func apply(to document: JSONDocument) throws(JSONPatchError) -> JSONDocument {
        var result = document
        for (i, operation) in operations.enumerated() {
            do throws(JSONPatchError.Problem) {
                result = try operation.apply(to: result)
            } catch {
                throw JSONPatchError(operation: i, problem: error)
            }
        }
        return result
    }

    /// The patch as RFC 6902 writes it, an array of objects.
    public var document: JSONDocument { .array(operations.map(\.document)) }

    /// - Throws: ``JSONPatchError`` with the first element that is not an operation.
    public init(_ document: JSONDocument) throws(JSONPatchError) {
        guard case .array(let elements) = document else { throw JSONPatchError(operation: 0, problem: .malformed) }
        operations = []
        for (i, element) in elements.enumerated() {
            guard let operation = Operation(element) else { throw JSONPatchError(operation: i, problem: .malformed) }
            operations.append(operation)
        }
    }
}

/// Why a patch cannot be read or applied.
public struct JSONPatchError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: String, Error, Hashable, Sendable {
        case malformed = "not an operation of a JSON Patch"
        case noSuchPlace = "the place does not exist"
        case intoItself = "a value cannot be moved into itself"
        case testFailed = "the value is not the one expected"
    }

    /// Index of the operation, from 0.
    public var operation: Int
    public var problem: Problem

    public var description: String { "operation \(operation): \(problem.rawValue)" }
}

extension JSONPatch.Operation {
    init?(_ change: JSONDiff.Change) {
        switch (change.kind, change.new) {
        case (.removed, _): self = .remove(change.position)
        case (.added, let new?): self = .add(change.position, new)
        case (_, let new?): self = .replace(change.position, new)
        case (_, nil): return nil
        }
    }

    init?(_ document: JSONDocument) {
        func pointer(_ key: String) -> JSONPointer? {
            if case .string(let text)? = document[key] { try? JSONPointer(text) } else { nil }
        }
        guard case .string(let name)? = document["op"], let path = pointer("path") else { return nil }
        switch (name, document["value"], pointer("from")) {
        case ("add", let value?, _): self = .add(path, value)
        case ("remove", _, _): self = .remove(path)
        case ("replace", let value?, _): self = .replace(path, value)
        case ("move", _, let from?): self = .move(from: from, to: path)
        case ("copy", _, let from?): self = .copy(from: from, to: path)
        case ("test", let value?, _): self = .test(path, value)
        default: return nil
        }
    }

    var document: JSONDocument {
        func text(_ pointer: JSONPointer) -> JSONDocument { .string(pointer.description) }
        return switch self {
        case .add(let path, let value): .object(["op": .string("add"), "path": text(path), "value": value])
        case .remove(let path): .object(["op": .string("remove"), "path": text(path)])
        case .replace(let path, let value): .object(["op": .string("replace"), "path": text(path), "value": value])
        case .move(let from, let path): .object(["op": .string("move"), "from": text(from), "path": text(path)])
        case .copy(let from, let path): .object(["op": .string("copy"), "from": text(from), "path": text(path)])
        case .test(let path, let value): .object(["op": .string("test"), "path": text(path), "value": value])
        }
    }
}
