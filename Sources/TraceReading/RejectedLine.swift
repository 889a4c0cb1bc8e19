internal import JSONText

/// Why a line was not read, and where in it.
public struct RejectedLine: Error, Hashable, Sendable {
    /// Stable names: they are counted by name in every summary.
    public enum Reason: String, CaseIterable, Sendable {
        case invalidJSON = "invalid_json"
        case invalidUTF8 = "invalid_utf8"
        case tooDeep = "too_deep"
        case tooLong = "line_too_long"
        case notAnObject = "not_an_object"
        case wrongType = "wrong_type"
        case tooManyCalls = "too_many_tool_calls"
        case surplusResults = "surplus_results"
        case nulInTraceID = "nul_in_trace_id"
    }

    public var reason: Reason
    /// Byte in the line, counted from 1; 0 where it is not known.
    public var column: Int
    public var detail: String

    public init(reason: Reason, column: Int, detail: String) {
        self.reason = reason
        self.column = column
        self.detail = detail
    }

    init(_ error: JSONError) {
        reason = switch error.problem {
        case .invalidUTF8: .invalidUTF8
        case .tooDeep: .tooDeep
        case .noMemory: .tooLong
        default: .invalidJSON
        }
        column = error.problem == .controlCharacter ? 0 : error.offset + 1
        detail = error.problem.rawValue
    }
}

/// What was odd about a line that was read all the same.
public struct LineOddities: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A field stood there more than once; the last one counted.
    public static let repeatedField = LineOddities(rawValue: 1)
    /// A string held half of a surrogate pair; U+FFFD stands in for it.
    public static let loneSurrogate = LineOddities(rawValue: 2)
    /// A tool call had no name.
    public static let unnamedTool = LineOddities(rawValue: 4)
}
