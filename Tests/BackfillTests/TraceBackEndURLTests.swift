import AgentRuns
import Testing

@testable import Backfill

@Suite struct TraceBackEndURLTests {
    private static let traces = [TraceID(high: 0, low: 1), TraceID(high: 0xAB << 56, low: 2)]

    @Test func jaegerAndTempoAreAskedForOneTraceByItsHexID() throws {
        for kind in ["jaeger", "tempo"] {
            let backEnd = try #require(TraceBackEnd("\(kind)=https://c:16686/base//", project: ""))
            #expect(backEnd.tracesPerRequest == 1)
            #expect(
                backEnd.url(for: [Self.traces[1]], cursor: nil)
                    == "https://c:16686/base/api/traces/ab000000000000000000000000000002")
        }
    }

    @Test func phoenixIsAskedForManyTracesOfOneProject() throws {
        let backEnd = try #require(TraceBackEnd("phoenix=http://c:6006", project: "my project/ä%"))
        #expect(backEnd.tracesPerRequest == 20)
        #expect(
            backEnd.url(for: Self.traces, cursor: nil)
                == "http://c:6006/v1/projects/my%20project%2F%C3%A4%25/spans?limit=1000"
                + "&trace_id=00000000000000000000000000000001&trace_id=ab000000000000000000000000000002")
    }

    @Test(arguments: ["", "jaeger", "jaeger=", "jaeger=c:16686", "jaeger=ftp://c", "zipkin=http://c", "=http://c", "Jaeger=http://c"])
    func anythingElseIsNoBackEnd(_ text: String) {
        let backEnd = TraceBackEnd(text, project: "")
        #expect(backEnd == nil)
    }
}
