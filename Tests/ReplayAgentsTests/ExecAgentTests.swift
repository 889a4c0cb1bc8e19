import AgentRuns
import Foundation
import JSONDocuments
import Replay
import Synchronization
import Testing

@testable import ReplayAgents

@Suite(.timeLimit(.minutes(10)))
struct ExecAgentTests {
    private func withAgent<Value>(
        _ command: String = Support.execAgent, concurrency: Int = 1, errorSink: @escaping @Sendable (String) -> Void = { _ in },
        _ body: (any ReplayAgent, AgentPool) async throws -> Value
    ) async throws -> Value {
        var options = AgentPool.Options()
        options.concurrency = concurrency
        options.errorSink = errorSink
        return try await withPool(options) { pool in try await body(try pool.live("exec:" + command), pool) }
    }

    private static func processID(_ arm: ArmRun) throws -> Int32 {
        guard case .number(let number)? = arm.run.responseDocument, let id = number.intValue else {
            throw NotAProcess(problem: arm.problem)
        }
        return Int32(id)
    }

    /// Those that are no zombies: who reaps orphans, and when, is not up to us.
    private static func livingProcesses(ofGroup group: Int32) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int32(name) != nil, let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8) else { return false }
            // After the command's name in parentheses: state, parent, group.
            let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 2 && fields[0] != "Z" && fields[2] == "\(group)"
        }
    }

    private struct NotAProcess: Error { var problem: RunProblem? }

    @Test func oneProcessDoesAllRunsAndEndsWithThePool() async throws {
        let ids = try await withAgent { agent, _ in
            var ids: Set<Int32> = []
            for _ in 0..<5 {
                let arm = await agent.run(try task("{}"))
                ids.insert(try Self.processID(arm))
            }
            return ids
        }
        #expect(ids.count == 1)
        for id in ids { #expect(kill(id, 0) != 0 && errno == ESRCH) }
    }

    @Test func runsAtOnceHaveAProcessEach() async throws {
        try await withAgent(concurrency: 4) { agent, _ in
            let tasks = try (0..<40).map { _ in try task(#"{"mode": "inline_tools", "calls": [{"name": "read"}]}"#) }
            let arms = await withTaskGroup(of: ArmRun.self) { group in
                for task in tasks { group.addTask { await agent.run(task) } }
                return await group.reduce(into: [ArmRun]()) { $0.append($1) }
            }
            #expect(arms.count == 40)
            for arm in arms { #expect(arm.problem == nil && arm.run.toolCalls.count == 1) }
        }
    }

    @Test func toolsAreAnsweredOverTheStream() async throws {
        try await withAgent { agent, _ in
            let arm = await agent.run(
                try task(#"{"mode": "inline_tools", "calls": [{"name": "read", "args": {"path": "a"}}, {"name": "write"}, {"name": "x"}]}"#))
            #expect(arm.problem == nil)
            #expect(arm.run.responseDocument?[0]?["result"] == .string("text of a"))
            #expect(arm.run.responseDocument?[0]?["call_id"] == .integer(0))
            #expect(arm.run.responseDocument?[1]?["success"] == .bool(true))
            #expect(arm.run.responseDocument?[2]?["success"] == .bool(false))
            #expect(arm.run.callNames == ["read", "write", "x"])
            #expect(arm.tools?.matched == 2 && arm.tools?.refused == 1 && arm.tools?.unasked == [1])
        }
    }

    @Test(arguments: [
        ("dies", RunProblem.Kind.agentDied, "exit status 3"), ("garbage", .badAnswer, "loading the model"),
        ("wrong_type", .badAnswer, "progress"), ("no_run_id", .badAnswer, "run_id is missing"), ("call_without_run_id", .badAnswer, "run_id"),
        ("huge_line", .badAnswer, "more than 16777216 bytes"), ("closes_output", .agentDied, "process"),
    ])
    func misbehaviourIsToldAndTheNextRunIsUnharmed(_ mode: String, _ kind: RunProblem.Kind, _ words: String) async throws {
        try await withAgent { agent, _ in
            let arm = await agent.run(try task(#"{"mode": "\#(mode)"}"#))
            #expect(arm.problem?.kind == kind)
            #expect(arm.problem?.detail.contains(words) == true, "\(String(describing: arm.problem))")
            #expect(await agent.run(try task("{}")).problem == nil)
        }
    }

    @Test(arguments: ["hangs", "stubborn"])
    func aProcessThatHangsIsEndedWithAllItsChildren(_ mode: String) async throws {
        let first = try await withAgent { agent, pool in
            let first = try Self.processID(await agent.run(try task("{}")))
            let arm = await agent.run(try task(#"{"mode": "\#(mode)"}"#, timeLimit: .milliseconds(300)))
            #expect(arm.problem?.kind == .timeout)
            let second = try Self.processID(await agent.run(try task("{}")))
            #expect(first != second)
            #expect(pool.notices.counts == [.restart: 1])
            return first
        }
        #expect(try Self.livingProcesses(ofGroup: first).isEmpty)
    }

    @Test func cancellationEndsTheProcess() async throws {
        try await withAgent { agent, _ in
            let hanging = try task(#"{"mode": "hangs"}"#, timeLimit: .seconds(3600))
            let run = Task { await agent.run(hanging) }
            run.cancel()
            #expect(await run.value.problem?.kind == .cancelled)
            #expect(await agent.run(try task("{}")).problem == nil)
        }
    }

    @Test func secondAndForeignAnswersAreCountedAndIgnored() async throws {
        try await withAgent { agent, pool in
            let twice = try task(#"{"mode": "twice"}"#)
            let id = try Self.processID(await agent.run(twice))
            #expect(try Self.processID(await agent.run(try task(#"{"mode": "other_run"}"#))) == id)
            #expect(try Self.processID(await agent.run(try task("{}"))) == id)
            #expect(pool.notices.counts == [.lateAnswer: 2])
            #expect(Set(pool.notices.examples.map(\.runID)) == [twice.runID, "nobody"])
        }
    }

    @Test func callsAfterTheAnswerAreRefusedAndCounted() async throws {
        try await withAgent { agent, pool in
            let late = try task(#"{"mode": "late_call"}"#)
            _ = try Self.processID(await agent.run(late))
            // A run that is sent before the call has come would be read as the call's answer.
            while pool.notices.lateCalls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            let next = await agent.run(try task("{}"))
            #expect(next.run.responseDocument?["success"] == .bool(false))
            #expect(next.tools?.unasked == [0, 1, 2])
            #expect(pool.notices.lateCalls == [late.runID: 1])
        }
    }

    @Test func aCallUnderAnIDThatNobodyGaveIsTheRunsOwn() async throws {
        try await withAgent { agent, pool in
            _ = try Self.processID(await agent.run(try task("{}")))
            let arm = await agent.run(try task(#"{"mode": "unknown_run"}"#))
            #expect(arm.problem == nil)
            #expect(arm.run.responseDocument?["success"] == .bool(false))
            #expect(arm.run.callNames == ["read"])
            #expect(arm.tools?.refused == 1 && arm.tools?.unasked == [0, 1, 2])
            #expect(pool.notices.counts == [.foreignCall: 1])
        }
    }

    @Test func aCallForTheRunBeforeIsLate() async throws {
        try await withAgent { agent, pool in
            let before = try task("{}")
            _ = try Self.processID(await agent.run(before))
            let arm = await agent.run(try task(#"{"mode": "unknown_run", "earlier": true}"#))
            #expect(arm.problem == nil && arm.run.toolCalls.isEmpty)
            #expect(arm.run.responseDocument?["success"] == .bool(false))
            #expect(pool.notices.counts == [.lateCall: 1])
            #expect(pool.notices.lateCalls == [before.runID: 1])
        }
    }

    @Test func aProcessThatDiesBetweenRunsIsStartedAgain() async throws {
        try await withAgent { agent, pool in
            var ids: Set<Int32> = []
            for _ in 0..<3 {
                // Its end may come before or after the next request is sent; it must not be lost either way.
                let arm = await agent.run(try task(#"{"mode": "dies_after"}"#))
                if arm.problem == nil { ids.insert(try Self.processID(arm)) } else { #expect(arm.problem?.kind == .agentDied) }
            }
            #expect(!ids.isEmpty)
        }
    }

    @Test func aCommandThatAlwaysFailsIsNotStartedForEver() async throws {
        let lines = Mutex<[String]>([])
        let starts = try await withAgent("echo started >&2; exit 7", errorSink: { line in lines.withLock { $0.append(line) } }) { agent, pool in
            for _ in 0..<10 {
                let arm = await agent.run(try task("{}"))
                #expect(arm.problem?.kind == .agentDied)
                #expect(arm.problem?.detail.contains("exit status 7") == true, "\(String(describing: arm.problem))")
            }
            let arm = await agent.run(try task("{}"))
            #expect(arm.problem?.detail.contains("not started again") == true)
            return pool.notices.counts[.restart]
        }
        #expect(starts == 9)
        #expect(lines.withLock { $0 }.allSatisfy { $0 == "agent/1: started" })
    }

    @Test func standardErrorIsPassedOnEscapedAndBounded() async throws {
        let lines = Mutex<[String]>([])
        try await withAgent(errorSink: { line in lines.withLock { $0.append(line) } }) { agent, _ in
            let arm = await agent.run(try task(#"{"mode": "errors"}"#))
            #expect(arm.problem == nil)
        }
        #expect(lines.withLock { $0 } == [
            "agent/1: plain", #"agent/1: \u{1B}[31mred"#, "agent/1: (a line of more than 4096 bytes)", "agent/1: last",
        ])
    }

    @Test func noDescriptorOfOursIsOpenInTheProcess() async throws {
        let lines = Mutex<[String]>([])
        try await withAgent("echo /proc/$$/fd/* >&2; exit 0", errorSink: { line in lines.withLock { $0.append(line) } }) { agent, _ in
            _ = await agent.run(try task("{}"))
        }
        let shown = try #require(lines.withLock { $0.first })
        let descriptors = shown.split(separator: " ").dropFirst().compactMap { Int($0.split(separator: "/").last ?? "") }
        // The shell opens one of its own for the directory.
        #expect(descriptors.starts(with: [0, 1, 2]) && descriptors.count <= 4, "\(shown)")
    }
}
