@testable import Replay

/// A replay as it may happen, with a trace of every kind.
enum SampleReplay {
    static func detail(
        _ id: String?, line: Int = 1, repetition: Int = 0, reasons: [String] = [], request: String = ""
    ) -> RunDetail {
        var arm = RunDetail.Arm()
        arm.outcome = "success"
        arm.latency = 1200
        arm.costTokens = 640
        arm.traceID = "0af7651916cd43dd8448eb211c80319c"
        arm.spanID = "b7ad6b7169203331"
        var candidate = arm
        candidate.latency = 1350.5
        candidate.passed = reasons.isEmpty
        candidate.reasons = reasons
        return RunDetail(
            traceID: id, line: line, repetition: repetition, passed: reasons.isEmpty, reasons: reasons, request: request,
            baseline: arm, candidate: candidate, toolChanges: [])
    }

    private static func call(_ name: String, _ arguments: String?, _ success: Bool? = true) -> RunDetail.Call {
        RunDetail.Call(name: name, arguments: arguments, success: success)
    }

    static func wrongArguments() -> RunDetail {
        var detail = detail(
            "t-002", line: 2, reasons: ["wrong_arguments", "check:refund is right"],
            request: "Hi, my flight OA 212 to Lisbon was cancelled this morning.\nI'd like my money back, please. Booking KX7P2M.")
        detail.baseline.calls = [
            call("lookup_booking", #"{"reference":"KX7P2M"}"#), call("check_fare_rules", #"{"fare":"ECO-FLEX"}"#),
            call("issue_refund", #"{"reference":"KX7P2M","amount":184.50,"currency":"EUR"}"#), call("send_mail", #"{"to":"ana"}"#),
        ]
        detail.candidate.calls = [
            call("lookup_booking", #"{"reference":"KX7P2M"}"#), call("search_flights", #"{"to":"LIS"}"#),
            call("issue_refund", #"{"reference":"KX7P2M","amount":1845.0,"note":"goodwill"}"#, false),
            call("issue_refund", #"{"reference":"KX7P2M","amount":1845.0,"note":"goodwill"}"#),
        ]
        detail.baseline.response = "Your refund of 184.50 EUR is on its way."
        detail.candidate.response = "Done! I have refunded 1845 EUR.\n\nAnything else?"
        detail.toolChanges = [
            .init(kind: "wrong_tool", baselineIndex: 1, candidateIndex: 1, tool: "check_fare_rules", candidateTool: "search_flights", arguments: [], omitted: 0),
            .init(
                kind: "wrong_arguments", baselineIndex: 2, candidateIndex: 2, tool: "issue_refund", candidateTool: nil,
                arguments: [("/amount", "184.50", "1845.0"), ("/currency", "\"EUR\"", nil), ("/note", nil, "\"goodwill\"")], omitted: 2),
            .init(kind: "extra", baselineIndex: nil, candidateIndex: 3, tool: "issue_refund", candidateTool: nil, arguments: [], omitted: 0),
            .init(kind: "missing", baselineIndex: 3, candidateIndex: nil, tool: "send_mail", candidateTool: nil, arguments: [], omitted: 0),
        ]
        detail.candidate.checks = [
            CheckResult(name: "refund is right", passed: false, evidence: "call 3: amount is 1845, at most 500 is allowed", call: 2),
            CheckResult(name: "tone", passed: true, evidence: "score 0.92, at least 0.5 is wanted: polite", score: 0.92),
        ]
        var tools = ToolAnswers()
        tools.matched = 1
        tools.refused = 2
        tools.unasked = [3]
        detail.candidate.tools = tools
        return detail
    }

    static func reordered() -> RunDetail {
        var detail = detail("t-003", line: 3, reasons: ["reordered", "latency"], request: "Change my booking to the evening flight.")
        detail.candidate.latency = 4210
        detail.baseline.calls = ["lookup_booking", "search_flights", "change_booking"].map { call($0, "{}") }
        detail.candidate.calls = ["search_flights", "lookup_booking", "change_booking"].map { call($0, "{}") }
        detail.toolChanges = [
            .init(kind: "reordered", baselineIndex: 1, candidateIndex: 0, tool: "search_flights", candidateTool: nil, arguments: [], omitted: 0)
        ]
        return detail
    }

    static func problem(_ kind: String, _ words: String, id: String = "t-004") -> RunDetail {
        var detail = detail(id, line: 4, reasons: [kind], request: "What is my gate?")
        detail.candidate.problem = words
        detail.candidate.outcome = nil
        detail.candidate.latency = nil
        detail.candidate.costTokens = nil
        return detail
    }

    static func looping() -> RunDetail {
        var detail = detail("t-005", line: 5, repetition: 2, reasons: ["outcome_fail", "loop"], request: "Refund me.")
        detail.candidate.outcome = "failure"
        detail.candidate.expectedOutcome = "success"
        detail.candidate.loop = CallLoop(start: 0, period: 1, repetitions: 7)
        detail.baseline.calls = [call("lookup_booking", "{}")]
        detail.candidate.calls = Array(repeating: call("lookup_booking", "{}"), count: 7)
        detail.toolChanges = (1..<7).map {
            .init(kind: "duplicated", baselineIndex: nil, candidateIndex: $0, tool: "lookup_booking", candidateTool: nil, arguments: [], omitted: 0)
        }
        return detail
    }

    static var details: [RunDetail] {
        [
            detail("t-001"), wrongArguments(), reordered(), problem("timeout", "no answer within 60 s"), looping(),
            problem("cancelled", "the replay was ended", id: "t-006"), detail(nil, line: 7, reasons: ["cost"]),
            detail("t-008", line: 8),
        ]
    }

    static func report(_ details: [RunDetail], _ verdict: GateReport.Verdict? = nil) -> ReplayReport {
        var report = ReplayReport(
            replayID: "replay-7", traces: "Fixtures/traces/sample.jsonl", baseline: .init(version: "v1", agent: "recorded"),
            candidate: .init(version: "v2", digest: "sha256:" + String(repeating: "ab", count: 32), agent: "http://127.0.0.1:8080"))
        for detail in details {
            report.tally.total += 1
            if detail.passed { report.tally.passed += 1 } else { report.tally.failed += 1 }
            for reason in detail.reasons { report.tally.reasons[reason, default: 0] += 1 }
            report.tally.budgetOverruns += detail.reasons.count { $0 == "latency" || $0 == "cost" }
            report.tally.toolMisuse += detail.reasons.count { $0 == "tool_misuse" }
        }
        report.duration = 2.25
        if let verdict { report.gate = gate(verdict, report.tally) }
        return report
    }

    static func full(_ verdict: GateReport.Verdict) -> ReplayReport {
        var report = report(details, verdict)
        report.tally.toolChanges = ["wrong_arguments": 1, "reordered": 1, "duplicated": 6]
        report.tally.checks = ["refund is right": 1]
        report.tally.compared = 6
        report.tally.unpaired.candidate = ["timeout": 1, "cancelled": 1]
        report.tally.unpaired.examples = ["t-004", "t-006"]
        report.tally.identical = 1
        report.tally.withExpectation = 6
        report.tally.outcomes.bothPassed = 2
        report.tally.outcomes.onlyBaselinePassed = 6
        report.rejectedLines = ["bad_json": 2, "too_long": 1]
        report.unmatched.candidate = 1
        report.unmatched.examples = ["t-900"]
        var export = ReplayReport.ExportAccount(target: "http://localhost:4318")
        export.spansBuilt = 40
        export.spansAccepted = 38
        export.spansUnsent = 2
        export.problem = "connection refused"
        report.export = export
        var earlier = ReplayReport.EarlierResult(file: "main.json")
        earlier.broken = ["t-002"]
        report.comparison = earlier
        report.notes = ["The traces are of one week only."]
        return report
    }

    private static func gate(_ verdict: GateReport.Verdict, _ tally: ReplayTally) -> GateReport {
        var gate = GateReport(verdict: verdict)
        gate.findings = [
            .init(rule: "max_failed", verdict: verdict == .fail ? .fail : .pass, message: "6 failed, \(verdict == .fail ? 0 : 9) allowed"),
            .init(rule: "compare.latency_ms", verdict: verdict == .inconclusive ? .inconclusive : .pass, message: "ratio of means 1.12"),
        ]
        gate.metrics = [
            .init(
                name: "pass_rate", pairs: 8, baseline: 1, candidate: 0.25, effectName: "difference of pass rates", effect: -0.75,
                interval: -0.93 ... -0.31, confidence: 0.9833, margin: 0.05, test: "exact McNemar, one-sided", pValue: 0.015625,
                adjustedPValue: 0.046875, decision: verdict == .fail ? "worse" : "not worse", verdict: verdict == .fail ? .fail : .pass),
            .init(
                name: "latency_ms", pairs: 6, baseline: 1200, candidate: 1344.5, effectName: "ratio of means", effect: 1.12,
                interval: 0.98...1.31, confidence: 0.9833, margin: 0.1, test: "Wilcoxon signed-rank, one-sided", pValue: 0.00001,
                adjustedPValue: nil, decision: "undecided", verdict: verdict == .pass ? .pass : .inconclusive),
        ]
        gate.slices = [.init(name: "refunds", tally: tally)]
        gate.applied = .init(thresholds: 3, sliceThresholds: 1, minRuns: 2, evidentTraces: 6, checkedRuns: [6, 2])
        gate.flakiness = .init(repetitions: 3, passHatK: [0.9, 0.82, 0.75], flaky: [("t-005", 1)], flakyCount: 4)
        return gate
    }

    /// Puts the text into every field that input can reach.
    static func hostile(_ text: String) -> (RunDetail, ReplayReport) {
        var detail = detail(text, reasons: [text, "check:" + text], request: text)
        for arm in [\RunDetail.baseline, \RunDetail.candidate] {
            detail[keyPath: arm].problem = text
            detail[keyPath: arm].outcome = text
            detail[keyPath: arm].expectedOutcome = text
            detail[keyPath: arm].response = text
            detail[keyPath: arm].reasons = [text]
            detail[keyPath: arm].traceID = text
            detail[keyPath: arm].spanID = text
            detail[keyPath: arm].calls = [call(text, text)]
            detail[keyPath: arm].checks = [CheckResult(name: text, passed: false, evidence: text)]
        }
        detail.toolChanges = [
            .init(kind: "wrong_arguments", baselineIndex: 0, candidateIndex: 0, tool: text, candidateTool: text, arguments: [(text, text, text)], omitted: 1)
        ]
        var report = ReplayReport(
            replayID: text, traces: text, baseline: .init(version: text, digest: text, agent: text),
            candidate: .init(version: text, digest: text, agent: text))
        report.tally.total = 2
        report.tally.failed = 2
        report.tally.compared = 1
        report.tally.unpaired.baseline = [text: 1]
        report.tally.unpaired.candidate = [text: 1]
        report.tally.unpaired.examples = [text]
        report.tally.reasons = [text: 1]
        report.tally.toolChanges = [text: 1]
        report.tally.checks = [text: 1]
        report.rejectedLines = [text: 1]
        report.unmatched.baseline = 1
        report.unmatched.examples = [text]
        report.partial = text
        report.notes = [text]
        var export = ReplayReport.ExportAccount(target: text)
        export.problem = text
        report.export = export
        var earlier = ReplayReport.EarlierResult(file: text)
        (earlier.broken, earlier.fixed) = ([text], [text])
        report.comparison = earlier
        var gate = GateReport(verdict: .fail)
        gate.findings = GateReport.Verdict.allCases.map { .init(rule: text, verdict: $0, message: text) }
        gate.metrics = [
            .init(
                name: text, pairs: 1, baseline: .nan, candidate: .infinity, effectName: text, effect: -.infinity,
                interval: -.infinity ... .infinity, confidence: 0.95, margin: .nan, test: text, pValue: .nan, decision: text, verdict: .fail)
        ]
        gate.slices = [.init(name: text, tally: report.tally)]
        gate.flakiness = .init(repetitions: 2, passHatK: [.nan], flaky: [(text, 1)], flakyCount: 1)
        report.gate = gate
        return (detail, report)
    }
}
