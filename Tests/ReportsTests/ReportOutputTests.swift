import Foundation
@testable import Replay
@testable import Reports
import Testing

@Suite struct ReportOutputTests {
    @Test func anUnfinishedReportLeavesNothing() throws {
        let files = try ReportFiles()
        _ = try files.put("old", "r.json")
        var writer: JSONReport? = try JSONReport(path: files.path("r.json"))
        try writer?.write(SampleReplay.detail("t"))
        #expect(files.names.count == 2)
        writer = nil
        #expect(files.names == ["r.json"])
        #expect(try files.text("r.json") == "old")
    }

    @Test func aLinkStaysALink() throws {
        let files = try ReportFiles()
        _ = try files.put("old", "real.json")
        try FileManager.default.createSymbolicLink(atPath: files.path("r.json"), withDestinationPath: files.path("real.json"))
        _ = try files.write("r.json", [], SampleReplay.report([])) { try JSONReport(path: $0) }
        #expect(try files.text("real.json").hasPrefix("{"))
        #expect(files.names == ["r.json", "real.json"])
    }

    @Test(arguments: ["/nonexistent/r.json", "/tmp", "/proc/r.json"])
    func aBadPathIsKnownAtOnce(_ path: String) {
        let error = #expect(throws: ReportError.self) { try JSONReport(path: path) }
        #expect(error?.message.hasPrefix("cannot write the report \(path): ") == true)
    }

    @Test func aFullDiskIsAnError() throws {
        var writer = try JSONReport(path: "/dev/full")
        let error = #expect(throws: ReportError.self) { try writer.finish(SampleReplay.report([])) }
        #expect(error?.message == "cannot write the report /dev/full: No space left on device")
        #expect(error?.code == .unwritable)
    }

    @Test func theStepSummaryIsAppended() throws {
        let files = try ReportFiles()
        _ = try files.put("# before\n", "s.md")
        let details = SampleReplay.details
        _ = try files.write("a.txt", details, SampleReplay.full(.fail)) { try GitHubReport(annotations: $0, summaryPath: files.path("s.md")) }
        #expect(try files.text("s.md").hasPrefix("# before\n\n## ❌"))
        let lines = try files.text("a.txt").split(separator: "\n")
        #expect(lines[0] == "::error title=Outrigger gate%3A max_failed::6 failed, 0 allowed")
        #expect(lines[1].hasPrefix("::error file=Fixtures/traces/sample.jsonl,line=2,title=Trace t-002 failed%3A wrong_arguments%2C check%3Arefund is right::request: Hi"))
    }
}
