import Testing

@testable import Router

/// Bytes that become messages, on both sides of the proxy.
@Suite("Reading messages", .timeLimit(.minutes(10)))
struct MessageReaderTests {
    private static func send(_ text: String, by connection: RawConnection, inPiecesOf size: Int) {
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            connection.send(Array(bytes[start..<min(start + size, bytes.count)]))
        }
    }

    @Test("A message is the same in however many pieces it comes", arguments: [1, 3, 64])
    func pieces(size: Int) async throws {
        let agent = try RawServer { connection in
            while true {
                let request = try connection.readMessage()
                Self.send(
                    "HTTP/1.1 200 OK\r\nx-long: \(String(repeating: "a", count: 200))\r\ncontent-length: \(request.body.utf8.count)\r\n\r\n\(request.body)",
                    by: connection, inPiecesOf: size)
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        for i in 0..<3 {
            let body = "\(i)" + String(repeating: "0123456789", count: 30)
            Self.send(
                "POST /\(i) HTTP/1.1\r\nHost: h\r\nX-Long: \(String(repeating: "b", count: 200))\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
                by: client, inPiecesOf: size)
            let answer = try client.readMessage()
            #expect(answer.status == 200)
            #expect(answer["x-long"]?.count == 200)
            #expect(answer.body == body)
        }
        await plane.stop()
    }

    /// Both requests are there before the first answer, so that the second is sent while that is being read.
    @Test("What an agent sends behind its answer is no answer to the next request", arguments: ["evil", "evil, and more of it"])
    func unasked(_ extra: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            let forged = "HTTP/1.1 200 OK\r\ncontent-length: \(extra.utf8.count)\r\n\r\n\(extra)"
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue\(forged)")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.readMessage().body == "true")
        #expect(try client.readMessage().body == "true")
        await plane.stop()
    }

    @Test("An answer without a length ends with its connection, and the next request is served by another")
    func endOfConnection() async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\n\r\nall of it")
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        for _ in 0..<3 {
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readMessage().body == "all of it")
        }
        await plane.stop()
    }
}
