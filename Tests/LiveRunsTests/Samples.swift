import AgentRuns
import LiveRuns

extension Exchange {
    /// A request with an answer, of which the tests change what they are about.
    static func sample(
        request: String = "{}", answer: [UInt8], type: String? = "application/json", encoding: String? = nil, status: Int = 200,
        isTruncated: Bool = false, isComplete: Bool = true
    ) -> Exchange {
        var exchange = Exchange(
            requestID: "req-1", role: .baseline, mode: .live, decision: Decision(),
            trace: TraceContext(
                traceID: TraceID(high: 1, low: 2), flags: 3, serverSpanID: SpanID(3), clientSpanID: SpanID(4), runSpanID: SpanID(5),
                isSampled: true),
            request: Message(method: "POST", target: "/", contentType: "application/json", body: [Array(request.utf8)]),
            client: Endpoint(address: "127.0.0.1", port: 1),
            times: Times(received: 1_000_000_000, sent: 1_001_000_000, firstByte: 1_002_000_000, ended: 1_251_000_000))
        exchange.response = Response(
            status: status, contentType: type, contentEncoding: encoding, body: [answer], bodyBytes: answer.count,
            isTruncated: isTruncated, isComplete: isComplete)
        return exchange
    }

    static func sample(request: String = "{}", answer: String, type: String? = "application/json", status: Int = 200) -> Exchange {
        sample(request: request, answer: Array(answer.utf8), type: type, status: status)
    }

    static func stream(_ text: String) -> Exchange { sample(answer: Array(text.utf8), type: "text/event-stream; charset=utf-8") }
}

/// A run as text that can be compared.
struct PlainRun: Equatable {
    struct Call: Equatable {
        var name: String?
        var id: String?
        var arguments: String?
        var success: Bool?
        var result: String?
        var error: String?
        var duration: Double?

        init(
            _ name: String?, id: String? = nil, _ arguments: String? = nil, success: Bool? = nil, result: String? = nil,
            error: String? = nil, duration: Double? = nil
        ) {
            self.name = name
            self.id = id
            self.arguments = arguments
            self.success = success
            self.result = result
            self.error = error
            self.duration = duration
        }
    }

    var shape: LiveRun.Shape
    var response: String?
    var outcome: String?
    var calls: [Call]
    var tokens: [Double?]
    var model: String?
    var answeringModel: String?
    var problem: String?
    var failure: String?

    init(_ exchange: Exchange) { self.init(LiveRun(exchange)) }

    init(_ live: LiveRun) {
        let run = live.run
        func text(_ content: Content?) -> String? { content.map { "\($0.form == .json ? "json" : "text") \(run.string($0.text))" } }
        shape = live.shape
        response = text(run.response)
        outcome = run.outcome.map { run.string($0) }
        calls = run.toolCalls.map { call in
            Call(
                call.name.map { run.string($0) }, id: call.id.map { run.string($0) }, text(call.arguments), success: call.result?.success,
                result: text(call.result?.content), error: text(call.result?.error), duration: call.result?.duration?.double)
        }
        tokens = [run.costTokens?.double, run.inputTokens.map(Double.init), run.outputTokens.map(Double.init)]
        model = run.model.map { run.string($0) }
        answeringModel = live.answeringModel
        problem = live.problem
        failure = live.failure.map { "\($0.type): \($0.message)" }
    }
}
