import Replay
import Testing

struct ToolFallbackTests {
    private static let lines = """
        {"tool": "clock", "result": "noon"}

        {"tool": "read", "args": {"a": 1, "b": 2}, "error": "locked"}
        {"tool": "read", "result": null}
        """

    @Test(arguments: [lines, "[" + lines.split(separator: "\n").joined(separator: ",\n") + "]"])
    func answersWhatIsNotRecorded(_ text: String) throws {
        let fallback = try ToolFallback(parsing: Array(text.utf8), path: "f")
        var tools = RecordedTools(try trace(#"{"tool_calls": ["clock"], "tool_results": [{"result": 1}]}"#), matching: .strict, fallback: fallback)
        #expect(tools.toolNames == ["clock", "read"])
        #expect(tools.answer(name: "clock", arguments: nil).source == .same(0))
        let clock = tools.answer(name: "clock", arguments: nil)
        #expect(clock.source == .fallback && clock.result == Array(#""noon""#.utf8))
        #expect(tools.answer(name: "read", arguments: Array(#"{"b":2.0,"a":1}"#.utf8)).error == Array(#""locked""#.utf8))
        #expect(tools.answer(name: "read", arguments: Array(#"{"b":3}"#.utf8)).success)
        #expect(tools.answer(name: "other", arguments: nil).source == .refused)
        #expect(tools.answers.fallback == 3)
    }

    @Test(arguments: [
        (#"{"tool": "a", "result": 1}"# + "\n\nnot json", 3, "not JSON"),
        (#"["a"]"#, 1, "must be an object"),
        ("[\n" + #"{"tool": "a", "result": 1},"# + "\n" + #"{"tool": "a"}]"#, 3, "missing"),
        ("[\n{]", 2, "not JSON"),
        (#"{"tool": "a", "result": 1, "error": 2}"#, 1, "both"),
        (#"{"tool": "a", "reslt": 1}"#, 1, "unknown key \"reslt\""),
        (#"{"tool": "", "result": 1}"#, 1, "name of a tool"),
        (#"{"tool": "a", "result": 1}"# + "\n" + #"{"tool": "a", "result": 2}"#, 2, "line 1"),
        (#"{"tool": "a", "args": {"x": 1}, "result": 1}"# + "\n" + #"{"tool": "a", "args": {"x": 1.0}, "result": 2}"#, 2, "line 1"),
    ])
    func errorsNameTheLine(_ text: String, _ line: Int, _ words: String) {
        #expect {
            try ToolFallback(parsing: Array(text.utf8), path: "f")
        } throws: { error in
            guard let error = error as? ToolFallbackError else { return false }
            return error.line == line && error.problem.contains(words) && error.description.hasPrefix("f:\(line): ")
        }
    }

    @Test func aMissingFileIsAnError() {
        #expect(throws: ToolFallbackError.self) { try ToolFallback(path: "/nonexistent/fallback.jsonl") }
    }
}
