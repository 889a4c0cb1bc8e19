internal import JSONText
internal import OTLP

/// What an answer means for the batch that it answers.
///
/// Source: OTLP specification, "OTLP/HTTP Response".
enum AnswerVerdict: Equatable {
    case accepted(rejected: Int, message: String)
    /// The request was too large: send it in parts.
    case tooLarge
    case retry(after: String?, problem: String)
    /// No use sending this batch again. `endsAll`: nor any other, until someone changes the configuration.
    case refused(reason: String, problem: String, endsAll: Bool)
    /// The receiver said yes, but not as an OTLP receiver would.
    case unreadable(problem: String, endsAll: Bool)

    init(_ answer: HTTPAnswer) {
        // Nearly every answer: nothing is made of its words before it is known that someone will read them.
        if 200..<300 ~= answer.status {
            self = Self.success(answer)
            return
        }
        let said = Self.words(of: answer)
        let problem = "HTTP \(answer.status)" + (said.isEmpty ? "" : ": \(said)")
        let reason = "http_\(answer.status)"
        switch answer.status {
        case 300..<400:
            let target = answer.location.isEmpty ? "" : " to \(printable(answer.location))"
            self = .refused(
                reason: reason, problem: "HTTP \(answer.status): redirected\(target); name the final URL as the endpoint",
                endsAll: true)
        case 413: self = .tooLarge
        case 429, 502, 503, 504: self = .retry(after: answer.retryAfter, problem: problem)
        case 401, 403, 407:
            self = .refused(reason: reason, problem: "\(problem); check the credentials in --header", endsAll: true)
        case 404, 405, 410:
            self = .refused(
                reason: reason, problem: "\(problem); is this an OTLP/HTTP receiver? its path usually is /v1/traces",
                endsAll: true)
        case 406, 415:
            self = .refused(
                reason: reason, problem: "\(problem); the receiver does not take this encoding or compression", endsAll: true)
        default: self = .refused(reason: reason, problem: problem, endsAll: false)
        }
    }

    private static func success(_ answer: HTTPAnswer) -> AnswerVerdict {
        if answer.body.isEmpty { return .accepted(rejected: 0, message: "") }
        if answer.contentType.hasPrefix("text/html") {
            return .unreadable(
                problem: "HTTP \(answer.status) with a web page; the endpoint is not an OTLP/HTTP receiver", endsAll: true)
        }
        if answer.contentType.hasPrefix("application/json") { return json(answer.body) }
        guard answer.contentType.contains("protobuf") else { return .accepted(rejected: 0, message: "") }
        guard let response = answer.body.withUnsafeBytes({ ExportResponse(protobuf: $0) }) else {
            return .unreadable(
                problem: "HTTP \(answer.status) with bytes that are no ExportTraceServiceResponse", endsAll: false)
        }
        return .accepted(rejected: response.rejectedSpans, message: response.message)
    }

    private static func json(_ body: [UInt8]) -> AnswerVerdict {
        body.withUnsafeBytes { text in
            var tape = JSONTape(maximumDepth: 64)
            do throws(JSONError) {
                try tape.parse(text)
            } catch {
                return body.isEmpty
                    ? .accepted(rejected: 0, message: "")
                    : .unreadable(problem: "HTTP 200 with a body that is not the JSON it claims to be", endsAll: false)
            }
            guard let partial = tape.value(of: "partialSuccess", in: 0, of: text) else {
                return .accepted(rejected: 0, message: "")
            }
            var rejected = 0
            if let count = tape.value(of: "rejectedSpans", in: partial, of: text) {
                // 64-bit integers are strings in OTLP's JSON, numbers in some receivers'.
                rejected = Int(String(decoding: text[tape[count].range], as: UTF8.self)) ?? 0
            }
            var message: [UInt8] = []
            if let words = tape.value(of: "errorMessage", in: partial, of: text) {
                JSONString.decode(.init(rebasing: text[tape[words].range]), into: &message)
            }
            return .accepted(rejected: rejected, message: String(decoding: message, as: UTF8.self))
        }
    }

    private static func words(of answer: HTTPAnswer) -> String {
        if answer.contentType.contains("protobuf"),
            let message = answer.body.withUnsafeBytes({ ExportResponse.errorMessage(protobuf: $0) })
        {
            return printable(message)
        }
        guard !answer.contentType.hasPrefix("text/html") else { return "a web page" }
        return printable(String(decoding: answer.body.prefix(400), as: UTF8.self))
    }
}

/// A text from outside as it can stand on one line of a log: control characters become spaces, and the rest is cut off.
func printable(_ text: String) -> String {
    let line = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    let words = line.split(separator: " ").joined(separator: " ")
    return words.count > 200 ? words.prefix(200) + "…" : words
}
