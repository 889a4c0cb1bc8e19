internal import LiveRuns
internal import RunSpans

/// What the spans of an exchange say beside what the mapping says of every run.
///
/// Source: OpenTelemetry semantic conventions for HTTP spans; our own keys start with `outrigger.`.
struct LiveSpanAttributes {
    /// nil where content is not to be shown: queries and what agents say of their errors are content.
    let redactor: TextRedactor?

    /// Content where it may be shown, without its secrets.
    func shown(_ text: String) -> String { redactor?.redacted(text) ?? "" }

    func run(_ exchange: Exchange, _ read: LiveRun, _ reason: LiveSampling.Reason) -> [Attribute] {
        let decision = exchange.decision
        var attributes: [Attribute] = []
        attributes.reserveCapacity(12)
        attributes.append(Attribute("outrigger.answer.shape", .text(read.shape.rawValue)))
        if !decision.rolloutID.isEmpty {
            attributes.append(Attribute("outrigger.rollout.id", .text(decision.rolloutID)))
            attributes.append(Attribute("outrigger.rollout.revision", .integer(Int64(decision.revision))))
            attributes.append(Attribute("outrigger.rollout.weight", .double(decision.weight)))
        }
        if let stage = decision.stage { attributes.append(Attribute("outrigger.rollout.stage", .text(stage))) }
        if let bucket = decision.bucket { attributes.append(Attribute("outrigger.rollout.bucket", .double(bucket))) }
        if let fallback = decision.fallback { attributes.append(Attribute("outrigger.rollout.fallback", .text(fallback))) }
        if let model = read.answeringModel { attributes.append(Attribute("gen_ai.response.model", .text(model))) }
        if let problem = read.problem { attributes.append(Attribute("outrigger.answer.problem", .text(problem))) }
        if read.ignoresDurations { attributes.append(Attribute("outrigger.answer.durations_ignored", .bool(true))) }
        if exchange.request.isCut || exchange.response?.isCut ?? false {
            attributes.append(Attribute("outrigger.capture.truncated", .bool(true)))
        }
        if let divergence = exchange.divergence {
            attributes.append(Attribute("outrigger.shadow.divergence.index", .integer(Int64(divergence.index))))
            attributes.append(Attribute("outrigger.shadow.divergence.tool", .text(divergence.tool)))
            attributes.append(Attribute("outrigger.shadow.divergence.kind", .text(divergence.kind.rawValue)))
        }
        // What was kept without being sampled must not be counted as if it stood for others.
        if reason != .sampled { attributes.append(Attribute("outrigger.sampling.kept_for", .text(reason.rawValue))) }
        return attributes
    }

    /// Writes them one by one: a list of them would have to be made for each request.
    func writeServer<Writer: SpanWriter>(_ exchange: Exchange, _ line: RequestLine, to span: inout RunSpanMapper<Writer>) {
        span.attribute("http.request.method", line.conventionalMethod ?? exchange.request.method)
        span.attribute("url.path", line.path)
        span.attribute("url.scheme", exchange.request.scheme)
        span.attribute("network.protocol.version", exchange.request.httpVersion)
        span.attribute("outrigger.request.id", exchange.requestID)
        span.attribute("http.request.body.size", integer: Int64(exchange.request.bodyBytes))
        if line.conventionalMethod != nil { span.attribute("http.request.method_original", exchange.request.method) }
        if !exchange.client.address.isEmpty {
            span.attribute("client.address", exchange.client.address)
            span.attribute("network.peer.address", exchange.client.address)
        }
        if let query = line.query { span.attribute("url.query", query) }
        let (host, port) = exchange.request.hostAndPort
        if !host.isEmpty {
            span.attribute("server.address", host)
            if let port { span.attribute("server.port", integer: Int64(port)) }
        }
        if let agent = exchange.request.userAgent { span.attribute("user_agent.original", agent) }
        if let status = exchange.response?.status, let size = exchange.response?.bodyBytes {
            span.attribute("http.response.status_code", integer: Int64(status))
            span.attribute("http.response.body.size", integer: Int64(size))
        }
    }

    /// - Parameter times: the exchange's, in order.
    func writeClient<Writer: SpanWriter>(
        _ exchange: Exchange, _ times: Exchange.Times, _ line: RequestLine, to span: inout RunSpanMapper<Writer>
    ) {
        span.attribute("http.request.method", line.conventionalMethod ?? exchange.request.method)
        if line.conventionalMethod != nil { span.attribute("http.request.method_original", exchange.request.method) }
        if let upstream = exchange.upstream {
            span.attribute("server.address", upstream.address)
            span.attribute("server.port", integer: Int64(upstream.port))
            let url = exchange.fullURL(of: upstream, line)
            span.attribute("url.full", text: url.span)
        }
        // Without a failure the answer is the agent's; with one it is the sidecar's own unless the agent's had begun.
        if let status = exchange.response?.status, exchange.failure == nil || times.firstByte != nil {
            span.attribute("http.response.status_code", integer: Int64(status))
        }
        if let first = times.firstByte, let sent = times.sent, first >= sent {
            span.attribute("outrigger.http.time_to_first_byte_ms", double: Double(first - sent) / 1e6)
        }
    }
}

extension Exchange.Message {
    /// Whether some of the body was kept and some was not; bodies of types that say nothing are not kept at all.
    fileprivate var isCut: Bool { isTruncated && !body.isEmpty }
}

extension Exchange.Response {
    fileprivate var isCut: Bool { isTruncated && !body.isEmpty }
}
