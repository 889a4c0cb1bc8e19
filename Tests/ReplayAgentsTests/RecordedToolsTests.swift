import AgentRuns
import JSONDocuments
import Replay
import Testing

/// Answers from a recording of read(a)=1, read(b)=2, write()=no result, read(a)=3.
struct RecordedToolsTests {
    private static func recording() throws -> AgentRun {
        try trace(
            """
            {"tool_calls": [{"name": "read", "args": {"p": "a", "n": 1}}, {"name": "read", "args": {"p": "b"}}, "write", \
            {"name": "read", "args": {"n": 1.0, "p": "a"}}], "tool_results": [{"result": 1, "duration_ms": 7}, {"result": 2}, \
            null, {"success": false, "error": "three"}]}
            """)
    }

    private static func replies(_ mode: ToolMatching, _ calls: [(String, String?)]) throws -> ([ToolReply.Source], ToolAnswers) {
        var tools = RecordedTools(try recording(), matching: mode)
        let sources = calls.map { tools.answer(name: $0.0, arguments: $0.1.map { Array($0.utf8) }).source }
        return (sources, tools.answers)
    }

    @Test("Equal calls get their results in recorded order, in every mode that knows arguments", arguments: [ToolMatching.strict, .lenient])
    func sameCalls(_ mode: ToolMatching) throws {
        let a = #"{ "p":"a", "n":1e0 }"#
        let (sources, answers) = try Self.replies(mode, [("read", a), ("read", #"{"p":"b"}"#), ("read", a), ("write", "{}")])
        #expect(sources == [.same(0), .same(1), .same(3), .same(2)])
        #expect(answers.matched == 4 && answers.unasked.isEmpty)
    }

    @Test func strictRefusesWhatIsUsedUpOrDifferent() throws {
        let (sources, answers) = try Self.replies(.strict, [("read", #"{"p":"b"}"#), ("read", #"{"p":"b"}"#), ("read", "{}"), ("x", nil)])
        #expect(sources == [.same(1), .refused, .refused, .refused])
        #expect(answers.refused == 3)
        #expect(answers.unasked == [0, 2, 3])
    }

    @Test func orderedWantsTheNextTool() throws {
        let (sources, answers) = try Self.replies(.ordered, [("write", nil), ("read", "{}"), ("read", #"{"p":"b"}"#), ("write", "null")])
        #expect(sources == [.refused, .sameName(0), .same(1), .same(2)])
        #expect(answers.unasked == [3])
    }

    @Test func lenientTakesTheNextOfTheName() throws {
        let (sources, answers) = try Self.replies(.lenient, [("read", #"{"p":"z"}"#), ("read", #"{"p":"b"}"#), ("read", #"{"p":"y"}"#)])
        #expect(sources == [.sameName(0), .same(1), .sameName(3)])
        #expect(answers.matchedByName == 2 && answers.unasked == [2])
    }

    @Test func lenientRepeatsTheSameCallBeforeItTakesAnother() throws {
        let (sources, _) = try Self.replies(.lenient, [("read", #"{"p":"b"}"#), ("read", #"{"p":"b"}"#), ("write", nil), ("write", nil)])
        #expect(sources == [.same(1), .sameName(1), .same(2), .sameName(2)])
    }

    @Test func repliesCarryWhatWasRecorded() throws {
        var tools = RecordedTools(try Self.recording(), matching: .lenient)
        let first = tools.answer(name: "read", arguments: Array(#"{"p":"a","n":1}"#.utf8))
        #expect(first.success && first.result == Array("1".utf8) && first.duration == .integer(7))
        let second = tools.answer(name: "read", arguments: Array(#"{"p":"a","n":1}"#.utf8))
        #expect(!second.success && second.error == Array(#""three""#.utf8))
        let third = tools.answer(name: "write", arguments: nil)
        #expect(third.success && third.result == nil && third.error == nil)
    }

    @Test(arguments: ToolMatching.allCases)
    func refusalsAreTextThatSaysWhy(_ mode: ToolMatching) throws {
        var tools = RecordedTools(try Self.recording(), matching: mode)
        let reply = tools.answer(name: "drop \"tables\"", arguments: nil)
        guard case .string(let text) = try JSONDocument(parsing: #require(reply.error)) else {
            Issue.record("no text")
            return
        }
        #expect(!reply.success && text.contains("replay") && text.contains("no call of this tool"))
    }

    @Test(arguments: ToolMatching.allCases, UInt64(0)..<100)
    func whateverIsCalledTheCountsAddUp(_ mode: ToolMatching, _ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func call() -> (String, String) {
            (["a", "b", "c"].randomElement(using: &random) ?? "", #"{"x":\#(Int.random(in: 0..<3, using: &random))}"#)
        }
        let recorded = (0..<Int.random(in: 0..<8, using: &random)).map { _ in call() }
        let calls = recorded.map { #"{"name":"\#($0.0)","args":\#($0.1)}"# }.joined(separator: ",")
        let results = recorded.indices.map { #"{"result":\#($0)}"# }.joined(separator: ",")
        let run = try trace(#"{"tool_calls":[\#(calls)],"tool_results":[\#(results)]}"#)
        var tools = RecordedTools(run, matching: mode)
        let asked = (0..<Int.random(in: 0..<12, using: &random)).map { _ in call() }
        var given: [Int] = []
        for (name, arguments) in asked {
            let reply = tools.answer(name: name, arguments: Array(arguments.utf8))
            switch reply.source {
            case .same(let place):
                #expect(recorded[place] == (name, arguments))
                given.append(place)
            case .sameName(let place):
                #expect(recorded[place].0 == name && mode != .strict)
                given.append(place)
            case .fallback: Issue.record("there is no fallback")
            case .refused: continue
            }
            #expect(reply.result == given.last.map { Array(String($0).utf8) })
        }
        let answers = tools.answers
        #expect(answers.matched + answers.matchedByName + answers.refused == asked.count)
        #expect(Set(given).union(answers.unasked) == Set(recorded.indices) && Set(given).isDisjoint(with: answers.unasked))
        if mode != .lenient { #expect(Set(given).count == given.count, "nothing is given twice") }
        if mode == .ordered { #expect(given == given.sorted()) }
    }

    @Test(arguments: ToolMatching.allCases, UInt64(0)..<30)
    func theRecordedCallsThemselvesAllMatch(_ mode: ToolMatching, _ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let calls = (0..<6).map { _ in ("t\(Int.random(in: 0..<2, using: &random))", #"{"x":\#(Int.random(in: 0..<2, using: &random))}"#) }
        let json = calls.map { #"{"name":"\#($0.0)","args":\#($0.1)}"# }.joined(separator: ",")
        var tools = RecordedTools(try trace(#"{"tool_calls":[\#(json)]}"#), matching: mode)
        for (place, call) in calls.enumerated() {
            #expect(tools.answer(name: call.0, arguments: Array(call.1.utf8)).source == .same(place))
        }
        #expect(tools.answers.unasked.isEmpty)
    }
}
