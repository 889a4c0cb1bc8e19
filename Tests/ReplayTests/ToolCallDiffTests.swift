import AgentRuns
import JSONDocuments
import Testing

@testable import Replay

@Suite("The candidate's tool calls against the baseline's")
struct ToolCallDiffTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var baseline: [String]
        var candidate: [String]
        /// Written as `kind baseline→candidate`.
        var changes: [String]

        var testDescription: String { "\(baseline) → \(candidate)" }
    }

    @Test(arguments: [
        Case(baseline: [], candidate: [], changes: []),
        Case(baseline: ["a(1)", "b(2)"], candidate: ["a(1)", "b(2)"], changes: []),
        // The spelling of arguments does not matter.
        Case(baseline: [#"a({"x": 1, "y": 2.0})"#], candidate: [#"a({"y":2,"x":1e0})"#], changes: []),
        Case(baseline: ["a"], candidate: ["a({})"], changes: []),
        Case(baseline: [#"a({"x":1})"#], candidate: [#"a("{\"x\": 1}")"#], changes: []),
        Case(baseline: ["a", "b", "c"], candidate: ["a", "x", "c"], changes: ["wrong_tool 1→1"]),
        Case(baseline: [#"a({"x":1})"#], candidate: [#"a({"x":2})"#], changes: ["wrong_arguments 0→0"]),
        Case(baseline: ["a", "b", "c"], candidate: ["b", "c", "a"], changes: ["reordered 0→2"]),
        Case(baseline: ["a", "b"], candidate: ["b", "a"], changes: ["reordered 0→1"]),
        Case(baseline: ["a", "b"], candidate: ["a"], changes: ["missing 1→-"]),
        Case(baseline: ["b", "a"], candidate: ["a"], changes: ["missing 0→-"]),
        Case(baseline: ["a"], candidate: ["a", "a"], changes: ["duplicated -→1"]),
        Case(baseline: ["a", "b"], candidate: ["a", "b", "a"], changes: ["duplicated -→2"]),
        Case(baseline: ["a"], candidate: ["a", "b"], changes: ["extra -→1"]),
        Case(baseline: [], candidate: ["a"], changes: ["extra -→0"]),
        // Repeated names: each call is explained once.
        Case(
            baseline: ["get(1)", "get(2)", "get(3)"], candidate: ["get(1)", "get(9)", "get(3)"],
            changes: ["wrong_arguments 1→1"]),
        Case(baseline: ["get(1)", "get(2)"], candidate: ["get(1)", "get(1)"], changes: ["wrong_arguments 1→1"]),
        Case(
            baseline: ["get(1)", "get(2)"], candidate: ["get(1)", "get(1)", "get(2)"], changes: ["duplicated -→1"]),
        Case(baseline: ["get(1)", "get(2)", "get(3)"], candidate: ["get(3)", "get(1)", "get(2)"], changes: ["reordered 2→0"]),
        // A change of arguments pairs with the call at the same place, not with the first of its name.
        Case(
            baseline: ["get(1)", "put(1)", "get(2)", "put(2)"], candidate: ["get(1)", "put(1)", "get(5)", "put(2)"],
            changes: ["wrong_arguments 2→2"]),
        Case(
            baseline: ["a", "b", "c", "d"], candidate: ["a", "c", "x", "d", "d"],
            changes: ["missing 1→-", "extra -→2", "duplicated -→3"]),
    ])
    func finds(_ test: Case) throws {
        let changes = ToolCallDiff.changes(from: try run(calls: test.baseline), to: try run(calls: test.candidate))
        #expect(changes.map(words) == test.changes)
    }

    @Test("says what differs in the arguments")
    func arguments() throws {
        let changes = ToolCallDiff.changes(
            from: try run(calls: [#"pay({"to": "Ann", "sum": 10})"#]),
            to: try run(calls: [#"pay({"to": "Bob", "sum": 10.0, "note": "x"})"#]))
        let diff = try #require(changes.first?.arguments)
        #expect(diff.changes.map { "\($0.kind.rawValue) \($0.pointer)" }.sorted() == ["added /note", "changed /to"])
    }

    @Test("explains every call exactly once, whatever the runs", arguments: 0..<200)
    func property(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let tools = ["a(1)", "a(2)", "b(1)", "c", "d"]
        let baseline = (0..<Int.random(in: 0...12, using: &generator)).map { _ in tools.randomElement(using: &generator) ?? "a" }
        let candidate = (0..<Int.random(in: 0...12, using: &generator)).map { _ in tools.randomElement(using: &generator) ?? "a" }
        let a = try run(calls: baseline)
        let b = try run(calls: candidate)
        let changes = ToolCallDiff.changes(from: a, to: b)
        let fromBaseline = changes.compactMap(\.baselineIndex)
        let fromCandidate = changes.compactMap(\.candidateIndex)
        #expect(Set(fromBaseline).count == fromBaseline.count)
        #expect(Set(fromCandidate).count == fromCandidate.count)
        // What is in no change is unchanged, and in the same order on both sides.
        let keptBaseline = baseline.indices.filter { !fromBaseline.contains($0) }.map { baseline[$0] }
        let keptCandidate = candidate.indices.filter { !fromCandidate.contains($0) }.map { candidate[$0] }
        #expect(keptBaseline == keptCandidate)
        #expect(changes.isEmpty == (baseline == candidate))
        // Counted back: what was added less what is missing is the difference in length.
        let added = changes.count { $0.baselineIndex == nil } - changes.count { $0.candidateIndex == nil }
        #expect(candidate.count - baseline.count == added)
    }

    @Test("two long runs without a common call end")
    func long() throws {
        let a = try run(calls: (0..<5000).map { "a(\($0))" })
        let b = try run(calls: (0..<5000).map { "b(\($0))" })
        let changes = ToolCallDiff.changes(from: a, to: b)
        #expect(changes.count { $0.candidateIndex != nil } == 5000)
    }

    private func words(_ change: ToolCallChange) -> String {
        func text(_ index: Int?) -> String { index.map(String.init) ?? "-" }
        return "\(change.kind.rawValue) \(text(change.baselineIndex))→\(text(change.candidateIndex))"
    }
}

@Suite("Tool calls as numbers")
struct ToolCallKeysTests {
    /// Whether places have equal numbers, for each two of them: the numbers themselves say nothing.
    private func pattern(_ numbers: [Int]) -> [Bool] { numbers.flatMap { a in numbers.map { $0 == a } } }

    @Test("compared or looked up, calls are equal by the same rule", arguments: 0..<100)
    func bothWays(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let calls = [
            "a", "a({})", "a( {} )", "a(null)", "a(1)", "a(1.0)", #"a("1")"#, #"a({"x": 1, "y": 2})"#, #"a({"y":2.0,"x":1e0})"#,
            #"a("{\"x\": 1, \"y\": 2}")"#, #"a("{")"#, #"a("[")"#, #"a("\u007b")"#, "b", "b({})", "b(1)", "(1)",
        ]
        func some() -> [String] {
            (0..<Int.random(in: 0...12, using: &generator)).map { _ in calls.randomElement(using: &generator) ?? "a" }
        }
        let (a, b) = (try run(calls: some()), try run(calls: some()))
        var reader = JSONDocumentReader()
        let compared = ToolCallKeys(a, b, &reader, comparingUpTo: .max)
        let lookedUp = ToolCallKeys(a, b, &reader, comparingUpTo: -1)
        #expect(compared.baseline.count == a.toolCalls.count && compared.candidate.count == b.toolCalls.count)
        #expect(pattern(compared.baseline + compared.candidate) == pattern(lookedUp.baseline + lookedUp.candidate))
        #expect(pattern(compared.baselineNames + compared.candidateNames) == pattern(lookedUp.baselineNames + lookedUp.candidateNames))
    }

    @Test("a call without a name is of no tool that has one, and of the same as another without", arguments: [
        (#"{"tool_calls": [{"args": {}}]}"#, #"{"tool_calls": [{"name": "", "args": {}}]}"#, true),
        (#"{"tool_calls": [{"args": {}}]}"#, #"{"tool_calls": [{"name": "a"}]}"#, false),
    ])
    func nameless(_ baseline: String, _ candidate: String, _ isEqual: Bool) throws {
        let (a, b) = (try run(baseline), try run(candidate))
        var reader = JSONDocumentReader()
        for limit in [-1, 64] {
            let keys = ToolCallKeys(a, b, &reader, comparingUpTo: limit)
            #expect((keys.baseline == keys.candidate) == isEqual && (keys.baselineNames == keys.candidateNames) == isEqual)
        }
    }
}

@Suite("Common subsequences")
struct SequenceAlignmentTests {
    @Test("are common, ascending and longest", arguments: 0..<100)
    func longest(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let a = (0..<Int.random(in: 0...30, using: &generator)).map { _ in Int.random(in: 0...5, using: &generator) }
        let b = (0..<Int.random(in: 0...30, using: &generator)).map { _ in Int.random(in: 0...5, using: &generator) }
        let pairs = SequenceAlignment.commonSubsequence(a, b)
        for (i, pair) in pairs.enumerated() {
            #expect(a[pair.a] == b[pair.b])
            if i > 0 { #expect(pairs[i - 1].a < pair.a && pairs[i - 1].b < pair.b) }
        }
        // The textbook's recurrence, written once more and plainly.
        var lengths = Array(repeating: Array(repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in a.indices {
            for j in b.indices {
                lengths[i + 1][j + 1] = a[i] == b[j] ? lengths[i][j] + 1 : max(lengths[i][j + 1], lengths[i + 1][j])
            }
        }
        #expect(pairs.count == lengths[a.count][b.count])
    }

    @Test("of long sequences are common and ascending, and whole for a single insertion")
    func chains() {
        let a = Array(0..<3000)
        var b = a.reversed() + []
        b.append(contentsOf: a)
        let pairs = SequenceAlignment.commonSubsequence(a + [-1], b + [-2])
        for (i, pair) in pairs.enumerated() where i > 0 { #expect(pairs[i - 1].a < pair.a && pairs[i - 1].b < pair.b) }
        let inserted = SequenceAlignment.commonSubsequence([-1] + a + [-3], [-2] + a[..<1500] + [7777] + a[1500...] + [-4])
        #expect(inserted.count == 3000)
    }
}

@Suite("Loops of tool calls")
struct LoopDetectorTests {
    @Test(arguments: [
        ([1, 1, 1, 1], 3, CallLoop(start: 0, period: 1, repetitions: 4)),
        ([1, 1, 1], 3, nil),
        ([0, 1, 2, 1, 2, 1, 2, 1, 2, 9], 3, CallLoop(start: 1, period: 2, repetitions: 4)),
        ([1, 2, 3, 4, 5, 6], 1, nil),
        ([], 1, nil),
        ([1, 2, 3, 1, 2, 3, 1, 2], 1, CallLoop(start: 0, period: 3, repetitions: 2)),
    ] as [([Int], Int, CallLoop?)])
    func finds(_ calls: [Int], _ limit: Int, _ loop: CallLoop?) {
        #expect(LoopDetector.longestLoop(in: calls, limit: limit) == loop)
    }
}
