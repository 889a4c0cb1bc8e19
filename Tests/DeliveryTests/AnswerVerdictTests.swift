import Testing

@testable import Delivery

@Suite struct AnswerVerdictTests {
    static func answer(_ status: Int, _ contentType: String = "", _ body: String = "") -> HTTPAnswer {
        HTTPAnswer(status: status, contentType: contentType, body: Array(body.utf8))
    }

    static let all = AnswerVerdict.accepted(rejected: 0, message: "")

    struct Success: Sendable, CustomTestStringConvertible {
        var name: String
        var answer: HTTPAnswer
        var verdict: AnswerVerdict
        var testDescription: String { name }

        init(_ name: String, _ contentType: String, _ body: [UInt8], _ verdict: AnswerVerdict) {
            self.name = name
            answer = HTTPAnswer(status: 200, contentType: contentType, body: body)
            self.verdict = verdict
        }

        init(_ name: String, _ contentType: String, _ body: String, _ verdict: AnswerVerdict) {
            self.init(name, contentType, Array(body.utf8), verdict)
        }
    }

    static let successes = [
        Success("empty protobuf", "application/x-protobuf", "", all),
        Success("empty, no type", "", "", all),
        Success("empty JSON", "application/json", "", all),
        Success("empty object", "application/json", "{}", all),
        Success("JSON with a charset", "application/json; charset=utf-8", #"{"partialSuccess":{}}"#, all),
        Success("null partial success", "application/json", #"{"partialSuccess":null}"#, all),
        Success("unknown JSON fields", "application/json", #"{"status":"ok","n":[1]}"#, all),
        Success("plain words", "text/plain", "ok", all),
        Success("protobuf with an empty partial success", "application/x-protobuf", [0x0A, 0x00], all),
        Success(
            "protobuf partial success", "application/x-protobuf", ExportAnswer.partial(rejected: 300, "too old"),
            .accepted(rejected: 300, message: "too old")),
        Success(
            "protobuf warning", "application/x-protobuf", ExportAnswer.partial(rejected: 0, "slow down"),
            .accepted(rejected: 0, message: "slow down")),
        Success(
            "JSON partial success with a string", "application/json",
            #"{"partialSuccess":{"rejectedSpans":"12","errorMessage":"over \"quota\"\n"}}"#,
            .accepted(rejected: 12, message: "over \"quota\"\n")),
        Success(
            "JSON partial success with a number", "application/json", #"{"partialSuccess":{"rejectedSpans":12}}"#,
            .accepted(rejected: 12, message: "")),
        Success(
            "JSON warning", "application/json", #"{"partialSuccess":{"errorMessage":"größe"}}"#,
            .accepted(rejected: 0, message: "größe")),
    ]

    @Test(arguments: successes)
    func aGoodAnswerIsAccepted(_ success: Success) {
        for status in [200, 202] {
            var answer = success.answer
            answer.status = status
            #expect(AnswerVerdict(answer) == success.verdict)
        }
    }

    @Test(
        arguments: [
            ("text/html; charset=utf-8", "<html>Sign in</html>", true, "web page"),
            ("application/x-protobuf", "<html>Sign in</html>", false, "no ExportTraceServiceResponse"),
            ("application/x-protobuf", "\u{FF}\u{FF}\u{FF}", false, "no ExportTraceServiceResponse"),
            // Valid protobuf of another kind: field 2, a string.
            ("application/x-protobuf", "\u{12}\u{02}hi", false, "no ExportTraceServiceResponse"),
            ("application/json", "{\"partialSuccess\":", false, "not the JSON"),
            ("application/json", "all is well", false, "not the JSON"),
        ])
    func aYesThatNoReceiverWouldSayIsUnreadable(_ type: String, _ body: String, _ endsAll: Bool, _ words: String) {
        guard case .unreadable(let problem, let ends) = AnswerVerdict(Self.answer(200, type, body)) else {
            Issue.record("read as a good answer: \(body)")
            return
        }
        #expect(ends == endsAll)
        #expect(problem.contains(words))
    }

    @Test(arguments: [429, 502, 503, 504])
    func overloadIsTriedAgain(status: Int) {
        var answer = Self.answer(status, "text/plain", "later\nplease")
        #expect(AnswerVerdict(answer) == .retry(after: nil, problem: "HTTP \(status): later please"))
        answer.retryAfter = "7"
        #expect(AnswerVerdict(answer) == .retry(after: "7", problem: "HTTP \(status): later please"))
    }

    @Test func tooLargeAsksForParts() {
        #expect(AnswerVerdict(Self.answer(413)) == .tooLarge)
    }

    /// Any 4xx or 5xx that is not for a retry is final; some of them concern every batch to come.
    @Test(
        arguments: [
            (400, false, "HTTP 400"), (401, true, "--header"), (403, true, "--header"), (404, true, "/v1/traces"),
            (405, true, "/v1/traces"), (406, true, "encoding"), (408, false, "HTTP 408"), (415, true, "encoding or compression"),
            (422, false, "HTTP 422"), (500, false, "HTTP 500"), (501, false, "HTTP 501"), (505, false, "HTTP 505"),
        ])
    func refusalsAreFinal(_ status: Int, _ endsAll: Bool, _ words: String) {
        guard case .refused(let reason, let problem, let ends) = AnswerVerdict(Self.answer(status)) else {
            Issue.record("\(status) is not refused")
            return
        }
        #expect(reason == "http_\(status)")
        #expect(ends == endsAll)
        #expect(problem.contains(words))
    }

    @Test(arguments: [301, 302, 307, 308])
    func redirectsAreNotFollowedAndNameTheirTarget(status: Int) {
        var answer = Self.answer(status)
        answer.location = "https://example.org/v1/traces\n"
        guard case .refused(let reason, let problem, endsAll: true) = AnswerVerdict(answer) else {
            Issue.record("\(status) is not refused for good")
            return
        }
        #expect(reason == "http_\(status)")
        #expect(problem.contains("redirected to https://example.org/v1/traces;"))
    }

    @Test func aStatusMessageIsReadFromProtobuf() {
        // google.rpc.Status: code 3, message "bad span".
        let answer = HTTPAnswer(
            status: 400, contentType: "application/x-protobuf", body: [0x08, 0x03, 0x12, 0x08] + Array("bad span".utf8))
        #expect(AnswerVerdict(answer) == .refused(reason: "http_400", problem: "HTTP 400: bad span", endsAll: false))
    }

    @Test func aWebPageIsNotRepeated() {
        let answer = Self.answer(502, "text/html", "<html><body>Bad gateway</body></html>")
        #expect(AnswerVerdict(answer) == .retry(after: nil, problem: "HTTP 502: a web page"))
    }

    @Test func bytesThatAreNoTextDoNoHarm() {
        let answer = HTTPAnswer(status: 400, contentType: "application/x-protobuf", body: [0xFF, 0x00, 0x1B, 0x41])
        guard case .refused(_, let problem, _) = AnswerVerdict(answer) else {
            Issue.record("400 is not refused")
            return
        }
        #expect(problem.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    }
}
