import AgentRuns
import Foundation
import LiveRuns
import LiveSpans
import OTLP
import RunSpans

/// An exchange, and in plain words what its spans must say that an exchange does not say by itself.
struct LiveCase {
    var name: String
    var exchange: Exchange
    var capture = RunMapping.Capture.none
    var reason = LiveSampling.Reason.sampled

    var shape = "unknown"
    var problem: String?
    var isTruncated = false
    var agentError: String?
    var outcome: String?
    var answeringModel: String?
    var path = "/chat"
    var queryShown: String?
    var requestShown: String?
    var host = "agents.example"
    var port: Int? = 8080
    var url = "http://10.0.0.7:9000/chat"
    var calls: [Call] = []
    var evaluations: [Evaluation] = []

    struct Call {
        var name: String
        var id: String?
        var success: Bool?
        var durationNanoseconds: Int?
    }

    struct Evaluation {
        var name: String
        var score: Double?
        var label: String
        var explanation: String?
    }

    init(_ name: String, _ exchange: Exchange, _ change: (inout LiveCase) -> Void = { _ in }) {
        self.name = name
        self.exchange = exchange
        change(&self)
    }

    /// What the mapping is told; the reference knows the same.
    private var mapping: RunMapping { RunMapping(mode: .live, agentName: "concierge", capture: capture) }

    private static let origin = Origin(resource: [("service.name", "test")], scopeName: "outrigger", scopeVersion: "1")

    /// The case with its OTLP requests, for the reference.
    func described(_ encoding: String) -> [String: Any] {
        let (spans, events) = encoding == "json"
            ? written(JSONSpanEncoder(Self.origin), JSONEventEncoder(Self.origin))
            : written(ProtobufSpanEncoder(Self.origin), ProtobufEventEncoder(Self.origin))
        let trace = exchange.trace
        let decision = exchange.decision
        return [
            "name": "\(name) (\(encoding))", "encoding": encoding, "spans": spans, "events": events,
            "trace_id": trace.traceID.hex, "server_id": trace.serverSpanID.hex, "run_id": trace.runSpanID.hex,
            "client_id": trace.clientSpanID.hex, "parent_id": orNull(trace.parentSpanID?.hex), "flags": Int(trace.flags),
            "trace_state": orNull(trace.traceState), "mode": exchange.mode.rawValue, "role": exchange.role.rawValue,
            "method": exchange.request.method, "path": path, "host": host, "port": orNull(port), "client": exchange.client.address,
            "user_agent": orNull(exchange.request.userAgent), "request_id": exchange.requestID, "query_shown": orNull(queryShown),
            "request_shown": orNull(requestShown), "status": orNull(exchange.response?.status), "failure": orNull(exchange.failure?.type),
            "agent_error": orNull(agentError), "outcome": orNull(outcome), "answering_model": orNull(answeringModel), "shape": shape,
            "problem": orNull(problem), "truncated": isTruncated, "kept_for": orNull(reason == .sampled ? nil : reason.rawValue),
            "times": [
                "received": exchange.times.received, "sent": orNull(exchange.times.sent), "first_byte": orNull(exchange.times.firstByte),
                "ended": exchange.times.ended,
            ] as [String: Any],
            "upstream": orNull(exchange.upstream.map { ["host": $0.address, "port": $0.port, "url": url] as [String: Any] }),
            "decision": [
                "flag": decision.flagKey, "rollout": decision.rolloutID, "revision": decision.revision, "weight": decision.weight,
                "stage": orNull(decision.stage), "bucket": orNull(decision.bucket), "fallback": orNull(decision.fallback),
                "reason": decision.reason.rawValue, "sticky": orNull(decision.stickyKey),
            ] as [String: Any],
            "link": orNull(
                exchange.served.map { ["trace_id": $0.traceID.hex, "span_id": $0.spanID.hex, "flags": Int($0.flags)] as [String: Any] }),
            "calls": calls.map {
                ["name": $0.name, "id": orNull($0.id), "success": orNull($0.success), "duration_ns": orNull($0.durationNanoseconds)]
                    as [String: Any]
            },
            "evaluations": evaluations.map { [$0.name, orNull($0.score), $0.label, orNull($0.explanation)] as [Any] },
        ]
    }

    private func orNull(_ value: Any?) -> Any { value ?? NSNull() }

    private func written<Spans: SpanEncoder, Events: EventEncoder>(_ encoder: Spans, _ events: Events) -> (String, String) {
        var writer = LiveSpanWriter(
            mapping, baseline: .init(version: "v1"), candidate: .init(version: "v2"), encoder: encoder, events: events)
        writer.write(exchange, because: reason)
        return (message(writer.takeSpans(), encoder.form), message(writer.takeEvents(), events.form))
    }

    private func message(_ batch: SpanBatch, _ form: MessageForm) -> String {
        guard !batch.isEmpty else { return "" }
        var bytes: [UInt8] = []
        form.wrap(batch[0..<batch.count], into: &bytes)
        return Data(bytes).base64EncodedString()
    }
}

extension Exchange {
    /// A canary's request that went well, of which the cases change what they are about.
    static func sample(
        _ mode: RunMode = .canary, _ role: RunRole = .baseline, answer: String = #"{"response":"ok"}"#, status: Int = 200,
        _ change: (inout Exchange) -> Void = { _ in }
    ) -> Exchange {
        var decision = Decision()
        decision.flagKey = "agent-rollout"
        decision.reason = .split
        decision.bucket = 12.34
        decision.stickyKey = "user-7"
        decision.rolloutID = "r-2026"
        decision.revision = 9
        decision.stage = "2/4"
        decision.weight = 12.5
        var exchange = Exchange(
            requestID: "req-1", role: role, mode: mode, decision: decision,
            trace: TraceContext(
                traceID: TraceID(high: 0x4BF9_2F35_77B3_4DA6, low: 0xA3CE_929D_0E0E_4736), flags: 3, traceState: "ot=rv:f814777cc164c4",
                serverSpanID: SpanID(0x11), clientSpanID: SpanID(0x22), runSpanID: SpanID(0x33), isSampled: true),
            request: Message(
                method: "POST", target: "/chat", authority: "agents.example:8080", contentType: "application/json", userAgent: "test/1",
                body: [Array(#"{"request":"hello"}"#.utf8)], bodyBytes: 19),
            client: Endpoint(address: "192.0.2.1", port: 5555),
            times: Times(
                received: 1_700_000_000_000_000_000, sent: 1_700_000_000_001_000_000, firstByte: 1_700_000_000_050_000_000,
                ended: 1_700_000_000_100_000_001))
        exchange.upstream = Endpoint(address: "10.0.0.7", port: 9000)
        exchange.response = Response(
            status: status, contentType: "application/json", body: [Array(answer.utf8)], bodyBytes: answer.utf8.count)
        if mode == .shadow {
            exchange.served = SpanLink(
                traceID: TraceID(high: 7, low: 8), spanID: SpanID(9), flags: 0x103, type: RunRole.baseline.rawValue)
        }
        change(&exchange)
        return exchange
    }
}
