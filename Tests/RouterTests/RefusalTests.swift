import Glibc
import Synchronization
import Testing

@testable import Router

/// What is no request that two servers would read alike is refused before an agent sees any of it.
@Suite("Refusals", .timeLimit(.minutes(10)))
struct RefusalTests {
    static let shapes: [(name: String, request: String, status: Int)] = [
        ("both lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("both, the other way round", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        ("two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("two equal lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
        ("a signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", 400),
        ("a length in hex", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello", 400),
        ("an unknown coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("chunked, then another", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("chunked misspelt", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("two codings", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("a blank before the colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("a folded header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n 2\r\n\r\n", 400),
        ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("another host in the target", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("a NUL in a header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n", 400),
        ("a bare CR", "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\rb\r\n\r\n", 400),
        ("no HTTP", "hello there\r\n\r\n", 400),
        ("a bad chunk size", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400),
        ("a tunnel", "CONNECT example:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("a WebSocket", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
        ("a huge header", "GET / HTTP/1.1\r\nHost: h\r\nX-A: \(String(repeating: "a", count: 80_000))\r\n\r\n", 431),
        ("very many headers", "GET / HTTP/1.1\r\nHost: h\r\n\((0..<300).map { "x\($0): 1\r\n" }.joined())\r\n", 431),
        ("a huge target", "GET /\(String(repeating: "a", count: 80_000)) HTTP/1.1\r\nHost: h\r\n\r\n", 431),
    ]

    @Test("A shape that smuggles or bursts", arguments: shapes.indices)
    func refused(_ index: Int) async throws {
        let shape = Self.shapes[index]
        let agent = try ForwardingTests.echo()
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(shape.request)
        let answer = try client.readMessage()
        #expect(answer.status == shape.status, "\(shape.name)")
        #expect(answer["x-outrigger-error"] != nil)
        #expect(answer["connection"] == "close")
        try client.waitForEnd()
        // A body that turns out broken may have been under way; a whole request never arrives.
        if !shape.request.contains("zz") { #expect(agent.connectionCount == 0, "\(shape.name) reached the agent") }
        await plane.stop()
    }

    @Test("A body that is larger than allowed, whether announced or not", arguments: [true, false])
    func bodyTooLarge(announced: Bool) async throws {
        let agent = try ForwardingTests.echo()
        let plane = try await TestPlane(baseline: agent) { $0.limits.bodyBytes = 1000 }
        let client = try plane.connect()
        if announced {
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n")
        } else {
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n\(String(repeating: "a", count: 2000))\r\n")
        }
        #expect(try client.readMessage().status == 413)
        try client.waitForEnd()
        await plane.stop()
    }

    @Test("Who sends its headers or its body too slowly is told so", arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"])
    func tooSlow(_ beginning: String) async throws {
        let agent = try ForwardingTests.echo()
        let plane = try await TestPlane(baseline: agent) {
            $0.timeouts.requestHeader = .milliseconds(200)
            $0.timeouts.requestBody = .milliseconds(200)
        }
        let client = try plane.connect()
        client.send(beginning)
        #expect(try client.readMessage().status == 408)
        try client.waitForEnd()
        await plane.stop()
    }

    /// The time of idle connections would be longer than this waits.
    @Test(
        "Who sends a request's beginning behind others is told so when those have their answers",
        arguments: [("GET / HT", true), ("GET / HTTP/1.1\r\nHost: h\r\n", true), ("GET / HT", false), ("G", false)] as [(String, Bool)],
        [1, 2])
    func tooSlowBehind(beginning: (text: String, comesAtOnce: Bool), requests: Int) async throws {
        let agentSawRequest = Mutex(false)
        let agent = try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                agentSawRequest.withLock { $0 = true }
                // What is sent meanwhile arrives before the answer.
                usleep(50_000)
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1) { $0.timeouts.requestHeader = .milliseconds(200) }
        let client = try plane.connect()
        client.send(String(repeating: FaultTests.get, count: requests) + (beginning.comesAtOnce ? beginning.text : ""))
        #expect(await eventually { agentSawRequest.withLock { $0 } })
        if !beginning.comesAtOnce { client.send(beginning.text) }
        for _ in 0..<requests { #expect(try client.readMessage().body == "ok") }
        #expect(try client.readMessage().status == 408)
        try client.waitForEnd()
        await plane.stop()
    }
}
