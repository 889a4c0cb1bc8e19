import LiveRuns
import Synchronization
import Testing

@testable import Router

/// Headers that are more than ASCII arrive as they were sent, or not at all.
@Suite("Bytes of headers", .timeLimit(.minutes(10)))
struct HeaderBytesTests {
    static let utf8: [[UInt8]] = [[0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x9B, 0xB6]]
    /// Latin-1, half a character, an overlong one, a surrogate, and what all of these would become.
    static let others: [[UInt8]] = [[0xE9], [0xFF, 0x80], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xEF, 0xBF, 0xBD]]

    private static func bytes(_ before: String, _ value: [UInt8], _ after: String) -> [UInt8] { Array(before.utf8) + value + Array(after.utf8) }

    /// An agent whose answers have this header.
    private static func agent(_ value: [UInt8]) throws -> RawServer {
        try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(Self.bytes("HTTP/1.1 200 OK\r\nX-Name: a", value, "z\r\ncontent-length: 2\r\n\r\nok"))
            try connection.waitForEnd()
        }
    }

    private static func ask(_ plane: TestPlane, _ value: [UInt8]) throws -> RawMessage {
        let client = try plane.connect()
        client.send(bytes("GET / HTTP/1.1\r\nHost: h\r\nX-Name: a", value, "z\r\n\r\n"))
        return try client.readMessage()
    }

    @Test("UTF-8 passes in both directions", arguments: utf8)
    func passes(_ value: [UInt8]) async throws {
        let text = "a\(String(decoding: value, as: UTF8.self))z"
        let echo = try await TestPlane(baseline: try ForwardingTests.echo())
        let lines = try Self.ask(echo, value).body.split(separator: "\n").map(String.init)
        #expect(lines.contains("x-name: \(text)"))
        await echo.stop()
        let plane = try await TestPlane(baseline: try Self.agent(value))
        #expect(try plane.ask(FaultTests.get)["x-name"] == text)
        await plane.stop()
    }

    @Test("A request with other bytes in a header is refused", arguments: others)
    func request(_ value: [UInt8]) async throws {
        let agent = try ForwardingTests.echo()
        let plane = try await TestPlane(baseline: agent)
        let answer = try Self.ask(plane, value)
        #expect(answer.status == 400)
        #expect(answer["x-outrigger-error"] == "header_not_utf8")
        #expect(answer.body.contains("the header X-Name has bytes that are not UTF-8"), "\(answer.body)")
        #expect(agent.connectionCount == 0)
        await plane.stop()
    }

    @Test("An answer with other bytes in a header is a bad one", arguments: others)
    func answer(_ value: [UInt8]) async throws {
        let plane = try await TestPlane(baseline: try Self.agent(value))
        let answer = try plane.ask(FaultTests.get)
        #expect(answer.status == 502)
        #expect(answer["x-outrigger-error"] == "bad_response")
        #expect(try await plane.exchanges(1)[0].failure?.message == "the answer's header X-Name has bytes that are not UTF-8")
        await plane.stop()
    }

    @Test("A trailer with other bytes stays behind", arguments: others)
    func trailers(_ value: [UInt8]) async throws {
        let end = Self.bytes("0\r\nX-A: a", value, "z\r\nX-B: b\r\n\r\n")
        let seen = Mutex<[String]>([])
        let agent = try RawServer { connection in
            let request = try connection.readMessage()
            seen.withLock { $0 = request.trailers }
            connection.send(Array("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n".utf8) + end)
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Array("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n".utf8) + end)
        let answer = try client.readMessage()
        #expect(answer.body == "ok")
        #expect(answer.trailers == ["X-B: b"])
        #expect(seen.withLock { $0 } == ["X-B: b"])
        await plane.stop()
    }
}
