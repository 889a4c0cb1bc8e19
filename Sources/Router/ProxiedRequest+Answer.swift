internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1

/// What the arm answers, and how the request ends.
extension ProxiedRequest: UpstreamOwner {
    /// Source: RFC 9110, section 15.2: it is passed on, though not to a client of HTTP/1.0, which knows none.
    func upstreamSentInterim(_ head: HTTPResponseHead) {
        guard self.head.isHTTP11, !answerHasBegun else { return }
        let answer = AnswerHead(head)
        if let failure = answer.failure {
            connection?.abort()
            return upstreamFailed(failure)
        }
        client.send(answer, isChunked: false)
    }

    func upstreamSent(_ head: HTTPResponseHead) {
        var answer = AnswerHead(head)
        if let failure = answer.failure {
            connection?.abort()
            return upstreamFailed(failure)
        }
        answerHasBegun = true
        log.answered(answer)
        let isHTTP11 = self.head.isHTTP11
        var isChunked = false
        if answer.status == .noContent {
            // Source: RFC 9110, section 8.6: no length where there can be no content.
        } else if let length = answer.contentLength {
            answer.add("content-length", length)
        } else if mayHaveBody(answer.status) {
            answerIsDelimited = isHTTP11
            isChunked = isHTTP11
            if isChunked { answer.add("transfer-encoding", "chunked") }
        }
        if settings.tellsRole {
            answer.add("x-outrigger-role", log.role.rawValue)
            if !answer.hasRequestID { answer.add("x-request-id", log.requestID) }
        }
        saysClose = !keepsClient
        if saysClose {
            answer.add("connection", "close")
        } else if !isHTTP11 {
            answer.add("connection", "keep-alive")
        }
        client.send(answer, isChunked: isChunked)
        setDeadline(.moreAnswer, settings.timeouts.responseBody)
    }

    private func mayHaveBody(_ status: HTTPResponseStatus) -> Bool {
        if case .HEAD = head.method { return false }
        return status.mayHaveResponseBody
    }

    func upstreamSent(_ body: ByteBuffer) {
        log.response.take(body)
        client.send(body)
    }

    func upstreamPaused() {
        client.flushSoon()
        guard case .relaying = phase else { return }
        if client.isWritable {
            if answerHasBegun { setDeadline(.moreAnswer, settings.timeouts.responseBody) }
            connection?.read()
        } else {
            setDeadline(.client, settings.timeouts.write)
        }
    }

    func upstreamBecameWritable() { client.readIfWanted() }

    func upstreamEnded(_ trailers: HTTPHeaders?) {
        client.end(trailers.map { HTTPHeaders(ForwardedHeaders.ofAnswer($0)) })
        leave((502...504).contains(log.status) ? .failed : .succeeded)
        connection = nil
        finish(keepsClient && !saysClose ? .keep : hasEnded ? .close : .linger)
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        connection = nil
        if !answerHasBegun, failure.wasReused, !hasRetried, bodyBytes == 0, hasEnded, head.method.isIdempotent {
            // The connection may just have grown too old; asking again does no harm.
            hasRetried = true
            phase = .connecting
            return connect(fresh: true)
        }
        leave(.failed)
        if answerHasBegun {
            end(.init(failure.kind.rawValue), failure.message, .abort)
        } else {
            refuse(.upstream(failure))
        }
    }

    /// Whether the client's connection can serve another request after this one.
    private var keepsClient: Bool { hasEnded && answerIsDelimited && head.head.isKeepAlive && !loop.isDraining }

    // MARK: ending

    func refuse(_ refusal: Refusal) {
        if case .done = phase { return }
        log.failure = (refusal.type, refusal.cause ?? refusal.detail)
        log.refused(refusal.status)
        loop.counts.refused(refusal)
        let answer = refusal.answer(requestID: log.requestID, role: settings.tellsRole && log.arm != nil ? log.role : nil)
        client.send(answer.head)
        if head.method != .HEAD { client.send(answer.body) }
        client.end(nil)
        leave(.unknown)
        abortUpstream()
        finish(hasEnded ? .close : .linger)
    }

    /// Ends a request whose answer cannot be completed.
    func end(_ type: FailureType, _ message: String, _ afterwards: ClientConnection.Afterwards = .abort) {
        if case .done = phase { return }
        log.failure = (type.word, message)
        leave(type == .clientGone ? .unknown : .failed)
        abortUpstream()
        finish(afterwards)
    }

    private func abortUpstream() {
        connection?.abort()
        connection = nil
    }

    func leave(_ ending: ArmGate.Ending) {
        guard let role = admitted else { return }
        admitted = nil
        let breaker = arm(of: role)?.settings.breaker ?? BreakerSettings()
        loop.gate(of: role).leave(breaker, ending, now: loop.time.now)
    }

    private func finish(_ afterwards: ClientConnection.Afterwards) {
        if case .done = phase { return }
        phase = .done
        held = []
        log.ended = log.now
        shadow = nil
        loop.withdrawTools(log)
        loop.finished(log)
        pair?.served(log)
        client.finished(afterwards)
    }

    // MARK: time

    func setDeadline(_ wait: Wait, _ time: TimeAmount) {
        waitsFor = wait
        deadline = loop.time.now + time
    }

    func waitForAnswer() {
        if hasEnded { setDeadline(.answer, settings.timeouts.responseHeader) }
    }

    func expire(at now: NIODeadline) {
        guard now >= deadline else { return }
        if case .done = phase { return }
        deadline = .distantFuture
        switch waitsFor {
        case .body where answerHasBegun: end(.init("request_timeout"), "the request's body stopped arriving")
        case .body: refuse(.tooSlow)
        case .answer:
            leave(.failed)
            refuse(.answerTimeout)
        case .moreAnswer: end(.init("idle_timeout"), "the answer stopped arriving")
        case .client: end(.clientGone, "the client stopped taking its answer")
        }
    }
}
