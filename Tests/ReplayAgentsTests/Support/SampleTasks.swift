import AgentRuns
import JSONDocuments
import Replay
import Synchronization
import Testing
import TraceReading

@testable import ReplayAgents

/// A trace as a line of a trace file would give it.
func trace(_ json: String) throws -> AgentRun {
    var decoder = RunDecoder()
    var run = AgentRun()
    let bytes = Array(json.utf8)
    try bytes.withUnsafeBytes { _ = try decoder.decode($0, into: &run) }
    return run
}

private let runNumber = Mutex(0)

func task(_ trace: AgentRun, timeLimit: Duration = .seconds(600)) -> ReplayTask {
    let number = runNumber.withLock { number in
        number += 1
        return number
    }
    let id = String(repeating: "0", count: 16 - String(number).count) + String(number)
    return ReplayTask(
        trace: trace, role: .candidate, runID: id, replayID: "replay-1", repetition: 0, version: "v2",
        traceParent: "00-\(id)\(id)-\(id)-03", timeLimit: timeLimit)
}

/// A task whose request tells a stub what to do, and whose recording knows the tool `read`.
func task(_ request: String, timeLimit: Duration = .seconds(600)) throws -> ReplayTask {
    task(
        try trace(
            """
            {"trace_id": "t-1", "request": \(request), "conversation_id": "c-1", "model": "m-1", "allowed_tools": ["read", "write"],
             "tool_calls": [{"name": "read", "args": {"path": "a"}}, {"name": "read", "args": {"path": "b"}}, "write"],
             "tool_results": [{"success": true, "result": "text of a", "duration_ms": 5},
                              {"success": false, "error": "no such file"}, null]}
            """.replacing("\n", with: " ")), timeLimit: timeLimit)
}

extension AgentRun {
    /// The response as a document.
    var responseDocument: JSONDocument? { response.flatMap { try? JSONDocument(parsing: jsonText($0)) } }

    var callNames: [String] { toolCalls.map { $0.name.map { string($0) } ?? "" } }
}

/// A pool for one test, ended whatever happens.
func withPool<Value>(
    _ options: AgentPool.Options = .init(), _ body: (AgentPool) async throws -> Value
) async throws -> Value {
    let pool = try await AgentPool(options)
    do {
        let value = try await body(pool)
        await pool.end()
        return value
    } catch {
        await pool.end()
        throw error
    }
}

extension AgentPool {
    func live(_ text: String) throws -> any ReplayAgent {
        try #require(try agent(AgentSpecification(parsing: text), label: "agent"))
    }
}
