internal import AgentRuns
internal import JSONText

/// Takes single fields out of a JSON text, and leaves alone what has another type.
struct JSONFields: ~Copyable {
    /// Deeper nesting is not read.
    private static let maximumDepth = 512

    private var text = UnsafeRawBufferPointer(start: nil, count: 0)
    private var tape = JSONTape(maximumDepth: maximumDepth)

    /// Reads another text, which must stay where it is for as long as its fields are asked for.
    ///
    /// - Returns: false if the text is not JSON; there are no fields then.
    mutating func parse(_ text: UnsafeRawBufferPointer) -> Bool {
        self.text = text
        return (try? tape.parse(text)) != nil
    }

    func isArray(_ place: Int) -> Bool { tape[place].kind == .array }
    func isObject(_ place: Int) -> Bool { tape[place].kind == .object }
    func isString(_ place: Int) -> Bool { tape[place].kind == .string }
    func isEmptyString(_ place: Int) -> Bool { isString(place) && tape[place].range.isEmpty }

    /// The member's value; nil where there is none, or it is null.
    func member(_ key: StaticString, of object: Int) -> Int? {
        guard let place = tape.value(of: key, in: object, of: text), tape[place].kind != .null else { return nil }
        return place
    }

    /// Whether the object has the member, be it null.
    func has(_ key: StaticString, in object: Int) -> Bool { tape.value(of: key, in: object, of: text) != nil }

    func elements(of array: Int) -> [Int] {
        var places: [Int] = []
        var index = array + 1
        while index < tape[array].next {
            places.append(index)
            index = tape[index].next
        }
        return places
    }

    func string(_ place: Int?) -> String? {
        guard let place, tape[place].kind == .string else { return nil }
        return String(decoding: bytes(place), as: UTF8.self)
    }

    /// The UTF-8 of a string, and the text of any other value.
    func bytes(_ place: Int) -> [UInt8] {
        let raw = UnsafeRawBufferPointer(rebasing: text[tape[place].range])
        guard tape[place].hasEscapes else { return Array(raw) }
        var decoded: [UInt8] = []
        _ = JSONString.decode(raw, into: &decoded)
        return decoded
    }

    func integer(_ place: Int?) -> Int64? {
        guard let place, tape[place].kind == .number else { return nil }
        return Self.integer(UnsafeRawBufferPointer(rebasing: text[tape[place].range]))
    }

    /// The value of digits, with a minus in front of them or without; nil for all else and for what 64 bits do not hold.
    static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        var i = isNegative ? 1 : 0
        guard i < text.count else { return nil }
        var value: Int64 = 0
        while i < text.count {
            let digit = text[i] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isBeyond) = isNegative
                ? tens.subtractingReportingOverflow(Int64(digit)) : tens.addingReportingOverflow(Int64(digit))
            if isTooLarge || isBeyond { return nil }
            value = sum
            i += 1
        }
        return value
    }

    /// A whole number of at least 0.
    func count(_ place: Int?) -> Int64? {
        guard let value = integer(place), value >= 0 else { return nil }
        return value
    }

    /// A value in words: a string as it is, of an object its `message`, and of anything else the text.
    func words(_ place: Int) -> String {
        let chosen = member("message", of: place) ?? place
        return String(decoding: bytes(chosen), as: UTF8.self)
    }

    /// A number of at least 0.
    func number(_ place: Int?) -> RecordedNumber? {
        guard let place, tape[place].kind == .number else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: text[tape[place].range])
        if let whole = Self.integer(raw) { return whole >= 0 ? .integer(whole) : nil }
        guard let real = Double(String(decoding: raw, as: UTF8.self)), real.isFinite, real >= 0 else { return nil }
        return .real(real)
    }

    func bool(_ place: Int?) -> Bool? {
        guard let place else { return nil }
        return switch tape[place].kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    func store(_ place: Int?, in run: inout AgentRun) -> Content? {
        guard let place else { return nil }
        switch tape[place].kind {
        case .null: return nil
        case .string: return storeString(place, in: &run).map { Content(form: .string, text: $0) }
        default: return Content(form: .json, text: run.store(UnsafeRawBufferPointer(rebasing: text[tape[place].range])))
        }
    }

    func storeString(_ place: Int?, in run: inout AgentRun) -> Text? {
        guard let place, tape[place].kind == .string else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: text[tape[place].range])
        return tape[place].hasEscapes ? run.store { _ = JSONString.decode(raw, into: &$0) } : run.store(raw)
    }
}
