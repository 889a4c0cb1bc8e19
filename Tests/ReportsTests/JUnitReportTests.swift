@testable import Replay
@testable import Reports
import Testing

@Suite("Reports as JUnit XML")
struct JUnitReportTests {
    @Test("times add up: of the traces to the suite, of the suites to all", arguments: [nil, .pass, .fail] as [GateReport.Verdict?])
    func times(verdict: GateReport.Verdict?) throws {
        let files = try ReportFiles()
        var details = [SampleReplay.detail("t-1"), SampleReplay.reordered(), SampleReplay.problem("timeout", "no answer")]
        details[0].candidate.latency = 1350
        let report = SampleReplay.report(details, verdict)
        let text = try files.write("r.xml", details, report) { try JUnitReport(path: $0, candidateVersion: "v2") }
        _ = try files.check("junit", "r.xml", schema: "junit.xsd")
        let times = text.matches(of: /<(testsuites|testsuite|testcase) [^>]*time="([0-9.]+)"/).map { "\($0.1) \($0.2)" }
        // 1,350 and 4,210 ms; what did not answer took no time that is known, and rules take none.
        #expect(times == ["testsuites 5.560", "testsuite 5.560", "testcase 1.350", "testcase 4.210"], "\(text)")
        #expect(text.contains("<testsuites name=\"outrigger \(verdict == nil ? "replay" : "gate")\""))
    }

    @Test("every case has a name of its own")
    func names() throws {
        let files = try ReportFiles()
        let details = [
            SampleReplay.detail("", line: 3), SampleReplay.detail(nil, line: 4), SampleReplay.detail("t", line: 5),
            SampleReplay.detail("t", line: 5, repetition: 1),
        ]
        var report = SampleReplay.report(details, .inconclusive)
        let finding = GateReport.Finding(rule: "check_never_applied", verdict: .inconclusive, message: "a check applied to no trace")
        report.gate?.findings = [finding, finding]
        let text = try files.write("r.xml", details, report) { try JUnitReport(path: $0, candidateVersion: "v2") }
        let names = text.matches(of: /<testcase classname="[^"]+" name="([^"]*)"/).map { String($0.1) }
        #expect(names == ["line 3", "line 4", "t", "t #2", "check_never_applied", "check_never_applied #2"])
    }
}
