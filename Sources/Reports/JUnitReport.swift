public import Replay

/// JUnit XML, as CI systems read it: a test case for each trace, and one for each of the gate's rules. The time of a trace is what
/// the candidate took; rules take none.
///
/// `Fixtures/schemas/junit.xsd` describes it. Every trace is there; memory does not grow with them.
public struct JUnitReport: ReportWriter {
    private let output: ReportOutput
    private let cases: Spool
    private let className: String
    private let link: TraceLink?
    private var counts = JUnitCounts()

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - candidateVersion: groups the test cases, so that CI shows versions beside each other.
    public init(path: String, candidateVersion: String, link: TraceLink? = nil) throws(ReportError) {
        output = try ReportOutput(path: path)
        cases = Spool(for: path)
        // Without dots no reader takes it for a package and a class.
        className = XMLText.escaped(candidateVersion.isEmpty ? "candidate" : candidateVersion)
        self.link = link
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kind == .failed }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) {
        counts.tests += 1
        let repetition = detail.repetition > 0 ? " #\(detail.repetition + 1)" : ""
        var text = "    <testcase classname=\"\(className)\" name=\"\(XMLText.escaped(Visible.cut(detail.title, 1000) + repetition))\""
        if let latency = detail.candidate.latency, latency >= 0, latency < 1e12 {
            counts.milliseconds += latency
            text += " time=\"\(Self.seconds(latency))\""
        }
        if let result = Self.result(detail, &counts) {
            let message = XMLText.escaped(result.message)
            text += ">\n      <\(result.element) message=\"\(message)\""
            if result.element != "skipped" { text += " type=\"\(XMLText.escaped(result.type))\"" }
            text += ">" + XMLText.content(DetailText.lines(detail, link: link)) + "</\(result.element)>\n    </testcase>\n"
        } else if let problem = detail.baseline.problem {
            let note = "baseline: " + Visible.line(problem, limit: 1000)
            text += ">\n      <system-out>\(XMLText.content(note))</system-out>\n    </testcase>\n"
        } else {
            text += "/>\n"
        }
        cases.buffer.append(contentsOf: text.utf8)
        try cases.spill()
    }

    private struct Result {
        var element: String
        var type: String
        var message: String
    }

    /// - Returns: nil for a trace that passed.
    private static func result(_ detail: borrowing RunDetail, _ counts: inout JUnitCounts) -> Result? {
        guard !detail.passed else { return nil }
        let reasons = Visible.line(detail.reasons.joined(separator: ", "), limit: 1000)
        let type = detail.reasons.first.map { Visible.line($0, limit: 200) } ?? "failed"
        guard let problem = detail.candidate.problem else {
            counts.failures += 1
            return Result(element: "failure", type: type, message: reasons)
        }
        let message = "\(reasons): \(Visible.line(problem, limit: 1000))"
        if type == "cancelled" {
            counts.skipped += 1
            return Result(element: "skipped", type: type, message: message)
        }
        counts.errors += 1
        return Result(element: "error", type: type, message: message)
    }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        let gate = report.gate.map(JUnitGate.init)
        var all = counts
        if let gate { all.add(gate.counts) }
        let time = Self.seconds(counts.milliseconds)
        try output.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        try output.write("<testsuites name=\"outrigger \(gate == nil ? "replay" : "gate")\"\(all.attributes) time=\"\(time)\">\n")
        try output.write("  <testsuite name=\"replay\"\(counts.attributes) time=\"\(time)\">\n")
        try output.write(Self.properties(report))
        try cases.copy(into: output)
        try output.write("  </testsuite>\n")
        if let gate { try output.write(gate.text) }
        try output.write("</testsuites>\n")
        try output.commit()
    }

    private static func properties(_ report: ReplayReport) -> String {
        let properties: [(String, String?)] = [
            ("replay.id", report.replayID), ("traces", report.traces),
            ("repetitions", report.repetitions > 1 ? "\(report.repetitions)" : nil),
            ("baseline.version", report.baseline.version), ("baseline.digest", report.baseline.digest),
            ("baseline.agent", report.baseline.agent),
            ("candidate.version", report.candidate.version), ("candidate.digest", report.candidate.digest),
            ("candidate.agent", report.candidate.agent),
            ("verdict", report.gate?.verdict.rawValue), ("partial", report.partial),
            ("duration", Numbers.seconds(report.duration)),
        ]
        var text = "    <properties>\n"
        for case (let name, let value?) in properties {
            text += "      <property name=\"\(name)\" value=\"\(XMLText.escaped(value))\"/>\n"
        }
        for note in report.notes + report.gaps + report.comparisonWords {
            text += "      <property name=\"note\" value=\"\(XMLText.escaped(Visible.cut(note, 4000)))\"/>\n"
        }
        return text + "    </properties>\n"
    }

    private static func seconds(_ milliseconds: Double) -> String {
        // XML's decimals have neither groups nor exponents.
        String(Numbers.fixed(min(milliseconds, 1e14) / 1000, 3).filter { $0 != "," })
    }
}

/// Test cases by what became of them.
struct JUnitCounts {
    var tests = 0
    var failures = 0
    var errors = 0
    var skipped = 0
    var milliseconds = 0.0

    mutating func add(_ other: JUnitCounts) {
        tests += other.tests
        failures += other.failures
        errors += other.errors
        skipped += other.skipped
    }

    var attributes: String {
        " tests=\"\(tests)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
    }
}

/// The gate as a test suite. A rule without an answer has failed, unless the user said that it may.
struct JUnitGate {
    private(set) var counts = JUnitCounts()
    private var cases = ""

    init(_ gate: GateReport) {
        var numbers: [String: Int] = [:]
        for finding in gate.findings {
            counts.tests += 1
            // A rule may say something of several checks, and readers tell cases apart by their names.
            let number = numbers[finding.rule, default: 0] + 1
            numbers[finding.rule] = number
            let name = Visible.cut(finding.rule, 1000) + (number > 1 ? " #\(number)" : "")
            let message = XMLText.escaped(Visible.cut(finding.message, 4000))
            cases += "    <testcase classname=\"gate\" name=\"\(XMLText.escaped(name))\""
            switch finding.verdict {
            case .pass: cases += "/>\n"
            case .inconclusive where gate.allowsInconclusive:
                counts.skipped += 1
                cases += ">\n      <skipped message=\"inconclusive, which is allowed: \(message)\"/>\n    </testcase>\n"
            case .fail, .inconclusive:
                counts.failures += 1
                let type = finding.verdict.rawValue
                cases += ">\n      <failure message=\"\(message)\" type=\"\(type)\"/>\n    </testcase>\n"
            }
        }
    }

    var text: String { "  <testsuite name=\"gate\"\(counts.attributes)>\n\(cases)  </testsuite>\n" }
}
