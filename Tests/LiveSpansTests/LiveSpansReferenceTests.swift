import AgentRuns
import Foundation
import LiveRuns
import LiveSpans
import RunSpans
import Testing

private let twoCalls = #"""
    {"response":{"a":1},"outcome":"success","tool_calls":[
    {"name":"find","id":"c1","args":{"q":1},"result":"r","duration_ms":20},{"name":"book","error":"full"},{"name":"late"}]}
    """#

/// Spans and events of exchanges of all kinds, decoded and checked by Tests/Support/check_live_spans.py, which states the
/// rules a second time and knows nothing of ours.
@Suite("Spans of live requests against a reference")
struct LiveSpansReferenceTests {
    private let calls = [
        LiveCase.Call(name: "find", id: "c1", success: true, durationNanoseconds: 20_000_000), .init(name: "book", success: false),
        .init(name: "late"),
    ]

    /// Requests that an arm answered.
    private var answered: [LiveCase] {
        [
            LiveCase("baseline of a canary", .sample(answer: twoCalls)) {
                $0.shape = "agent"
                $0.outcome = "success"
                $0.calls = calls
            },
            LiveCase("candidate of a canary", .sample(.canary, .candidate)) { $0.shape = "agent" },
            LiveCase("live", .sample(.live)) { $0.shape = "agent" },
            LiveCase("live candidate", .sample(.live, .candidate)) { $0.shape = "agent" },
            LiveCase(
                "inbound context, unsampled, kept for its role",
                .sample(.canary, .candidate) {
                    $0.trace.parentSpanID = SpanID(0x44)
                    $0.trace.parentIsSampled = false
                    $0.trace.flags = 2
                    $0.trace.isSampled = false
                    $0.trace.traceState = "vendor=x,ot=th:c"
                }
            ) {
                $0.reason = .candidate
                $0.shape = "agent"
            },
            LiveCase(
                "no trace state, no rollout, no body",
                .sample(.live) {
                    $0.trace.traceState = nil
                    $0.decision.stage = nil
                    $0.decision.bucket = nil
                    $0.decision.stickyKey = nil
                    $0.decision.reason = .static
                    $0.request.body = []
                    $0.request.userAgent = nil
                    $0.request.method = "GET"
                    $0.response?.body = []
                }),
            LiveCase("an agent that says that it failed", .sample(answer: #"{"error":"secret words"}"#)) {
                $0.shape = "agent"
                $0.agentError = "agent_error"
            },
            LiveCase(
                "a chat with content shown",
                .sample(
                    answer: #"{"model":"m2","choices":[{"message":{"content":null,"tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}}]}}]}"#
                ) {
                    $0.request.body = [Array(#"{"messages":[{"role":"user","content":"hi"}],"model":"m1"}"#.utf8)]
                    $0.request.target = "/chat?q=hi&api_key=s3cret&pass%77ord=x&mail=a%40b.example&flag"
                }
            ) {
                $0.capture = .full
                $0.shape = "chat"
                $0.answeringModel = "m2"
                $0.requestShown = #"[{"role":"user","content":"hi"}]"#
                $0.queryShown = "q=hi&api_key=REDACTED&pass%77ord=REDACTED&mail=REDACTED&flag"
                $0.url = "http://10.0.0.7:9000/chat?q=hi&api_key=REDACTED&pass%77ord=REDACTED&mail=REDACTED&flag"
                $0.calls = [.init(name: "f", id: "x")]
            },
            LiveCase("a query that is not shown", .sample { $0.request.target = "/chat?q=hi" }) { $0.shape = "agent" },
            LiveCase(
                "what was kept is cut",
                .sample {
                    $0.response?.isTruncated = true
                    $0.response?.bodyBytes = 1 << 30
                }
            ) {
                $0.isTruncated = true
                $0.problem = "the answer is longer than what is kept of it, and is not read"
            },
            LiveCase(
                "an unknown method, a whole URL, an IPv6 host, an upstream with a path",
                .sample {
                    $0.request.method = "BREW"
                    $0.request.target = "http://agents.example/a/b?c"
                    $0.request.authority = "[2001:db8::1]:99"
                    $0.upstream = .init(address: "2001:db8::2", port: 443)
                    $0.upstreamBase = "https://[2001:db8::2]/v1"
                }
            ) {
                $0.path = "/a/b"
                $0.host = "2001:db8::1"
                $0.port = 99
                $0.url = "https://[2001:db8::2]/v1/a/b"
                $0.shape = "agent"
            },
            LiveCase("tools that took longer than the run", .sample(answer: #"{"response":1,"tool_calls":[{"name":"a","result":1,"duration_ms":5000}]}"#)) {
                $0.shape = "agent"
                $0.calls = [.init(name: "a", success: true)]
            },
            LiveCase("many calls", .sample(answer: #"{"response":1,"tool_calls":[\#((0..<40).map { "\"t\($0)\"" }.joined(separator: ","))]}"#)) {
                $0.shape = "agent"
                $0.calls = (0..<40).map { .init(name: "t\($0)") }
            },
        ]
    }

    /// Requests that went wrong somewhere.
    private var failed: [LiveCase] {
        let statuses = [400, 404, 429, 499, 500, 503, 599].map { status in
            LiveCase("the agent answers \(status)", .sample(answer: #"{"error":"no"}"#, status: status))
        }
        return statuses + [
            LiveCase(
                "the candidate cannot be reached, and the baseline answers",
                .sample(.canary, .baseline) { $0.decision.fallback = "connect_failed" }
            ) { $0.shape = "agent" },
            LiveCase("nobody can be reached", .sample { Self.refuse(&$0, 502, "connect_failed") }),
            LiveCase("shed", .sample { Self.refuse(&$0, 503, "overloaded") }),
            LiveCase(
                "refused before an arm was chosen",
                .sample {
                    Self.refuse(&$0, 400, "bad_request")
                    $0.upstream = nil
                    $0.decision = .init()
                }),
            LiveCase(
                "refused while it was sent",
                .sample {
                    Self.refuse(&$0, 413, "body_too_large")
                    $0.times.sent = $0.times.received + 5
                }),
            LiveCase(
                "cut off in the middle",
                .sample(answer: #"{"respo"#) {
                    $0.failure = .init(type: "reset", message: "the connection ended in the middle of the answer")
                    $0.response?.isComplete = false
                }
            ) { $0.problem = "the answer is cut off, and is not read" },
            LiveCase(
                "the client left, kept for it",
                .sample {
                    $0.failure = .init(type: "client_gone", message: "")
                    $0.response = nil
                    $0.times.firstByte = nil
                    $0.trace.flags = 2
                    $0.trace.isSampled = false
                }
            ) { $0.reason = .error },
            LiveCase("a decision that failed", .sample { $0.decision.reason = .error }) { $0.shape = "agent" },
        ]
    }

    /// The sidecar answers itself: nothing was sent.
    private static func refuse(_ exchange: inout Exchange, _ status: Int, _ type: String) {
        exchange.failure = .init(type: type, message: "for people")
        exchange.response = .init(status: status)
        exchange.times.sent = nil
        exchange.times.firstByte = nil
    }

    /// Copies, compared with what the user saw.
    private var shadows: [LiveCase] {
        func served(_ body: String = #"{"response":"ok"}"#, status: Int = 200, latency: UInt64 = 198_000_002) -> Exchange.ServedAnswer {
            .init(status: status, contentType: "application/json", body: [Array(body.utf8)], latency: latency)
        }
        let pass = [
            LiveCase.Evaluation(name: "status_match", score: 1, label: "pass", explanation: "200, 200"),
            .init(name: "latency_ratio", score: 0.5, label: "faster"), .init(name: "tool_calls_match", score: 1, label: "pass"),
        ]
        return [
            LiveCase("a shadow that does the same", .sample(.shadow, .candidate) { $0.pairedWith = served() }) {
                $0.shape = "agent"
                $0.evaluations = pass + [.init(name: "response_match", score: 1, label: "pass")]
            },
            LiveCase(
                "a shadow that does otherwise",
                .sample(.shadow, .candidate, answer: twoCalls) {
                    $0.pairedWith = served(#"{"response":{"a":2},"outcome":"failure","tool_calls":["late","find"]}"#, latency: 49_500_000)
                    $0.times.ended = $0.times.begun + 99_000_000
                }
            ) {
                $0.shape = "agent"
                $0.outcome = "success"
                $0.calls = calls
                $0.evaluations = [
                    pass[0], .init(name: "latency_ratio", score: 2, label: "slower"),
                    .init(name: "tool_calls_match", score: 0, label: "fail", explanation: "extra, wrong_arguments"),
                    .init(name: "outcome_match", score: 0, label: "fail"), .init(name: "response_match", score: 0, label: "fail"),
                ]
            },
            LiveCase(
                "the same response in another order",
                .sample(.shadow, .candidate, answer: #"{"response":{"b":1.0, "a":[ ]},"outcome":null}"#) {
                    $0.pairedWith = served(#"{"response":{"a":[],"b":1},"outcome":null}"#)
                }
            ) {
                $0.shape = "agent"
                $0.evaluations = pass + [
                    .init(name: "outcome_match", score: 1, label: "pass"), .init(name: "response_match", score: 1, label: "pass"),
                ]
            },
            LiveCase("no response where there was one", .sample(.shadow, .candidate, answer: #"{"response":null}"#) { $0.pairedWith = served() }) {
                $0.shape = "agent"
                $0.evaluations = pass + [.init(name: "response_match", score: 0, label: "fail")]
            },
            LiveCase(
                "a shadow that ran out of time",
                .sample(.shadow, .candidate) {
                    $0.pairedWith = served()
                    $0.response = nil
                    $0.times.firstByte = nil
                    $0.failure = .init(type: "timeout", message: "")
                }
            ) { $0.evaluations = [.init(name: "status_match", score: 0, label: "fail", explanation: "200, timeout")] },
            LiveCase(
                "a candidate that cannot be reached",
                .sample(.shadow, .candidate) {
                    $0.pairedWith = served(status: 404)
                    $0.response = nil
                    $0.times.firstByte = nil
                    $0.times.sent = nil
                    $0.failure = .init(type: "connect_failed", message: "")
                }
            ) { $0.evaluations = [.init(name: "status_match", score: 0, label: "fail", explanation: "404, connect_failed")] },
            LiveCase(
                "a shadow that never left",
                .sample(.shadow, .candidate) {
                    $0.pairedWith = served()
                    $0.response = nil
                    $0.times.firstByte = nil
                    $0.times.sent = nil
                    $0.failure = .init(type: "timeout", message: "")
                }),
            LiveCase("a served answer that is not known", .sample(.shadow, .candidate)) { $0.shape = "agent" },
            LiveCase("a served answer that cannot be read", .sample(.shadow, .candidate) { $0.pairedWith = served("<html>") }) {
                $0.shape = "agent"
                $0.evaluations = Array(pass.prefix(2))
            },
        ]
    }

    @Test("Protobuf and JSON, all cases", .timeLimit(.minutes(10)))
    func reference() throws {
        let cases = (answered + failed + shadows).flatMap { [$0.described("protobuf"), $0.described("json")] }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("live-spans-\(UUID().uuidString).json")
        try JSONSerialization.data(withJSONObject: cases).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/Support/check_live_spans.py").path, file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.hasSuffix("\(cases.count) cases checked, 0 differences\n"))
    }
}
