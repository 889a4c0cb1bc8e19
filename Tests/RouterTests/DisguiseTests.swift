import AgentRuns
import Rollout
import RolloutControl
import Testing

@testable import Router

/// What a client or an agent could say to be taken for someone else, or to have the other side read more messages than one.
@Suite("Disguises", .timeLimit(.minutes(10)))
struct DisguiseTests {
    /// An agent that answers with the head that it was sent, in the body.
    private static func mirror() throws -> RawServer {
        try RawServer { connection in
            while true {
                let head = try connection.read(through: "\r\n\r\n")
                if let length = RawMessage(head)["content-length"].flatMap({ Int($0) }) { _ = try connection.read(count: length) }
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(head.utf8.count)\r\n\r\n\(head)")
            }
        }
    }

    @Test(
        "A client cannot have Connection take away what the sidecar says",
        arguments: ["x-outrigger-role", "traceparent", "X-Forwarded-For, x-request-id", "via", "baggage", "host", "content-length"])
    func connectionNames(_ names: String) async throws {
        let plane = try await TestPlane(baseline: try Self.mirror())
        let seen = RawMessage(
            try plane.ask("POST / HTTP/1.1\r\nHost: h\r\nConnection: \(names)\r\nX-Outrigger-Role: candidate\r\nContent-Length: 2\r\n\r\nhi").body)
        for name in ["x-outrigger-role", "traceparent", "x-forwarded-for", "x-request-id", "via", "baggage", "host", "content-length"] {
            #expect(seen.headers.count { $0.name == name } == 1, "\(name)")
        }
        #expect(seen["x-outrigger-role"] == "baseline")
        #expect(seen["connection"] == nil)
        await plane.stop()
    }

    @Test("What Connection names stays behind, and nothing else")
    func named() async throws {
        let plane = try await TestPlane(baseline: try Self.mirror())
        let seen = RawMessage(
            try plane.ask(
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Secret , close\r\nX-Secret: 1\r\nX-Secret-Not: 2\r\nAuthorization: Bearer t\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\n\r\n"
            ).body)
        #expect(seen["x-secret"] == nil && seen["te"] == nil && seen["keep-alive"] == nil && seen["proxy-authorization"] == nil)
        #expect(seen["x-secret-not"] == "2" && seen["authorization"] == "Bearer t")
        await plane.stop()
    }

    @Test("A client cannot have Connection take away what says who asks for what, nor what the arm was chosen by")
    func meantForAll() async throws {
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-user-id")]
        policy.headerRules = [.init(name: "x-outrigger-arm", value: "candidate", role: .candidate)]
        let plane = try await TestPlane(baseline: try Self.mirror(), rollout: .mode(.canary, policy: policy))
        let names = ["authorization", "cookie", "x-user-id", "x-outrigger-arm", "content-type", "content-encoding", "tracestate"]
        let seen = RawMessage(
            try plane.ask(
                """
                POST / HTTP/1.1\r\nHost: h\r\nConnection: \(names.joined(separator: ", ")), x-other\r\nAuthorization: Bearer t\r\nCookie: a=b\r
                X-User-Id: ann\r\nX-Outrigger-Arm: baseline\r\nContent-Type: text/plain\r\nContent-Encoding: identity\r
                Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nTracestate: a=1\r\nX-Other: 1\r
                Content-Length: 2\r\n\r\nhi
                """).body)
        for name in names { #expect(seen.headers.count { $0.name == name } == 1, "\(name)") }
        #expect(seen["x-other"] == nil)
        await plane.stop()
    }

    @Test(
        "What a server could take for the sidecar's word does not come from a client",
        arguments: [
            "X_Outrigger_Role", "X-Outrigger_Role", "x_outrigger-mode", "X-Outrigger-Error", "X-Outrigger-Anything", "X_Forwarded_For",
            "X_FORWARDED_HOST", "X-Forwarded_Port", "X_Request_Id", "Forwarded", "Content_Length", "Transfer_Encoding", "X_User-Id",
        ])
    func folded(_ name: String) async throws {
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-user-id")]
        let plane = try await TestPlane(baseline: try Self.mirror(), rollout: .mode(.canary, policy: policy))
        let answer = try plane.ask("GET / HTTP/1.1\r\nHost: h\r\nX-User-Id: ann\r\nX_Plain_Name: kept\r\n\(name): forged\r\n\r\n")
        #expect(answer.status == 200)
        #expect(!answer.body.contains("forged"), "\(answer.body)")
        #expect(RawMessage(answer.body)["x_plain_name"] == "kept")
        #expect(RawMessage(answer.body)["x-user-id"] == "ann")
        await plane.stop()
    }

    @Test("A name that the configuration routes by passes, with underscores too", arguments: ["x_user_id", "x-outrigger-arm", "X-Outrigger-Tenant"])
    func routedBy(_ name: String) async throws {
        var policy = RoutingPolicy()
        policy.keySources = [.header(name.lowercased())]
        let plane = try await TestPlane(baseline: try Self.mirror(), rollout: .mode(.canary, policy: policy))
        #expect(RawMessage(try plane.ask("GET / HTTP/1.1\r\nHost: h\r\n\(name): ann\r\n\r\n").body)[name.lowercased()] == "ann")
        await plane.stop()
    }

    @Test("Trailers cannot say what headers cannot")
    func trailers() async throws {
        let agent = try RawServer { connection in
            let request = try connection.readMessage()
            let body = request.trailers.joined(separator: "|")
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n")
            connection.send("0\r\nx-outrigger-error: forged\r\nx-sum: 1\r\n\r\n")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-end: yes\r\nX-Outrigger-Role: candidate\r\nx_forwarded_for: 1\r\n\r\n")
        #expect(answer.body == "x-end: yes")
        #expect(answer.trailers == ["x-sum: 1"])
        await plane.stop()
    }

    @Test("An agent cannot say what the sidecar says of its answer", arguments: [true, false])
    func answerOfAgent(tellsRole: Bool) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(
                "HTTP/1.1 200 OK\r\nX-Outrigger-Error: reset\r\nX-Outrigger-Role: candidate\r\nx-outrigger-new: 1\r\nx-mine: 1\r\ncontent-length: 0\r\n\r\n")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent) { $0.tellsRole = tellsRole }
        let answer = try plane.ask(FaultTests.get)
        #expect(answer.headers.filter { $0.name.hasPrefix("x-outrigger") }.map(\.value) == (tellsRole ? ["baseline"] : []))
        #expect(answer["x-mine"] == "1")
        await plane.stop()
    }

    /// The agent must be sent exactly one request, whatever the client wrote.
    @Test(
        "A shape that another server could read as two requests reaches the agent as one or not at all",
        arguments: [
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"\r\nGET /evil HTTP/1.1\"\r\nhi\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \u{0B}chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 00000000000000000000000000000000000000000000000002\r\n\r\nhi",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551618\r\n\r\nhi",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhi\r\n0\r\n\r\n",
            "GET / HTTP/1.1\nHost: h\n\n", "GET /\tGET\t/evil HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h:80@evil/a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET //evil/a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func oneOrNone(_ request: String) async throws {
        // What is left half said ends the connection by these.
        let plane = try await TestPlane(baseline: try Self.mirror()) {
            $0.timeouts.requestHeader = .milliseconds(300)
            $0.timeouts.requestBody = .milliseconds(300)
            $0.timeouts.responseHeader = .milliseconds(300)
            $0.timeouts.keepAlive = .milliseconds(300)
        }
        let client = try plane.connect()
        client.send(request)
        let all = try client.readToEnd()
        #expect(!all.contains("\r\nGET /evil"), "\(all)")
        #expect(all.components(of: "HTTP/1.1 200") <= 1 && all.hasPrefix("HTTP/1.1 "), "\(all)")
        await plane.stop()
    }

    @Test("Values for traces and baggage cannot begin a header of their own", arguments: ["a\u{7F}b", "\u{E9}\u{FF}", "k=v;p=\"x\r", "\\r\\nx-evil: 1"])
    func values(_ value: String) async throws {
        let plane = try await TestPlane(baseline: try Self.mirror())
        for name in ["baggage", "tracestate", "traceparent", "x-request-id"] {
            let answer = try plane.ask("GET / HTTP/1.1\r\nHost: h\r\n\(name): \(value)\r\n\r\n")
            guard answer.status == 200 else {
                #expect(answer.status == 400)
                continue
            }
            let seen = RawMessage(answer.body)
            #expect(seen["x-evil"] == nil)
            #expect(seen.headers.count { $0.name == name } <= 1)
        }
        await plane.stop()
    }

    @Test(
        "An answer without a body has none, whatever the agent sends after it",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"), ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\nevil"),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\nevil"),
        ])
    func bodiless(_ method: String, _ text: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(text)
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<5 {
            let client = try plane.connect()
            client.send("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try client.read(through: "\r\n\r\n")
            client.endSending()
            #expect(try client.readToEnd().isEmpty)
        }
        await plane.stop()
    }

    @Test("Very many interim answers end the request, not the memory, and few are no harm")
    func interim() async throws {
        let few = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            for i in 0..<3 {
                connection.send("HTTP/1.1 103 Early Hints\r\nlink: </\(i)>\r\nconnection: x-hop\r\nx-hop: 1\r\nx-outrigger-role: forged\r\n\r\n")
            }
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        }
        let plane = try await TestPlane(baseline: few)
        for version in ["1.1", "1.0"] {
            let client = try plane.connect()
            client.send("GET /run HTTP/\(version)\r\nhost: h\r\n\r\n")
            // Source: RFC 9110, section 15.2: all but the one that is ours go on, to whom they mean something.
            for i in 0..<(version == "1.1" ? 3 : 0) {
                let hint = try client.readMessage()
                #expect(hint.status == 103 && hint["link"] == "</\(i)>")
                #expect(hint["x-hop"] == nil && hint["x-outrigger-role"] == nil && hint["transfer-encoding"] == nil)
            }
            let answer = try client.readMessage()
            #expect(answer.status == 200)
            #expect(answer.body == "ok")
        }
        await plane.stop()

        let flood = try RawServer { connection in
            _ = try connection.readMessage()
            while connection.send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n") {}
        }
        let other = try await TestPlane(baseline: flood)
        let patient = try other.connect()
        patient.send(FaultTests.get)
        var last = try patient.readMessage()
        while last.status < 200 { last = try patient.readMessage() }
        #expect(last.status == 502)
        #expect(last["x-outrigger-error"] == "bad_response")
        await other.stop()
    }

    @Test("An answer that is split by its own headers is no answer", arguments: ["x: a\r\n b", "x: a\0b", "x : a", "content-length: 1\r\ncontent-length: 2", "transfer-encoding: chunked\r\ncontent-length: 3"])
    func splitAnswer(_ header: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\n\(header)\r\n\r\n0\r\n\r\n")
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let all = try client.readToEnd()
        #expect(all.components(of: "HTTP/1.1 ") == 1)
        let framing = RawMessage(String(all.prefix { $0 != "{" })).headers.count { ["content-length", "transfer-encoding"].contains($0.name) }
        #expect(framing <= 1, "\(all)")
        await plane.stop()
    }
}

extension String {
    /// How often the word stands in it.
    fileprivate func components(of word: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: word) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
