internal import Glibc

/// A set of field names, found from the bytes of a JSON key without making a string of them.
protocol FieldName {
    init?(_ name: KeyName)
}

/// A key's bytes.
struct KeyName {
    private let start: UnsafeRawPointer
    let count: Int

    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return nil }
        self.start = start
        count = bytes.count
    }

    /// Whether the bytes are the literal's. The count of a literal is a constant, which makes one or two comparisons of this.
    @inline(__always)
    static func ~= (literal: StaticString, name: Self) -> Bool {
        name.count == literal.utf8CodeUnitCount && memcmp(name.start, literal.utf8Start, literal.utf8CodeUnitCount) == 0
    }
}

/// The fields of a line.
enum Field: String, FieldName {
    case traceID = "trace_id"
    case request, response
    case toolCalls = "tool_calls"
    case toolResults = "tool_results"
    case outcome
    case expectedOutcome = "expected_outcome"
    case latency = "latency_ms"
    case costTokens = "cost_tokens"
    case inputTokens = "input_tokens"
    case outputTokens = "output_tokens"
    case allowedTools = "allowed_tools"
    case startTime = "start_time"
    case agent, version
    case conversationID = "conversation_id"
    case model, tags

    init?(_ name: KeyName) {
        // By length first: then one or two comparisons are enough.
        switch name.count {
        case 4: if case "tags" = name { self = .tags } else { return nil }
        case 5:
            switch name {
            case "agent": self = .agent
            case "model": self = .model
            default: return nil
            }
        case 7:
            switch name {
            case "request": self = .request
            case "outcome": self = .outcome
            case "version": self = .version
            default: return nil
            }
        case 8:
            switch name {
            case "trace_id": self = .traceID
            case "response": self = .response
            default: return nil
            }
        case 10:
            switch name {
            case "tool_calls": self = .toolCalls
            case "latency_ms": self = .latency
            case "start_time": self = .startTime
            default: return nil
            }
        case 11: if case "cost_tokens" = name { self = .costTokens } else { return nil }
        case 12:
            switch name {
            case "tool_results": self = .toolResults
            case "input_tokens": self = .inputTokens
            default: return nil
            }
        case 13:
            switch name {
            case "allowed_tools": self = .allowedTools
            case "output_tokens": self = .outputTokens
            default: return nil
            }
        case 15: if case "conversation_id" = name { self = .conversationID } else { return nil }
        case 16: if case "expected_outcome" = name { self = .expectedOutcome } else { return nil }
        default: return nil
        }
    }

    /// Whether a string is taken as it is.
    var isText: Bool {
        switch self {
        case .traceID, .request, .response, .outcome, .expectedOutcome, .agent, .version, .conversationID, .model: true
        case .toolCalls, .toolResults, .latency, .costTokens, .inputTokens, .outputTokens, .allowedTools, .startTime, .tags: false
        }
    }

    /// One bit for each field, to see repetitions.
    var bit: UInt64 {
        switch self {
        case .traceID: 1
        case .request: 1 << 1
        case .response: 1 << 2
        case .toolCalls: 1 << 3
        case .toolResults: 1 << 4
        case .outcome: 1 << 5
        case .expectedOutcome: 1 << 6
        case .latency: 1 << 7
        case .costTokens: 1 << 8
        case .inputTokens: 1 << 9
        case .outputTokens: 1 << 10
        case .allowedTools: 1 << 11
        case .startTime: 1 << 12
        case .agent: 1 << 13
        case .version: 1 << 14
        case .conversationID: 1 << 15
        case .model: 1 << 16
        case .tags: 1 << 17
        }
    }
}

/// The fields of an element of `tool_calls`.
enum CallField: FieldName {
    case name, id, arguments

    init?(_ name: KeyName) {
        switch name {
        case "name": self = .name
        case "id": self = .id
        case "args": self = .arguments
        default: return nil
        }
    }
}

/// The fields of an element of `tool_results`.
enum ResultField: FieldName {
    case success, result, error, duration

    init?(_ name: KeyName) {
        switch name {
        case "success": self = .success
        case "result": self = .result
        case "error": self = .error
        case "duration_ms": self = .duration
        default: return nil
        }
    }
}
