import AgentRuns
@testable import RunSpans
import Testing

@Suite("Capture of content")
struct CaptureTests {
    private func mapped(_ capture: RunMapping.Capture, _ run: AgentRun = .full()) -> MappedRun {
        MappedRun(run, RunMapping(mode: .backfill, capture: capture))
    }

    @Test("Nothing that anyone said leaves unless asked for", arguments: [RunMapping.Capture.none, .metadata])
    func noContent(capture: RunMapping.Capture) {
        for text in mapped(capture).texts { #expect(!text.contains("private")) }
        #expect(mapped(capture).spans.compactMap(\.failure) == ["", ""])
    }

    /// Guards the test above: the words that it looks for are there to be found.
    @Test("With full capture all of it is there")
    func allContent() {
        let all = mapped(.full).texts.joined(separator: "\n")
        for word in ["request", "response", "argument", "result", "failure", "error", "text"] { #expect(all.contains("private \(word)")) }
    }

    @Test("Metadata are size and digest of the text as it was recorded")
    func metadata() {
        // Digests by sha256sum.
        let spans = mapped(.metadata).spans
        #expect(spans[0].attributes["outrigger.request.size"] == .integer(15))
        #expect(spans[0].attributes["outrigger.response.size"] == .integer(44))
        #expect(spans[0].text("outrigger.response.sha256") == "0c06c3e789cee91020fcecdad1d360591eeb1d84f3849cfe41d9707d35839e5a")
        #expect(spans[2].attributes["outrigger.tool.arguments.size"] == .integer(25))
        #expect(spans[2].text("outrigger.tool.arguments.sha256") == "a303d06a88f3fd8ea153702bec30dca9ec47aab91de46c37714428644af6442e")
        #expect(spans[3].attributes["outrigger.tool.result.size"] == .integer(21))
        #expect(spans[3].text("outrigger.tool.result.sha256") == "da068156c93152e5895b74dc0e7bd3f79bd6aa5bedee20c233f07ef496f8c16f")
    }

    @Test("Each level adds to the one below and takes nothing away")
    func levels() {
        func keys(_ capture: RunMapping.Capture) -> [Set<String>] { mapped(capture).spans.map { Set($0.list.map(\.key)) } }
        for (less, more) in zip(keys(.none), keys(.metadata)) { #expect(less.isSubset(of: more)) }
        for (less, more) in zip(keys(.metadata), keys(.full)) { #expect(less.isSubset(of: more)) }
        #expect(keys(.none)[0] != keys(.metadata)[0])
        #expect(keys(.metadata)[0] != keys(.full)[0])
    }

    @Test("Full capture shows strings as they are and JSON compact, numbers as written")
    func full() {
        let spans = mapped(.full).spans
        #expect(spans[0].text("input.value") == "private request")
        #expect(spans[0].text("input.mime_type") == "text/plain")
        #expect(spans[0].text("gen_ai.input.messages") == #"[{"role":"user","parts":[{"type":"text","content":"private request"}]}]"#)
        #expect(spans[0].text("output.value") == #"{"answer":"private response","n":1.50}"#)
        #expect(spans[0].text("output.mime_type") == "application/json")
        #expect(
            spans[0].text("gen_ai.output.messages")
                == #"[{"role":"assistant","parts":[{"type":"text","content":{"answer":"private response","n":1.50}}]}]"#)
        #expect(spans[2].text("gen_ai.tool.call.arguments") == #"{"q":"private argument"}"#)
        #expect(spans[2].text("gen_ai.tool.call.result") == #"["private result",2]"#)
        #expect(spans[3].text("output.value") == #"["private result",2]"#)
        #expect(spans[3].text("output.mime_type") == "application/json")
        // A string argument is a JSON string there; a result's own value is not.
        #expect(spans[5].text("gen_ai.tool.call.arguments") == #""private text""#)
        #expect(spans[5].text("gen_ai.tool.call.result") == #""private failure""#)
        #expect(spans[6].text("output.value") == "private failure")
        #expect(spans[6].text("output.mime_type") == "text/plain")
        #expect([spans[5].failure, spans[6].failure] == ["private error", "private error"])
    }

    @Test("Redaction runs on everything that is captured")
    func redacted() {
        var run = AgentRun()
        let secret = "mail ann@example.com"
        run.request = run.string(secret)
        run.response = run.string(secret)
        let arguments = run.json(#"{"password":"ann@example.com","to":"ann@example.com"}"#)
        let result = run.string(secret)
        run.addCall("t", arguments: arguments, result: ToolResult(success: false, content: result, error: run.string(secret)))
        let mapped = mapped(.full, run)
        for text in mapped.texts { #expect(!text.contains("ann@")) }
        #expect(mapped.spans[3].failure == "mail [REDACTED:email]")
        #expect(mapped.spans[2].text("gen_ai.tool.call.arguments") == #"{"password":"[REDACTED]","to":"[REDACTED:email]"}"#)
    }

    @Test("A message quotes what JSON wants quoted")
    func quoting() {
        var run = AgentRun()
        run.request = run.string("say \"hi\"\n\0")
        #expect(
            mapped(.full, run).spans[0].text("gen_ai.input.messages")
                == #"[{"role":"user","parts":[{"type":"text","content":"say \"hi\"\n\u0000"}]}]"#)
    }
}
