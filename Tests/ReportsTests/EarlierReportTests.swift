import Foundation
@testable import Replay
@testable import Reports
import Testing

@Suite struct EarlierReportTests {
    @Test func tracesThatChangedAreFound() throws {
        let files = try ReportFiles()
        let before = [
            SampleReplay.detail("same"), SampleReplay.detail("broken \"é\n"), SampleReplay.detail("fixed", reasons: ["cost"]),
            SampleReplay.detail("flaky", reasons: ["cost"]), SampleReplay.detail("gone"), SampleReplay.detail("twice"),
            SampleReplay.detail("twice", reasons: ["cost"]), SampleReplay.detail(nil, line: 9),
        ]
        _ = try files.write("r.json", before, SampleReplay.report(before)) { try JSONReport(path: $0) }
        let earlier = try EarlierReport(file: files.path("r.json"))
        #expect(earlier.runs == 8)
        var comparison = EarlierComparison(earlier)
        for detail in [
            SampleReplay.detail("same"), SampleReplay.detail("broken \"é\n", reasons: ["latency"]),
            SampleReplay.detail("broken \"é\n", repetition: 1, reasons: ["latency"]), SampleReplay.detail("fixed"),
            SampleReplay.detail("flaky"), SampleReplay.detail("flaky", repetition: 1, reasons: ["cost"]), SampleReplay.detail("twice"),
            SampleReplay.detail("twice"), SampleReplay.detail("new"), SampleReplay.detail(nil, line: 10, reasons: ["cost"]),
        ] { comparison.add(detail) }
        let result = comparison.result()
        #expect(result.broken == ["broken \"é\n", "line 10"])
        #expect(result.fixed == ["fixed", "twice"])
        #expect(result.onlyBefore == 1)
        #expect(result.onlyNow == 1)
    }

    @Test func theSamplesOwnResultIsRead() throws {
        let files = try ReportFiles()
        let path = try files.put(
            #"{"total": 2, "x": [1, {"details": []}], "details": [ {"trace_id": "a", "passed": true, "reason": []} , {"trace_id": "b\u00e9", "passed": false, "reason": ["cost"]}]}"#,
            "python.json")
        var comparison = EarlierComparison(try EarlierReport(file: path))
        comparison.add(SampleReplay.detail("bé"))
        #expect(comparison.result().fixed == ["bé"])
    }

    @Test(arguments: [
        ("", "no JSON object at byte 0"), ("[]", "no JSON object at byte 0"), ("{}", "no list `details`"),
        (#"{"details": 3}"#, "its `details` are no list"), (#"{"details": ["#, "the end of the file"),
        (#"{"details": [{"passed": true]}"#, "at byte"), (#"{"details": [3]}"#, "details[0] at byte 13 is no object"),
        (#"{"details": [{"trace_id": "a"}]}"#, "details[0] at byte 13 has no `passed`"),
        (#"{"details": [{"passed": true, "trace_id": 4}]}"#, "has no `trace_id`"),
        (#"{"details": [{"passed": true, "trace_id": "a", "repetition": -1}]}"#, "has a `repetition`"),
        (#"{"details": []} x"#, "more text after the object at byte 16"), (#"{"a": tru, "details": []}"#, "an unknown word"),
        (#"{"schema_version": 2, "details": []}"#, "`schema_version` is 2"), (#"{"details": [] "a": 1}"#, "neither a comma"),
        (#"{"details": [{"trace_id": "a", "passed": true},]}"#, "at byte"),
    ])
    func aWrongFileIsToldWhere(_ text: String, _ words: String) throws {
        let files = try ReportFiles()
        let path = try files.put(text, "wrong.json")
        let error = #expect(throws: ReportError.self) { try EarlierReport(file: path) }
        #expect(error?.code == .notAReport)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func aMissingFileIsToldAsSuch() {
        let error = #expect(throws: ReportError.self) { try EarlierReport(file: "/nonexistent.json") }
        #expect(error?.message == "cannot read the earlier report /nonexistent.json: No such file or directory")
    }
}
