internal import Glibc

/// A set of field names, found from the bytes of a JSON key without making a string of them.
protocol FieldName {
    init?(name: UnsafeRawBufferPointer)
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

    init?(name: UnsafeRawBufferPointer) {
        switch name.count {
        case 4:
            if name == "tags" { self = .tags } else { return nil }
        case 5:
            if name == "agent" { self = .agent } else if name == "model" { self = .model } else { return nil }
        case 7:
            if name == "request" {
                self = .request
            } else if name == "outcome" {
                self = .outcome
            } else if name == "version" {
                self = .version
            } else {
                return nil
            }
        case 8:
            if name == "trace_id" { self = .traceID } else if name == "response" { self = .response } else { return nil }
        case 10:
            if name == "tool_calls" {
                self = .toolCalls
            } else if name == "latency_ms" {
                self = .latency
            } else if name == "start_time" {
                self = .startTime
            } else {
                return nil
            }
        case 11:
            if name == "cost_tokens" { self = .costTokens } else { return nil }
        case 12:
            if name == "tool_results" {
                self = .toolResults
            } else if name == "input_tokens" {
                self = .inputTokens
            } else {
                return nil
            }
        case 13:
            if name == "allowed_tools" {
                self = .allowedTools
            } else if name == "output_tokens" {
                self = .outputTokens
            } else {
                return nil
            }
        case 15:
            if name == "conversation_id" { self = .conversationID } else { return nil }
        case 16:
            if name == "expected_outcome" { self = .expectedOutcome } else { return nil }
        default:
            return nil
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

    init?(name: UnsafeRawBufferPointer) {
        if name == "name" {
            self = .name
        } else if name == "id" {
            self = .id
        } else if name == "args" {
            self = .arguments
        } else {
            return nil
        }
    }
}

/// The fields of an element of `tool_results`.
enum ResultField: FieldName {
    case success, result, error, duration

    init?(name: UnsafeRawBufferPointer) {
        if name == "success" {
            self = .success
        } else if name == "result" {
            self = .result
        } else if name == "error" {
            self = .error
        } else if name == "duration_ms" {
            self = .duration
        } else {
            return nil
        }
    }
}

/// Whether the bytes are the literal's.
private func == (bytes: UnsafeRawBufferPointer, literal: StaticString) -> Bool {
    guard bytes.count == literal.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
    return memcmp(start, literal.utf8Start, bytes.count) == 0
}
