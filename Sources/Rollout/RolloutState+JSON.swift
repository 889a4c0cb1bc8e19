public import JSONDocuments
public import JSONText

extension RolloutState {
    /// As the admin API and the state file have it.
    public var json: JSONValue {
        .object([
            ("id", .text(id)), ("revision", .integer(revision)), ("mode", .text(mode.rawValue)), ("percent", percentage.json),
            ("shadow_percent", shadowPercentage.json), ("epoch", .integer(epoch)), ("schedule", schedule?.json ?? .null),
        ])
    }

    /// - Throws: ``RolloutError`` that names the member.
    public init(json: JSONDocument) throws(RolloutError) {
        var reader = try MemberReader(json, "the rollout")
        let mode = try reader.word("mode", RolloutMode.self)
        self.init(
            id: try reader.string("id"), mode: mode, percentage: try reader.percentage("percent"),
            shadowPercentage: try reader.percentage("shadow_percent"))
        revision = try reader.integer("revision", in: 1...Int.max)
        epoch = try reader.integer("epoch", in: 0...Int.max)
        if let schedule = try reader.optional("schedule") { self.schedule = try Schedule(json: schedule) }
        try reader.finish()
    }
}

extension RolloutState.Schedule {
    var json: JSONValue {
        .object([
            ("steps", .array(steps.map(\.json))), ("position", .integer(position)), ("since_ms", .integer(Int(since))),
            ("paused_at_ms", pausedAt.map { .integer(Int($0)) } ?? .null), ("next_at_ms", nextAt.map { .integer(Int($0)) } ?? .null),
        ])
    }

    init(json: JSONDocument) throws(RolloutError) {
        var reader = try MemberReader(json, "schedule")
        var steps: [Step] = []
        for element in try reader.array("steps") { steps.append(try Step(json: element)) }
        self.steps = steps
        guard !steps.isEmpty else { throw RolloutError("schedule.steps is empty") }
        position = try reader.integer("position", in: 0...steps.count - 1)
        since = Int64(try reader.integer("since_ms", in: 0...Int.max))
        pausedAt = try reader.optionalInteger("paused_at_ms").map(Int64.init)
        _ = try reader.optional("next_at_ms")
        try reader.finish()
    }
}

extension RolloutState.Schedule.Step {
    public var json: JSONValue {
        .object([("percent", percentage.json), ("seconds", seconds.map { .integer($0) } ?? .null)])
    }

    /// - Throws: ``RolloutError`` that names the member.
    public init(json: JSONDocument) throws(RolloutError) {
        var reader = try MemberReader(json, "a step")
        percentage = try reader.percentage("percent")
        seconds = try reader.optionalInteger("seconds")
        if let seconds, seconds < 1 { throw RolloutError("a step's seconds must be at least 1") }
        try reader.finish()
    }
}

extension RolloutChange {
    public var json: JSONValue {
        .object([
            ("revision", .integer(state.revision)), ("command", .text(command)), ("at_ms", .integer(Int(at))), ("by", .text(by)),
            ("why", .text(why)), ("state", state.json),
        ])
    }

    /// - Throws: ``RolloutError`` that names the member.
    public init(json: JSONDocument) throws(RolloutError) {
        var reader = try MemberReader(json, "a change")
        _ = try reader.integer("revision", in: 1...Int.max)
        command = try reader.string("command")
        at = Int64(try reader.integer("at_ms", in: 0...Int.max))
        by = try reader.string("by")
        why = try reader.string("why")
        state = try RolloutState(json: try reader.required("state"))
        try reader.finish()
    }
}

extension Percentage {
    var json: JSONValue { hundredths % 100 == 0 ? .integer(hundredths / 100) : .number(percent) }
}

/// Reads an object whose members are all known.
public struct MemberReader {
    private let object: JSONObject
    private let what: String
    private var known: Set<String> = []

    /// - Throws: ``RolloutError`` if it is no object.
    public init(_ json: JSONDocument, _ what: String) throws(RolloutError) {
        guard case .object(let object) = json else { throw RolloutError("\(what) must be an object, found \(json.kind.rawValue)") }
        self.object = object
        self.what = what
    }

    /// - Returns: nil where it is missing or null.
    public mutating func optional(_ key: String) throws(RolloutError) -> JSONDocument? {
        known.insert(key)
        guard let value = object[key] else { return nil }
        if case .null = value { return nil }
        return value
    }

    public mutating func required(_ key: String) throws(RolloutError) -> JSONDocument {
        guard let value = try optional(key) else { throw RolloutError("\(what): \(key) is missing") }
        return value
    }

    public mutating func string(_ key: String) throws(RolloutError) -> String {
        guard case .string(let text) = try required(key) else { throw wrong(key, "a string") }
        return text
    }

    public mutating func optionalString(_ key: String) throws(RolloutError) -> String? {
        guard let value = try optional(key) else { return nil }
        guard case .string(let text) = value else { throw wrong(key, "a string") }
        return text
    }

    public mutating func word<Word: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ type: Word.Type
    ) throws(RolloutError) -> Word {
        guard let word = Word(rawValue: try string(key)) else {
            throw wrong(key, "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    public mutating func optionalWord<Word: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ type: Word.Type
    ) throws(RolloutError) -> Word? {
        try optional(key) == nil ? nil : word(key, type)
    }

    public mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(RolloutError) -> Int {
        guard case .number(let number) = try required(key), let value = number.intValue, range.contains(value) else {
            throw wrong(key, "a whole number of at least \(range.lowerBound)")
        }
        return value
    }

    public mutating func optionalInteger(_ key: String) throws(RolloutError) -> Int? {
        guard let value = try optional(key) else { return nil }
        guard case .number(let number) = value, let integer = number.intValue, integer >= 0 else {
            throw wrong(key, "a whole number, not negative")
        }
        return integer
    }

    public mutating func percentage(_ key: String) throws(RolloutError) -> Percentage {
        guard let value = try optionalPercentage(key) else { throw RolloutError("\(what): \(key) is missing") }
        return value
    }

    public mutating func optionalPercentage(_ key: String) throws(RolloutError) -> Percentage? {
        guard let value = try optional(key) else { return nil }
        guard case .number(let number) = value, let percentage = Percentage(percent: number.approximateDouble) else {
            throw wrong(key, "a number from 0 to 100 with at most two decimals")
        }
        return percentage
    }

    public mutating func array(_ key: String) throws(RolloutError) -> [JSONDocument] {
        guard case .array(let elements) = try required(key) else { throw wrong(key, "an array") }
        return elements
    }

    /// - Throws: ``RolloutError`` that names a member nobody asked for.
    public func finish() throws(RolloutError) {
        if let stranger = object.members.map(\.key).first(where: { !known.contains($0) }) {
            throw RolloutError("\(what): unknown member \(JSONValue.text(stranger).text); known are \(known.sorted().joined(separator: ", "))")
        }
    }

    private func wrong(_ key: String, _ expected: String) -> RolloutError {
        RolloutError("\(what): \(key) must be \(expected)")
    }
}
