internal import AgentRuns
internal import JSONText

/// The values of fields.
extension FieldPass {
    /// Where the token's text, as it was written, stands in the run's storage.
    @inline(__always)
    func place(of token: JSONToken, _ run: inout AgentRun) -> Text {
        guard isStored else { return run.store(UnsafeRawBufferPointer(rebasing: line[token.range])) }
        return Text(start: Int32(truncatingIfNeeded: start + token.range.lowerBound), count: Int32(truncatingIfNeeded: token.range.count))
    }

    @inline(__always)
    mutating func stored(_ token: JSONToken, _ run: inout AgentRun) -> Text {
        token.hasEscapes ? decoded(token, &run) : place(of: token, &run)
    }

    private mutating func decoded(_ token: JSONToken, _ run: inout AgentRun) -> Text {
        let raw = UnsafeRawBufferPointer(rebasing: line[token.range])
        var replaced = false
        let text = run.store { replaced = JSONString.decode(raw, into: &$0) }
        if replaced { oddities.insert(.loneSurrogate) }
        return text
    }

    @inline(__always)
    mutating func content(_ token: JSONToken, _ run: inout AgentRun) -> Content? {
        switch token.kind {
        case .null: nil
        case .string: Content(form: .string, text: stored(token, &run))
        default: Content(form: .json, text: place(of: token, &run))
        }
    }

    mutating func text(_ token: JSONToken, _ field: Field, _ run: inout AgentRun) throws(RejectedLine) -> Text? {
        try text(token, field.rawValue, &run)
    }

    @inline(__always)
    mutating func text(
        _ token: JSONToken, _ name: @autoclosure () -> String, _ run: inout AgentRun
    ) throws(RejectedLine) -> Text? {
        switch token.kind {
        case .string: return stored(token, &run)
        case .null: return nil
        default: throw wrongType(token, name(), "a string")
        }
    }

    /// The text of a call's field.
    @inline(__always)
    mutating func text(
        _ cursor: inout JSONCursor, _ name: @autoclosure () -> String, _ run: inout AgentRun
    ) throws(RejectedLine) -> Text? {
        if let token = cursor.plainString() { return place(of: token, &run) }
        return try text(try value(&cursor, within: 3), name(), &run)
    }

    mutating func texts(
        _ cursor: inout JSONCursor, _ field: Field, _ run: inout AgentRun
    ) throws(RejectedLine) -> [Text]? {
        guard cursor.pass("[") else { return try isList(&cursor, field) ? [] : nil }
        var texts: [Text] = []
        guard !cursor.pass("]") else { return texts }
        repeat {
            let token = try value(&cursor, within: 2)
            guard token.kind == .string else { throw wrongType(token, field.rawValue, "strings") }
            texts.append(stored(token, &run))
        } while cursor.pass(",")
        guard cursor.pass("]") else { throw Self.notJSON }
        return texts
    }

    /// Tags sort runs and are no part of them: what is no list of strings is another tool's field of the same name.
    mutating func tags(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) -> [Text] {
        guard cursor.pass("[") else {
            _ = try value(&cursor, within: 1)
            return []
        }
        var tags: [Text] = []
        guard !cursor.pass("]") else { return tags }
        repeat {
            let token = try value(&cursor, within: 2)
            if token.kind == .string { tags.append(stored(token, &run)) }
        } while cursor.pass(",")
        guard cursor.pass("]") else { throw Self.notJSON }
        return tags
    }

    func number(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> RecordedNumber? {
        try number(token, field.rawValue)
    }

    func number(_ token: JSONToken, _ name: @autoclosure () -> String) throws(RejectedLine) -> RecordedNumber? {
        switch token.kind {
        case .number: return RecordedNumber(json: UnsafeRawBufferPointer(rebasing: line[token.range]))
        case .null: return nil
        default: throw wrongType(token, name(), "a number")
        }
    }

    func wholeNumber(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> Int64? {
        guard let number = try number(token, field) else { return nil }
        guard let whole = number.integer else { throw wrongType(token, field.rawValue, "a whole number of 64 bits") }
        return whole
    }

    func time(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> UInt64? {
        let text = UnsafeRawBufferPointer(rebasing: line[token.range])
        let time: UInt64?
        switch token.kind {
        case .null: return nil
        case .string where token.hasEscapes:
            var decoded: [UInt8] = []
            JSONString.decode(text, into: &decoded)
            time = Timestamp.rfc3339(decoded)
        case .string: time = Timestamp.rfc3339(text)
        case .number: time = Timestamp.unix(text)
        default: time = nil
        }
        guard let time else {
            throw wrongType(token, field.rawValue, "an RFC 3339 time, or Unix seconds or milliseconds, from 1970 to 2261")
        }
        return time
    }

    func wrongType(_ token: JSONToken, _ field: String, _ wanted: String) -> RejectedLine {
        RejectedLine(
            reason: .wrongType, column: token.rawRange.lowerBound + 1,
            detail: "\(field) must be \(wanted), found \(token.kind)")
    }
}
