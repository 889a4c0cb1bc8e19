import AgentRuns
@testable import RunSpans
import Testing

@Suite("Structure of a run's spans")
struct SpanStructureTests {
    @Test("The run comes first, then step, call and result of each call")
    func order() {
        #expect(
            MappedRun(.with(calls: 2)).spans.map(\.name)
                == [.agentRun, .agentStep, .toolCall, .toolResult, .agentStep, .toolCall, .toolResult])
    }

    @Test("A run without calls is one step without tools")
    func noCalls() {
        let mapped = MappedRun(.with(calls: 0))
        #expect(mapped.spans.map(\.name) == [.agentRun, .agentStep])
        #expect(mapped.spans[1].head.start == 1000)
        #expect(mapped.spans[1].head.end == 350_001_000)
        #expect(mapped.spans[1].attributes["step.index"] == .integer(0))
    }

    @Test("A call without a result has no result span, and says so")
    func missingResult() {
        var run = AgentRun.with(calls: 2)
        run.toolCalls[0].result = nil
        let mapped = MappedRun(run)
        #expect(mapped.spans.map(\.name) == [.agentRun, .agentStep, .toolCall, .agentStep, .toolCall, .toolResult])
        #expect(mapped.all(.toolCall).map { $0.attributes["outrigger.tool.result_missing"] } == [.bool(true), nil])
        #expect(mapped.all(.toolCall)[0].failure == nil)
    }

    /// The first sixteen steps share what was written before.
    @Test("Call and step are numbered, beyond the sixteenth too")
    func numbers() {
        let mapped = MappedRun(.with(calls: 40))
        let expected = (0..<40).map { Attribute.Value.integer($0) }
        #expect(mapped.all(.agentStep).map { $0.attributes["step.index"] } == expected)
        #expect(mapped.all(.toolCall).map { $0.attributes["outrigger.tool.index"] } == expected)
        #expect(mapped.all(.toolResult).map { $0.attributes["outrigger.tool.index"] } == expected)
        #expect(mapped.all(.toolCall).map { $0.text("tool.name") } == (0..<40).map { "tool\($0)" })
        #expect(mapped.all(.toolCall)[39].list.map(\.key) == mapped.all(.toolCall)[0].list.map(\.key))
        #expect(mapped.all(.toolResult)[39].list.map(\.key) == mapped.all(.toolResult)[0].list.map(\.key))
    }

    @Test("Any run is a tree whose children lie within their parents, and whose steps fill the run", arguments: 0..<UInt64(10))
    func tree(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let run = AgentRun.random(using: &random)
            let mapped = MappedRun(run)
            #expect(mapped.keptOrder)
            #expect(mapped.spans.count == RunShape.spanCount(of: run))
            #expect(mapped.spans.map(\.head.spanID) == RunShape.spanIDs(of: run, .demo))

            var earlier: [SpanID: SpanHead] = [:]
            for head in mapped.spans.map(\.head) {
                #expect(head.traceID == RunIdentity.demo.traceID)
                #expect(head.flags == 0x103)
                #expect(head.start <= head.end)
                if head.name == .agentRun {
                    #expect(head.parent == nil)
                    #expect(earlier.isEmpty)
                } else {
                    let parent = try #require(head.parent.flatMap { earlier[$0] })
                    #expect(parent.name == parentName(head.name))
                    #expect(parent.start <= head.start && head.end <= parent.end)
                }
                #expect(earlier.updateValue(head, forKey: head.spanID) == nil)
            }

            let root = mapped.spans[0].head
            let steps = mapped.all(.agentStep).map(\.head)
            #expect(steps.map(\.start) == [root.start] + steps.dropLast().map(\.end))
            #expect(steps.last?.end == root.end)
            #expect(steps.map(\.isLastSibling) == steps.indices.map { $0 == steps.count - 1 })
            // A result is a moment: the end of its call.
            for result in mapped.all(.toolResult).map(\.head) {
                let call = try #require(result.parent.flatMap { earlier[$0] })
                #expect(result.start == call.end && result.end == call.end)
            }
        }
    }

    private func parentName(_ name: SpanName) -> SpanName? {
        switch name {
        case .agentStep: .agentRun
        case .toolCall: .agentStep
        case .toolResult: .toolCall
        default: nil
        }
    }
}
