import Glibc
import LiveRuns
import Synchronization
import Testing

@testable import Router

/// What goes wrong on either side, and what the other side and the record see of it.
@Suite("Faults", .timeLimit(.minutes(10)))
struct FaultTests {
    static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    /// The client is told what happened, and nothing of where the agent is; the record has all.
    @Test("An agent that is not there", arguments: [true, false])
    func refuses(tellsRole: Bool) async throws {
        let nobody = try DeadPort()
        let plane = try await TestPlane(baselinePort: nobody.port) { $0.tellsRole = tellsRole }
        let answer = try plane.ask(Self.get)
        #expect(answer.status == 502)
        #expect(answer["x-outrigger-error"] == "connect_failed")
        #expect(answer["x-outrigger-role"] == (tellsRole ? "baseline" : nil))
        #expect(answer.body.contains(#""detail":"the agent cannot be reached""#), "\(answer.body)")
        #expect(!answer.body.contains("127.0.0.1") && !answer.body.contains("\(nobody.port)"), "\(answer.body)")
        let exchange = try await plane.exchanges(1)[0]
        let failure = try #require(exchange.failure)
        #expect(failure.type == "connect_failed")
        #expect(failure.message == "127.0.0.1:\(nobody.port) does not accept connections: Connection refused")
        await plane.stop()
        withExtendedLifetime(nobody) {}
    }

    @Test("An agent that never answers")
    func hangs() async throws {
        let agent = try RawServer { try $0.waitForEnd() }
        let plane = try await TestPlane(baseline: agent) { $0.timeouts.responseHeader = .milliseconds(200) }
        #expect(try plane.ask(Self.get).status == 504)
        #expect(try await plane.exchanges(1)[0].failure?.type == "header_timeout")
        await plane.stop()
    }

    @Test(
        "An agent that answers no HTTP",
        arguments: [
            "hello\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "\0\0\0\0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: \(String(repeating: "a", count: 300_000))\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            // Passed on, a status that is none would leave the client to find the answer's end by itself.
            "HTTP/1.1 099 X\r\ncontent-length: 2\r\n\r\nok", "HTTP/1.1 000 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ])
    func nonsense(_ text: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(text)
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask(Self.get)
        #expect(answer.status == 502)
        #expect(answer["x-outrigger-error"] == "bad_response")
        #expect(answer.body.contains(#""detail":"the agent did not answer in HTTP that can be passed on""#), "\(answer.body)")
        await plane.stop()
    }

    @Test("A request that has had an interim answer is not sent again", arguments: ["GET", "DELETE"])
    func closesAfterInterim(method: String) async throws {
        let asked = Mutex(0)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            _ = try connection.readMessage()
            asked.withLock { $0 += 1 }
            connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Self.get)
        #expect(try client.readMessage().status == 200)
        client.send("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.readMessage().status == 103)
        #expect(try client.readMessage().status == 502)
        #expect(asked.withLock { $0 } == 1 && agent.connectionCount == 1)
        await plane.stop()
    }

    @Test("An agent that closes before it answers", arguments: [true, false])
    func closesEarly(reset: Bool) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            if reset { connection.reset() }
        }
        let plane = try await TestPlane(baseline: agent)
        let answer = try plane.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        #expect(answer.status == 502)
        #expect(answer["x-outrigger-error"] == "reset")
        #expect(answer.body.contains(#""detail":"the agent closed the connection before it answered""#), "\(answer.body)")
        // It may have acted on the request: nobody asks it again.
        #expect(agent.connectionCount == 1)
        await plane.stop()
    }

    /// The client must not take half an answer for a whole one.
    @Test(
        "An agent that stops in the middle of its answer",
        arguments: [
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
        ])
    func cutShort(_ text: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send(text)
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Self.get)
        let all = try client.readToEnd()
        #expect(all.hasPrefix("HTTP/1.1 200"))
        #expect(!all.hasSuffix("0\r\n\r\n"))
        let exchange = try await plane.exchanges(1)[0]
        #expect(exchange.failure != nil)
        #expect(exchange.response?.isComplete == false)
        await plane.stop()
    }

    @Test("An answer that goes on after its end does not become the next one's")
    func tooLong() async throws {
        let agent = try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<20 { #expect(try plane.ask(Self.get).body == "ok") }
        await plane.stop()
    }

    @Test("A client that leaves takes the agent's work with it", arguments: [true, false])
    func clientLeaves(afterHead: Bool) async throws {
        let agentSawRequest = Mutex(false)
        let agentSawEnd = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            agentSawRequest.withLock { $0 = true }
            if afterHead { connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n") }
            try connection.waitForEnd()
            agentSawEnd.withLock { $0 = true }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Self.get)
        if afterHead { _ = try client.read(through: "\r\n\r\n") }
        #expect(await eventually { agentSawRequest.withLock { $0 } })
        client.closeNow()
        #expect(await eventually { agentSawEnd.withLock { $0 } })
        #expect(try await plane.exchanges(1)[0].failure?.type == "client_gone")
        await plane.stop()
    }

    @Test(
        "A client that leaves in the middle of its request has left, and sent nothing wrong",
        arguments: ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5", "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"])
    func clientLeavesWhileSending(rest: String) async throws {
        let agentSawHead = Mutex(false)
        let agentSawEnd = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.read(through: "\r\n\r\n")
            agentSawHead.withLock { $0 = true }
            try connection.waitForEnd()
            agentSawEnd.withLock { $0 = true }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\n" + rest)
        #expect(await eventually { agentSawHead.withLock { $0 } })
        client.closeNow()
        #expect(try await plane.exchanges(1)[0].failure?.type == "client_gone")
        #expect(await eventually { agentSawEnd.withLock { $0 } })
        await plane.stop()
    }

    @Test("A client that does not read stops the agent, not the memory")
    func backPressure() async throws {
        let sent = Mutex(0)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            let piece = [UInt8](repeating: 97, count: 1 << 20)
            while connection.send(piece) { sent.withLock { $0 += piece.count } }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Self.get)
        _ = try client.read(through: "\r\n\r\n")
        // What the kernel's buffers hold goes out; then nothing more does.
        #expect(await stopsGrowing { sent.withLock { $0 } })
        #expect(sent.withLock { $0 } < 50 << 20)
        client.closeNow()
        await plane.stop()
    }

    @Test("An agent that does not read stops the client")
    func uploadBackPressure() async throws {
        let isOver = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.read(through: "\r\n\r\n")
            while !isOver.withLock({ $0 }) { usleep(1000) }
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
        let sent = Mutex(0)
        startThread {
            let piece = [UInt8](repeating: 97, count: 1 << 20)
            while client.send(piece) { sent.withLock { $0 += piece.count } }
        }
        #expect(await stopsGrowing { sent.withLock { $0 } })
        #expect(sent.withLock { $0 } < 50 << 20)
        isOver.withLock { $0 = true }
        client.closeNow()
        await plane.stop()
    }

    @Test("An answer that comes before the request's end reaches the client, whole")
    func earlyAnswer() async throws {
        let agent = try RawServer { connection in
            _ = try connection.read(through: "\r\n\r\n")
            connection.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n\(String(repeating: "a", count: 100_000))")
        let answer = try client.readMessage()
        #expect(answer.status == 403)
        #expect(answer.body == "no")
        #expect(answer["connection"] == "close")
        client.send(String(repeating: "a", count: 100_000))
        client.endSending()
        try client.waitForEnd()
        await plane.stop()
    }

    @Test("More than an arm takes at once is turned away")
    func concurrencyLimit() async throws {
        let goesOn = Mutex(false)
        let agent = try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                while !goesOn.withLock({ $0 }) { usleep(1000) }
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            }
        }
        let plane = try await TestPlane(baseline: agent) { $0.baseline.maximumConcurrency = 3 }
        let clients = try (0..<3).map { _ in try plane.connect() }
        for client in clients { client.send(Self.get) }
        #expect(await eventually { agent.connectionCount == 3 })
        let refused = try plane.ask(Self.get)
        #expect(refused.status == 503)
        #expect(refused["retry-after"] == "1")
        goesOn.withLock { $0 = true }
        for client in clients { #expect(try client.readMessage().status == 200) }
        #expect(try plane.ask(Self.get).status == 200)
        await plane.stop()
    }

    @Test("An arm that fails again and again is left alone, and tried again")
    func breaker() async throws {
        let works = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            let status = works.withLock { $0 } ? "200 OK" : "503 Service Unavailable"
            connection.send("HTTP/1.1 \(status)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        let plane = try await TestPlane(baseline: agent) {
            $0.baseline.breaker = BreakerSettings()
            $0.baseline.breaker.failures = 3
            $0.baseline.breaker.openFor = .milliseconds(300)
        }
        for _ in 0..<3 { #expect(try plane.ask(Self.get)["x-outrigger-error"] == nil) }
        #expect(try plane.ask(Self.get)["x-outrigger-error"] == "circuit_open")
        #expect(agent.connectionCount == 3)
        works.withLock { $0 = true }
        #expect(try await eventually { try plane.ask(Self.get).status == 200 })
        for _ in 0..<5 { #expect(try plane.ask(Self.get).status == 200) }
        await plane.stop()
    }

    @Test("A connection that the agent closed meanwhile is not used again")
    func closedMeanwhile() async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<50 { #expect(try plane.ask(Self.get).status == 200) }
        await plane.stop()
    }

    @Test("A stop lets what is under way finish")
    func gracefulStop() async throws {
        let goesOn = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            while !goesOn.withLock({ $0 }) { usleep(1000) }
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent)
        let client = try plane.connect()
        client.send(Self.get)
        #expect(await eventually { agent.connectionCount == 1 })
        await plane.plane.drain()
        goesOn.withLock { $0 = true }
        async let left = plane.plane.stop(within: .seconds(10))
        let answer = try client.readMessage()
        #expect(answer.body == "done")
        #expect(answer["connection"] == "close")
        #expect(await left.answers == 0)
    }

    /// Whether a number that grows stays the same for a while.
    private func stopsGrowing(_ number: @Sendable () -> Int) async -> Bool {
        var last = -1
        return await eventually {
            let now = number()
            defer { last = now }
            try? await Task.sleep(for: .milliseconds(200))
            return now == last
        }
    }
}
