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

    private func query(of request: Exchange.Message) -> String? {
        guard let redactor, let query = request.pathAndQuery.query else { return nil }
        return QueryRedaction.redacted(query, redactor)
    }

    func run(_ exchange: Exchange, _ read: LiveRun, _ reason: LiveSampling.Reason) -> [Attribute] {
        let decision = exchange.decision
        var attributes = [Attribute("outrigger.answer.shape", .text(read.shape.rawValue))]
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

    func server(_ exchange: Exchange) -> [Attribute] {
        let request = exchange.request
        let method = request.conventionalMethod
        var attributes = [
            Attribute("http.request.method", .text(method)), Attribute("url.path", .text(request.pathAndQuery.path)),
            Attribute("url.scheme", .text(request.scheme)), Attribute("network.protocol.version", .text(request.httpVersion)),
            Attribute("outrigger.request.id", .text(exchange.requestID)),
            Attribute("http.request.body.size", .integer(Int64(request.bodyBytes))),
        ]
        if method == "_OTHER" { attributes.append(Attribute("http.request.method_original", .text(request.method))) }
        if !exchange.client.address.isEmpty {
            attributes.append(Attribute("client.address", .text(exchange.client.address)))
            attributes.append(Attribute("network.peer.address", .text(exchange.client.address)))
        }
        if let query = query(of: request) { attributes.append(Attribute("url.query", .text(query))) }
        let (host, port) = request.hostAndPort
        if !host.isEmpty { attributes.append(Attribute("server.address", .text(host))) }
        if !host.isEmpty, let port { attributes.append(Attribute("server.port", .integer(Int64(port)))) }
        if let agent = request.userAgent { attributes.append(Attribute("user_agent.original", .text(agent))) }
        if let response = exchange.response {
            attributes.append(Attribute("http.response.status_code", .integer(Int64(response.status))))
            attributes.append(Attribute("http.response.body.size", .integer(Int64(response.bodyBytes))))
        }
        return attributes
    }

    func client(_ exchange: Exchange) -> [Attribute] {
        let request = exchange.request
        let method = request.conventionalMethod
        var attributes = [Attribute("http.request.method", .text(method))]
        if method == "_OTHER" { attributes.append(Attribute("http.request.method_original", .text(request.method))) }
        if let upstream = exchange.upstream, let url = exchange.fullURL(query: query(of: request)) {
            attributes.append(Attribute("server.address", .text(upstream.address)))
            attributes.append(Attribute("server.port", .integer(Int64(upstream.port))))
            attributes.append(Attribute("url.full", .text(url)))
        }
        // Without a failure the answer is the agent's; with one it is the sidecar's own unless the agent's had begun.
        if let response = exchange.response, exchange.failure == nil || exchange.times.firstByte != nil {
            attributes.append(Attribute("http.response.status_code", .integer(Int64(response.status))))
        }
        if let first = exchange.times.firstByte, let sent = exchange.times.sent, first >= sent {
            attributes.append(Attribute("outrigger.http.time_to_first_byte_ms", .double(Double(first - sent) / 1e6)))
        }
        return attributes
    }
}

extension Exchange.Message {
    /// Whether some of the body was kept and some was not; bodies of types that say nothing are not kept at all.
    fileprivate var isCut: Bool { isTruncated && !body.isEmpty }
}

extension Exchange.Response {
    fileprivate var isCut: Bool { isTruncated && !body.isEmpty }
}
