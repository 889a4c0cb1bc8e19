import Foundation
import Testing

/// `--link`: addresses of the traces that were sent.
@Suite struct LinkTests {
    @Test("a link leads to the run's span in its trace")
    func ids() throws {
        let output = try Scratch.folder().appendingPathComponent("spans.jsonl").path
        let result = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--limit", "1", "--output", output, "--link", "http://x/trace/{trace_id}?span={span_id}&of={trace_id}",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let url = "http://x/trace/d10521014cb6ba359c23180a0857e14d?span=edff7648d4c09aca&of=d10521014cb6ba359c23180a0857e14d"
        let first = try #require((try result.summary["first_traces"] as? [[String: String]])?.first)
        #expect(first == ["trace_id": "d10521014cb6ba359c23180a0857e14d", "recorded_id": "t-001", "url": url])
        #expect(result.errors.contains("          \(url)  t-001\n"), "\(result.errors)")
        let spans = try String(contentsOfFile: output, encoding: .utf8)
        #expect(spans.contains("\"edff7648d4c09aca\""))
    }

    @Test("a link that leads to no trace is refused, with the remedy", arguments: [
        "", "http://x/", "http://x/{trace}", "x/{trace_id}", "http://x/{trace_id}\"", "http://x/{span_id}",
    ])
    func refused(link: String) throws {
        for command in [["backfill", Project.fixture("sample.jsonl"), "--dry-run"], ["correlate", "--runs", "x", "--since", "1h"]] {
            let result = try Outrigger.run(command + ["--link", link])
            #expect(result.status == 2 && result.output.isEmpty)
            #expect(result.errors.contains("--link \(link): write an http(s) URL with {trace_id} in it"), "\(result.errors)")
        }
    }
}
