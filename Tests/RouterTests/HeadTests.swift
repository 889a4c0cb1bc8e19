import Testing

@testable import Router

/// Heads as they stand on the wire, line by line: what is passed on, what is added, and in which order.
@Suite("Heads", .timeLimit(.minutes(10)))
struct HeadTests {
    static let requests: [(sent: [String], seen: [String])] = [
        (
            ["POST /a?b=1 HTTP/1.1", "Host: h", "Accept: */*", "X-Request-ID: r-1", "Content-Type: text/plain", "Content-Length: 0"],
            [
                "POST /a?b=1 HTTP/1.1", "Host: h", "Accept: */*", "Content-Type: text/plain", "traceparent", "tracestate",
                "baggage: outrigger.role=baseline,outrigger.request.id=r-1", "x-request-id: r-1", "x-outrigger-role: baseline",
                "x-outrigger-mode: live", "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-forwarded-host: h",
                "via: 1.1 outrigger", "content-length: 0",
            ]
        ),
        (
            [
                "GET http://h/b HTTP/1.1", "Via: 1.0 a", "VIA: 1.1 b", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2",
                "X-Forwarded-Proto: https", "X-Forwarded-Host: front", "Baggage: a=1", "Baggage: b=2", "x-request-id: a%b", "Host: h",
                "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Outrigger-Mode: shadow", "X_Via: 1", "Via_X: 2",
                "Connection: close, x-hop", "X-Hop: 1", "X-Last: 1",
            ],
            [
                "GET /b HTTP/1.1", "Host: h", "X_Via: 1", "Via_X: 2", "X-Last: 1", "traceparent",
                "baggage: outrigger.role=baseline,outrigger.request.id=a%25b,a=1,b=2", "x-request-id: a%b", "x-outrigger-role: baseline",
                "x-outrigger-mode: live", "x-forwarded-for: 10.0.0.1,10.0.0.2, 127.0.0.1", "x-forwarded-proto: https",
                "x-forwarded-host: front", "via: 1.0 a,1.1 b, 1.1 outrigger",
            ]
        ),
        (
            ["GET / HTTP/1.0", "X-Request-ID: r-2"],
            [
                "GET / HTTP/1.1", "traceparent", "tracestate", "baggage: outrigger.role=baseline,outrigger.request.id=r-2",
                "x-request-id: r-2", "x-outrigger-role: baseline", "x-outrigger-mode: live", "x-forwarded-for: 127.0.0.1",
                "x-forwarded-proto: http", "via: 1.0 outrigger", "host",
            ]
        ),
    ]

    @Test("A request's head", arguments: requests.indices)
    func request(_ index: Int) async throws {
        let (sent, seen) = Self.requests[index]
        let agent = try RawServer { connection in
            let head = try connection.read(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(head.utf8.count)\r\nconnection: close\r\n\r\n\(head)")
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(sent.joined(separator: "\r\n") + "\r\n\r\n")
        let lines = try client.readMessage().body.split(separator: "\r\n").map { line in
            // What is made by chance, and the free port.
            ["traceparent", "tracestate", "host"].first { line.hasPrefix($0 + ": ") } ?? String(line)
        }
        #expect(lines == seen)
        await plane.stop()
    }

    @Test("Of a long head nothing is lost", arguments: [100, 1000, 20_000])
    func longHead(_ length: Int) async throws {
        let plane = try await TestPlane(baseline: try ForwardingTests.echo())
        let text = String(repeating: "v", count: length)
        let answer = try plane.ask(
            "POST /\(text) HTTP/1.1\r\nHost: h\r\nBaggage: b=\(text.prefix(4000))\r\nVia: \(text)\r\nX-Forwarded-For: \(text.prefix(9000))\r\nContent-Length: 2\r\n\r\nhi")
        let lines = answer.body.split(separator: "\n").map(String.init)
        #expect(lines.first == "POST /\(text) HTTP/1.1")
        #expect(lines.contains("via: \(text), 1.1 outrigger"))
        #expect(lines.contains("x-forwarded-for: \(text.prefix(9000)), 127.0.0.1"))
        #expect(lines.contains { $0.hasPrefix("baggage: outrigger.role=baseline,") && $0.hasSuffix(",b=\(text.prefix(4000))") })
        #expect(lines.last == "hi")
        await plane.stop()
    }

    static let answers: [(sent: String, seen: [String])] = [
        (
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\nX-B: 2\r\nX-Outrigger-Role: me\r\n\r\nok",
            ["HTTP/1.1 200 OK", "X-A: 1", "X-B: 2", "content-length: 2", "x-outrigger-role: baseline", "x-request-id: r-1"]
        ),
        (
            "HTTP/1.1 404 Not Found\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Request-ID: mine\r\nVia: 1.1 a\r\ncontent-length: 2\r\n\r\nno",
            ["HTTP/1.1 404 Not Found", "X-Request-ID: mine", "Via: 1.1 a", "content-length: 2", "x-outrigger-role: baseline"]
        ),
        (
            "HTTP/1.1 299 Very Well\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            ["HTTP/1.1 299 ", "transfer-encoding: chunked", "x-outrigger-role: baseline", "x-request-id: r-1"]
        ),
    ]

    @Test("An answer's head", arguments: answers.indices)
    func answer(_ index: Int) async throws {
        let (sent, seen) = Self.answers[index]
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(sent)
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-ID: r-1\r\n\r\n")
        let head = try client.read(through: "\r\n\r\n")
        #expect(head.split(separator: "\r\n").map(String.init) == seen)
        await plane.stop()
    }
}
