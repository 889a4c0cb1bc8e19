public import Replay

/// Annotations for a GitHub Actions workflow, and the summary of its step.
public struct GitHubReport: ReportWriter {
    /// GitHub shows no more of each kind for a step.
    static let maximumAnnotations = 10
    /// GitHub refuses a larger summary for a step.
    static let maximumSummary = 1 << 20

    private let annotations: ReportOutput
    private let summary: ReportOutput?
    private let link: TraceLink?
    private var kept: KeptDetails

    /// - Parameters:
    ///   - annotations: `-` is standard output, where GitHub reads them.
    ///   - summaryPath: the file that `GITHUB_STEP_SUMMARY` names; what it holds already stays. nil for no summary.
    public init(annotations: String = "-", summaryPath: String?, link: TraceLink? = nil) throws(ReportError) {
        self.annotations = try ReportOutput(path: annotations)
        if let summaryPath { summary = try ReportOutput(appendingTo: summaryPath) } else { summary = nil }
        self.link = link
        kept = KeptDetails()
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kept.keeps(kind) }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) { kept.add(detail) }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        let (errors, warnings) = annotations(report)
        for (level, list) in [("error", errors), ("warning", warnings)] {
            for (i, annotation) in list.prefix(Self.maximumAnnotations).enumerated() {
                let more = list.count - Self.maximumAnnotations
                let isLast = i == Self.maximumAnnotations - 1 && more > 0
                try annotations.write(annotation.command(level, more: isLast ? more : 0))
            }
        }
        try annotations.commit()
        if let summary {
            let room = min(Self.maximumSummary - summary.size - 1, 1_000_000)
            if room > 2000 { try summary.write("\n" + MarkdownPage(limit: room, link: link).text(report, kept)) }
            try summary.commit()
        }
    }

    private func annotations(_ report: ReplayReport) -> (errors: [GitHubAnnotation], warnings: [GitHubAnnotation]) {
        var errors: [GitHubAnnotation] = []
        var warnings: [GitHubAnnotation] = []
        if let gate = report.gate {
            for finding in gate.findings where finding.verdict != .pass {
                let annotation = GitHubAnnotation(title: "Outrigger gate: \(finding.rule)", message: finding.message)
                if finding.verdict == .inconclusive, gate.verdict == .fail || gate.allowsInconclusive {
                    warnings.append(annotation)
                } else {
                    errors.append(annotation)
                }
            }
        }
        // Where a gate has the say, what failed is an error only if the gate fails.
        // Of most failures no more than their number is kept.
        let unnamed = GitHubAnnotation(title: "Outrigger: more \(report.unit)s failed", message: "The JSON report has all of them.")
        let traces = kept.failures.map { trace($0, report) } + Array(repeating: unnamed, count: kept.omittedFailures)
        if report.gate.map({ $0.verdict == .fail }) ?? true { errors += traces } else { warnings = traces + warnings }
        warnings = (report.gaps + report.notes).map { GitHubAnnotation(title: "Outrigger", message: $0) } + warnings
        return (errors, warnings)
    }

    private func trace(_ detail: RunDetail, _ report: ReplayReport) -> GitHubAnnotation {
        let repetition = detail.repetition > 0 ? ", repetition \(detail.repetition + 1)," : ""
        var annotation = GitHubAnnotation(
            title: "Trace \(detail.title)\(repetition) failed: \(detail.reasons.joined(separator: ", "))",
            message: DetailText.lines(detail, link: link))
        // A path inside the repository shows the annotation at its line.
        if report.traces != "-", !report.traces.hasPrefix("/"), !report.traces.split(separator: "/").contains("..") {
            annotation.place = (report.traces, detail.line)
        }
        return annotation
    }
}

/// One workflow command.
///
/// Source: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
struct GitHubAnnotation {
    var title: String
    var message: String
    var place: (file: String, line: Int)?

    /// - Parameter more: how many annotations there would be after this one.
    func command(_ level: String, more: Int) -> String {
        var properties = "title=" + Self.property(Visible.line(title, limit: 200))
        if let place { properties = "file=\(Self.property(Visible.line(place.file))),line=\(place.line)," + properties }
        var text = Visible.lines(message, limit: 2000)
        if more > 0 { text += "\n… and \(Numbers.count(more)) more like this" }
        return "::\(level) \(properties)::\(Self.data(text))\n"
    }

    static func data(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": result += "%25"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func property(_ text: String) -> String {
        var result = ""
        for scalar in data(text).unicodeScalars {
            switch scalar {
            case ":": result += "%3A"
            case ",": result += "%2C"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
