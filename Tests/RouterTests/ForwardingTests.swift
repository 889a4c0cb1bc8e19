import Glibc
import Synchronization
import Testing

@testable import Router

/// What passes the proxy, on the wire on both sides.
@Suite("Forwarding", .timeLimit(.minutes(10)))
struct ForwardingTests {
    /// An agent that answers with what it was sent.
    static func echo() throws -> RawServer {
        try RawServer { connection in
            while true {
                let request = try connection.readMessage()
                let text = ([request.startLine] + request.headers.map { "\($0.name): \($0.value)" } + ["", request.body] + request.trailers)
                    .joined(separator: "\n")
                connection.send("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
    }

    @Test("Method, target, headers and body arrive unchanged")
    func unchanged() async throws {
        let agent = try Self.echo()
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask(
            "PATCH /a/b%2Fc?x=1&y=%20 HTTP/1.1\r\nHost: agent.example\r\nX-Mixed-Case: Value\r\nAccept: */*\r\ncontent-length: 5\r\n\r\nhello")
        #expect(answer.status == 200)
        let lines = answer.body.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.first == "PATCH /a/b%2Fc?x=1&y=%20 HTTP/1.1")
        #expect(lines.contains("host: agent.example"))
        #expect(lines.contains("x-mixed-case: Value"))
        #expect(lines.contains("content-length: 5"))
        #expect(lines.last == "hello")
        await plane.stop()
    }

    @Test("The request line goes on as the agent's own", arguments: [
        ("M-SEARCH /x", "M-SEARCH /x"), ("PROPFIND /x", "PROPFIND /x"), ("GET http://h", "GET /"), ("GET http://h?a", "GET /?a"),
        ("OPTIONS http://h", "OPTIONS *"), ("OPTIONS *", "OPTIONS *"), ("OPTIONS http://h/", "OPTIONS /"), ("OPTIONS http://h?a", "OPTIONS /?a"),
    ])
    func requestLine(sent: String, arrives: String) async throws {
        let plane = try await TestPlane(baseline: try Self.echo())
        let answer = try plane.ask("\(sent) HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.body.split(separator: "\n").first == "\(arrives) HTTP/1.1")
        await plane.stop()
    }

    @Test("Headers of the connection stay behind, and the sidecar says who it is")
    func hopByHop() async throws {
        let agent = try Self.echo()
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask(
            """
            GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r
            Proxy-Authorization: Basic eA==\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.0 front\r\nX-Outrigger-Role: candidate\r\n\r\n
            """)
        let lines = answer.body.split(separator: "\n").map(String.init)
        for name in ["connection", "x-secret", "keep-alive", "te", "proxy-authorization"] {
            #expect(!lines.contains { $0.hasPrefix(name + ":") }, "\(name) was passed on")
        }
        #expect(lines.contains("x-forwarded-for: 10.0.0.1, 127.0.0.1"))
        #expect(lines.contains("x-forwarded-proto: http"))
        #expect(lines.contains("x-forwarded-host: h"))
        #expect(lines.contains("via: 1.0 front, 1.1 outrigger"))
        #expect(lines.filter { $0.hasPrefix("x-outrigger-role:") } == ["x-outrigger-role: baseline"])
        #expect(answer["x-outrigger-role"] == "baseline")
        #expect(answer["x-request-id"]?.count == 32)
        await plane.stop()
    }

    @Test("Chunks and trailers pass in both directions")
    func chunksAndTrailers() async throws {
        let agent = try RawServer { connection in
            let request = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n")
            connection.send("\(String(request.body.utf8.count, radix: 16))\r\n\(request.body)\r\n")
            connection.send("0\r\nx-sum: \(request.trailers.joined(separator: "|"))\r\n\r\n")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nx-end: yes\r\n\r\n")
        #expect(answer.body == "abcdefg")
        #expect(answer.trailers == ["x-sum: x-end: yes"])
        await plane.stop()
    }

    @Test("An event arrives before the next one is sent")
    func eventStream() async throws {
        let taken = Mutex(0)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            // The next event waits until the client has this one: a proxy that gathers would never get it.
            for i in 0..<5 {
                connection.send("data: \(i)\n\n")
                while taken.withLock({ $0 }) <= i { usleep(200) }
            }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("GET /events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")
        _ = try client.read(through: "\r\n\r\n")
        for i in 0..<5 {
            #expect(try client.read(through: "\n\n").hasSuffix("data: \(i)\n\n"))
            taken.withLock { $0 = i + 1 }
        }
        await plane.stop()
    }

    @Test("Connections are kept, on both sides")
    func keepAlive() async throws {
        let agent = try Self.echo()
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        for i in 0..<20 {
            client.send("GET /\(i) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readMessage().body.hasPrefix("GET /\(i) HTTP/1.1"))
        }
        #expect(agent.connectionCount == 1)
        await plane.stop()
    }

    @Test("Requests sent at once are answered in order")
    func pipelining() async throws {
        let agent = try Self.echo()
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send((0..<10).map { "POST /\($0) HTTP/1.1\r\nHost: h\r\ncontent-length: 1\r\n\r\n\($0)" }.joined())
        for i in 0..<10 { #expect(try client.readMessage().body.hasPrefix("POST /\(i) HTTP/1.1")) }
        await plane.stop()
    }

    @Test(
        "Answers without a body end where they end",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"), ("HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n"), ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n"),
        ])
    func withoutBody(method: String, answer: String) async throws {
        let agent = try RawServer { connection in
            while true {
                _ = try connection.read(through: "\r\n\r\n")
                connection.send(answer)
            }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        for _ in 0..<3 {
            client.send("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = RawMessage(try client.read(through: "\r\n\r\n"))
            #expect("\(head.status)" == answer.split(separator: " ")[1])
        }
        await plane.stop()
    }

    @Test("A client of HTTP/1.0 gets a body that ends with the connection")
    func http10() async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("GET / HTTP/1.0\r\n\r\n")
        let text = try client.readToEnd()
        #expect(text.hasSuffix("\r\n\r\nabc"))
        #expect(!text.lowercased().contains("transfer-encoding"))
        await plane.stop()
    }

    @Test("Who waits to be asked for the body is asked")
    func expectation() async throws {
        let agent = try Self.echo()
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send("ok")
        let answer = try client.readMessage()
        #expect(answer.body.hasSuffix("ok"))
        #expect(!answer.body.contains("expect:"))
        await plane.stop()
    }
}
