import AgentRuns
@testable import RunSpans
import Testing

@Suite("Attribute limits")
struct AttributeLimitTests {
    private func mapped(_ limits: AttributeLimits, _ run: AgentRun = .full(), dataset: String = "demo") -> MappedRun {
        MappedRun(run, RunMapping(mode: .backfill, dataset: dataset, capture: .full, limits: limits))
    }

    @Test("A span has no more attributes than allowed; the rest is counted, on the span and in all", arguments: [0, 1, 3, 5, 6, 20, 128])
    func count(limit: Int) {
        let unlimited = mapped(AttributeLimits())
        let limited = mapped(AttributeLimits(count: limit))
        #expect(limited.spans.count == unlimited.spans.count)
        for (span, whole) in zip(limited.spans, unlimited.spans) {
            // The first ones stay, in their order.
            #expect(span.list.map(\.key) == Array(whole.list.map(\.key).prefix(limit)))
            #expect(span.dropped == max(0, whole.list.count - limit))
            #expect(span.failure == whole.failure)
        }
        #expect(limited.losses.droppedAttributes == limited.spans.reduce(0) { $0 + $1.dropped })
        #expect(limited.losses.truncatedValues == 0)
    }

    @Test("A text is cut to so many characters, never within one", arguments: [0, 1, 2, 3, 4])
    func valueLength(limit: Int) {
        var run = AgentRun()
        run.agent = run.store("aé😀b")
        let root = mapped(AttributeLimits(valueLength: limit), run).spans[0]
        #expect(root.text("gen_ai.agent.name") == String("aé😀b".unicodeScalars.prefix(limit).map(Character.init)))
    }

    @Test("Characters are Unicode scalars, as the specification counts them")
    func scalars() {
        var run = AgentRun()
        run.agent = run.store("e\u{301}x")
        let root = mapped(AttributeLimits(valueLength: 2), run).spans[0]
        #expect(root.text("gen_ai.agent.name")?.unicodeScalars.elementsEqual("e\u{301}".unicodeScalars) == true)
    }

    @Test("Numbers and truth values are never cut, and neither is a status message")
    func otherValues() {
        let limited = mapped(AttributeLimits(valueLength: 1))
        #expect(limited.spans[0].attributes["outrigger.latency_ms"] == .double(350.5))
        #expect(limited.spans[0].attributes["outrigger.outcome.match"] == .bool(true))
        #expect(limited.spans[6].failure == "private error")
    }

    /// Also the texts that the mapping writes once for all runs: nothing is lost silently.
    @Test("Each text that was cut is counted", arguments: [1, 4, 5, 7, 20, 1000])
    func truncationsCounted(limit: Int) {
        let whole = mapped(AttributeLimits())
        let limited = mapped(AttributeLimits(valueLength: limit))
        var cut = 0
        for (span, original) in zip(limited.spans, whole.spans) {
            for (attribute, uncut) in zip(span.list, original.list) where attribute.value != uncut.value { cut += 1 }
        }
        #expect(limited.losses.truncatedValues == cut)
        for text in limited.spans.flatMap(\.list).compactMap({ if case .text(let text) = $0.value { text } else { nil } }) {
            #expect(text.unicodeScalars.count <= limit)
        }
    }

    @Test("A name of the job is cut as a name of the run is")
    func sharedText() {
        let limited = mapped(AttributeLimits(valueLength: 3), dataset: "d😀taset")
        #expect(limited.spans[0].text("outrigger.source.dataset") == "d😀t")
    }
}
