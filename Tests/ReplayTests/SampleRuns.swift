import AgentRuns
import TraceReading

/// Runs made from JSON lines, as every source makes them.
func run(_ json: String) throws -> AgentRun {
    var decoder = RunDecoder()
    var run = AgentRun()
    _ = try Array(json.utf8).withUnsafeBytes { try decoder.decode($0, into: &run) }
    return run
}

/// A run with these tool calls, each written as `name` or `name(JSON)`.
func run(calls: [String], results: [String] = []) throws -> AgentRun {
    let calls = calls.map { call in
        guard let open = call.firstIndex(of: "(") else { return #"{"name": "\#(call)"}"# }
        return #"{"name": "\#(call[..<open])", "args": \#(call[call.index(after: open)...].dropLast())}"#
    }
    return try run(#"{"trace_id": "t", "tool_calls": [\#(calls.joined(separator: ", "))], "tool_results": [\#(results.joined(separator: ", "))]}"#)
}
