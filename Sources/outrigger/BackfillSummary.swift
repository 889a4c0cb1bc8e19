import Backfill
import Delivery
import JSONText
import Reports

/// What a backfill says in the end, to people and to machines.
struct BackfillSummary {
    var report: BackfillReport
    var target: String
    var inputs: [String]
    var isDryRun: Bool
    var notExporting: String?
    var link: TraceLink?
    var backEnd: TraceBackEnd?
    var verified: Verification.Result?
    var verifyProblem: String?
    var compression: String

    /// 0 all delivered (and visible, if that was asked), 1 not.
    var exitStatus: Int32 {
        let isVisible = verifyProblem == nil && (verified?.missing ?? 0) == 0
        return report.isComplete && isVisible ? 0 : 1
    }

    private var isSending: Bool { !isDryRun && notExporting == nil }

    // MARK: for people

    var text: String {
        let spans = report.spans
        var lines = ["", "\(inputs.joined(separator: ", ").escapedForTerminal) → \(target.escapedForTerminal)", ""]
        lines.append(
            "  lines   \(Readable.count(report.lines.total)) read: \(Readable.count(report.runs.read, "run")), "
                + "\(Readable.count(report.lines.empty)) empty, \(Readable.count(report.rejectedLines)) rejected")
        lines += table(report.lines.rejected)
        lines.append("  runs    " + runParts.joined(separator: ", "))
        if isSending {
            lines.append(
                "  spans   \(Readable.count(spans.built)) built: \(Readable.count(spans.accepted)) accepted, "
                    + "\(Readable.count(spans.rejected)) rejected, \(Readable.count(spans.unsent)) unsent")
            lines += table(spans.reasons)
            if spans.alreadyDelivered > 0 {
                lines.append("          \(Readable.count(spans.alreadyDelivered)) more had been delivered before")
            }
            lines.append("  sent    " + sentParts)
        } else {
            lines.append(
                "  spans   \(Readable.count(spans.built)) built, none sent (\(notExporting ?? "dry run"))")
        }
        lines.append("  time    \(Readable.duration(report.duration)), \(rate), \(Readable.bytes(report.bytesRead)) of text")
        if !report.warnings.isEmpty {
            lines.append("  warnings")
            lines += table(report.warnings)
        }
        for problem in report.inputProblems { lines.append("  problem \(problem.escapedForTerminal)") }
        if let reason = report.endedEarly { lines.append("  ended early: \(reason.escapedForTerminal)") }
        if report.hadNothingToDo { lines.append("  nothing to send: all of it had been delivered before") }
        lines += verification
        if let link, !report.firstTraces.isEmpty {
            lines.append("  traces")
            for trace in report.firstTraces {
                let url = link.url(traceID: trace.traceID, spanID: trace.runSpanID) ?? trace.traceID
                lines.append("          \(url)  \(trace.recordedID.escapedForTerminal)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var runParts: [String] {
        let runs = report.runs
        var parts = ["\(Readable.count(runs.selected)) selected"]
        if runs.alreadyDelivered > 0 { parts.append("\(Readable.count(runs.alreadyDelivered)) delivered before") }
        if runs.filtered > 0 { parts.append("\(Readable.count(runs.filtered)) outside --since and --until") }
        if runs.sampledOut > 0 { parts.append("\(Readable.count(runs.sampledOut)) not sampled (OTEL_TRACES_SAMPLER)") }
        if runs.beyondLimit > 0 { parts.append("\(Readable.count(runs.beyondLimit)) beyond --limit") }
        return parts
    }

    private var sentParts: String {
        let traffic = report.traffic
        // What was tried in vain is no delivery, however often it went out.
        let isAllDelivered = traffic.deliveredBytes == traffic.bytes
        var text = isAllDelivered ? "" : "\(Readable.bytes(traffic.deliveredBytes)) delivered, of "
        text += "\(Readable.bytes(traffic.bytes)) in \(Readable.count(traffic.requests, "request"))"
        if traffic.wireBytes != traffic.bytes { text += ", \(Readable.bytes(traffic.wireBytes)) after \(compression)" }
        if traffic.retries > 0 { text += ", \(Readable.count(traffic.retries)) of them retries" }
        return text
    }

    private var rate: String {
        let seconds = max(report.duration / .seconds(1), 0.001)
        return "\(Readable.count(Int(Double(report.spans.built) / seconds))) spans/s"
    }

    private var verification: [String] {
        if let verifyProblem { return ["  verify  \(verifyProblem.escapedForTerminal)"] }
        guard let verified else { return [] }
        var lines = [
            "  verify  \(Readable.count(verified.expected)) sent, \(Readable.count(verified.visible)) visible, "
                + "\(Readable.count(verified.missing)) missing"
        ]
        // Who does not know a trace answers as one does who knows of no traces at all.
        if verified.visible == 0, verified.expected > 0, let backEnd {
            lines.append("          nothing is visible at \(backEnd.baseURL.escapedForTerminal): \(backEnd.peer.question)")
        }
        for id in verified.missingIDs.prefix(10) { lines.append("          missing: trace \(id.traceID) span \(id.spanID)") }
        if verified.missing > 10 {
            lines.append("          and \(Readable.count(verified.missing - 10)) more; --json lists up to 100")
        }
        return lines
    }

    private func table(_ counts: [String: Int]) -> [String] {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
            "          \(Readable.count($0.value).paddedLeft(9))  \($0.key.escapedForTerminal)"
        }
    }

    // MARK: for machines

    var json: String {
        let lines = report.lines
        let runs = report.runs
        let spans = report.spans
        let traffic = report.traffic
        var object: [(String, JSONValue)] = [
            ("exit_status", .integer(Int(exitStatus))),
            ("inputs", .array(inputs.map { .text($0) })),
            ("target", .text(target)),
            ("dry_run", .bool(isDryRun)),
            ("lines", .object([
                ("total", .integer(lines.total)), ("empty", .integer(lines.empty)), ("runs", .integer(runs.read)),
                ("rejected", .integer(report.rejectedLines)), ("rejected_by_reason", .counts(lines.rejected)),
            ])),
            ("runs", .object([
                ("selected", .integer(runs.selected)), ("already_delivered", .integer(runs.alreadyDelivered)),
                ("filtered", .integer(runs.filtered)), ("sampled_out", .integer(runs.sampledOut)),
                ("beyond_limit", .integer(runs.beyondLimit)),
            ])),
            ("spans", .object([
                ("built", .integer(spans.built)), ("accepted", .integer(spans.accepted)),
                ("rejected", .integer(spans.rejected)), ("unsent", .integer(spans.unsent)),
                ("not_exported", .integer(isSending ? 0 : spans.built)),
                ("already_delivered", .integer(spans.alreadyDelivered)), ("by_reason", .counts(spans.reasons)),
            ])),
            ("traffic", .object([
                ("requests", .integer(traffic.requests)), ("retries", .integer(traffic.retries)),
                ("bytes", .integer(traffic.bytes)), ("wire_bytes", .integer(traffic.wireBytes)),
                ("delivered_bytes", .integer(traffic.deliveredBytes)),
                ("collector_messages", .counts(traffic.warnings)),
            ])),
            ("bytes_read", .integer(report.bytesRead)),
            ("seconds", .number(report.duration / .seconds(1))),
            ("warnings", .counts(report.warnings)),
            ("problems", .array(report.inputProblems.map { .text($0) })),
            ("ended_early", report.endedEarly.map { .text($0) } ?? .null),
            ("nothing_to_do", .bool(report.hadNothingToDo)),
            ("first_traces", .array(report.firstTraces.map { trace in
                var fields: [(String, JSONValue)] = [
                    ("trace_id", .text(trace.traceID)), ("recorded_id", .text(trace.recordedID)),
                ]
                if let url = link?.url(traceID: trace.traceID, spanID: trace.runSpanID) { fields.append(("url", .text(url))) }
                return .object(fields)
            })),
        ]
        if let verifyProblem { object.append(("verify_problem", .text(verifyProblem))) }
        if let verified {
            object.append(("verify", .object([
                ("sent", .integer(verified.expected)), ("visible", .integer(verified.visible)),
                ("missing", .integer(verified.missing)),
                ("missing_spans", .array(verified.missingIDs.map {
                    .object([("trace_id", .text($0.traceID)), ("span_id", .text($0.spanID))])
                })),
            ])))
        }
        return JSONValue.object(object).text
    }
}
