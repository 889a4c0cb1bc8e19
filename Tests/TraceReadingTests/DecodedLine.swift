import AgentRuns
import TraceReading

/// One line that was read, with easy access to its texts.
struct DecodedLine {
    var run = AgentRun()
    var oddities: LineOddities = []

    init(_ line: String) throws(RejectedLine) { try self.init(Array(line.utf8)) }

    init(_ line: [UInt8]) throws(RejectedLine) {
        var decoder = RunDecoder()
        try self.init(line, &decoder)
    }

    init(_ line: [UInt8], _ decoder: inout RunDecoder) throws(RejectedLine) {
        var rejection: RejectedLine?
        line.withUnsafeBytes { bytes in
            do throws(RejectedLine) {
                oddities = try decoder.decode(bytes, into: &run)
            } catch {
                rejection = error
            }
        }
        if let rejection { throw rejection }
    }

    func text(_ text: Text?) -> String? { text.map(run.string) }

    /// The form and the text, as `string hello` or `json [1]`.
    func content(_ content: Content?) -> String? { content.map { "\($0.form) \(run.string($0.text))" } }
}
