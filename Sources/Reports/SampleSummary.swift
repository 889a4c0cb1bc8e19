public import Replay

/// The summary that the Python sample prints, byte for byte.
///
/// Control and format characters in trace ids are escaped, which the sample does not do: they could rewrite the terminal.
public struct SampleSummary: ReportWriter {
    private let output: ReportOutput
    private let failures: Spool
    private var hasFailures = false

    /// - Parameter path: `-` is standard output.
    public init(path: String = "-") throws(ReportError) {
        output = try ReportOutput(path: path)
        failures = Spool(for: path)
    }

    public func showsContent(of _: RunDetail.Kind) -> Bool { false }

    /// It lists failures alone.
    public var takesPlainPasses: Bool { true }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) {
        guard !detail.passed else { return }
        failures.buffer.append("  - ")
        failures.buffer.append(contentsOf: (detail.traceID.map { Visible.line($0) } ?? "None").utf8)
        failures.buffer.append(": ")
        failures.buffer.append(contentsOf: PythonText.list(detail.reasons).utf8)
        failures.buffer.append("\n")
        hasFailures = true
        try failures.spill()
    }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        let tally = report.tally
        try output.write(
            """
            Replay summary:
              Total:   \(tally.total)
              Passed:  \(tally.passed)
              Failed:  \(tally.failed)
              Tool misuse:  \(tally.toolMisuse)
              Budget overruns: \(tally.budgetOverruns)

            """)
        if hasFailures { try output.write("Failed traces:\n") }
        try failures.copy(into: output)
        try output.commit()
    }
}

/// Values as Python's `repr` writes them.
enum PythonText {
    static func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }

    /// Source: `unicode_repr` in CPython's Objects/unicodeobject.c.
    static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar = text.unicodeScalars.contains("'") && !text.unicodeScalars.contains("\"") ? "\"" : "'"
        var result = String(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    let (letter, count) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                    result += "\\" + letter + String(repeating: "0", count: count - digits.count) + digits
                }
            }
        }
        return result + String(quote)
    }

    /// As `str.isprintable` has it.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }
}
