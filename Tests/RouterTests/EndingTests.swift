import AgentRuns
import LiveRuns
import Rollout
import RolloutControl
import Synchronization
import Testing

@testable import Router

/// How connections end: at the wrong moment, with bytes still to leave, or with bytes behind that nobody asked for.
@Suite("Endings", .timeLimit(.minutes(10)))
struct EndingTests {
    /// An agent that keeps its connections and answers each request with so many bytes.
    private static func agent(_ size: Int) throws -> RawServer {
        let body = String(repeating: "x", count: size)
        return try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n\(body)")
            }
        }
    }

    /// The write of "100 Continue" fails in the middle of the request's beginning.
    @Test("A client that resets while it is told to go on ends nothing but its request", arguments: ["", "12345"])
    func resetWhileTold(body: String) async throws {
        let agent = try Self.agent(2)
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<100 {
            let client = try plane.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n\(body)")
            client.reset()
        }
        #expect(try plane.ask(FaultTests.get).body == "xx")
        #expect(await eventually { plane.plane.status(of: .baseline).inFlight == 0 })
        await plane.stop()
    }

    /// The write of an answer fails, and more requests of the connection wait.
    @Test("A client that resets with more requests behind ends nothing but those", arguments: [100, 30_000, 300_000])
    func resetPipelined(size: Int) async throws {
        let agent = try Self.agent(size)
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for count in 0..<60 {
            let client = try plane.connect()
            client.send(String(repeating: FaultTests.get, count: 5))
            // Some leave before, some during, some after the first answer.
            if count % 3 > 0 { _ = try client.read(count: count % 3 * 50) }
            client.reset()
        }
        #expect(try plane.ask(FaultTests.get).body.count == size)
        #expect(await eventually { plane.plane.status(of: .baseline).inFlight == 0 })
        await plane.stop()
    }

    /// The same FIN as of one that closes: nothing tells which of both was meant.
    @Test("A client that closes its sending side before it has its answer has left, and takes the agent's work with it", arguments: [false, true])
    func halfClosed(answerHasBegun: Bool) async throws {
        let agentSawRequest = Mutex(false)
        let agentSawEnd = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            agentSawRequest.withLock { $0 = true }
            if answerHasBegun { connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha") }
            try connection.waitForEnd()
            agentSawEnd.withLock { $0 = true }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send(FaultTests.get)
        #expect(await eventually { agentSawRequest.withLock { $0 } })
        if answerHasBegun { _ = try client.read(through: "\r\n\r\nha") }
        client.endSending()
        #expect(try client.readToEnd().isEmpty)
        #expect(await eventually { agentSawEnd.withLock { $0 } })
        #expect(try await plane.exchanges(1)[0].failure?.type == "client_gone")
        await plane.stop()
    }

    @Test(
        "A stop counts the clients whose answers it cut off, and nobody else",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", 1),
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha", 1),
            // It still sends what nobody needs any more, and has its answer.
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", 0),
            ("GET / HT", "", 0),
        ] as [(String, String, Int)])
    func cutOff(request: String, answer: String, count: Int) async throws {
        let agentSawRequest = Mutex(false)
        let agent = try RawServer { connection in
            _ = try connection.read(through: "\r\n\r\n")
            agentSawRequest.withLock { $0 = true }
            connection.send(answer)
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send(request)
        if request.hasSuffix("HT") {
            #expect(await eventually { await plane.plane.counts().connectionsOpened == 1 })
        } else {
            #expect(await eventually { agentSawRequest.withLock { $0 } })
        }
        if !answer.isEmpty { _ = try client.read(through: "\r\n\r\n\(answer.suffix(2))") }
        #expect(await plane.plane.stop(within: .milliseconds(200)).answers == count)
        #expect(try client.readToEnd().isEmpty)
    }

    @Test("A stop counts the copies that it cut off by themselves, those that wait too")
    func cutOffCopies() async throws {
        let candidate = try RawServer { try $0.waitForEnd() }
        let plane = try await TestPlane(
            baseline: try Self.agent(2), candidate: candidate, rollout: .mode(.shadow), threads: 1
        ) { $0.shadow.maximumConcurrency = 1 }
        for _ in 0..<2 { #expect(try plane.ask(FaultTests.get).body == "xx") }
        #expect(await eventually { await plane.plane.counts().shadowsTaken == 2 })
        let cutOff = await plane.plane.stop(within: .milliseconds(200))
        #expect(cutOff.answers == 0)
        #expect(cutOff.copies == 2)
    }

    /// Sizes around what the system's buffers hold, so that in some of them the last bytes still wait when all has been said.
    @Test("A slow client gets all of an answer after which its connection closes", arguments: ["close", "1.0", "idle", "drain"])
    func slowClient(how: String) async throws {
        let sizes = stride(from: 2_400_000, through: 4_800_000, by: 300_000)
        for size in sizes {
            let agent = try Self.agent(size)
            let plane = try await TestPlane(baseline: agent, threads: 1) {
                if how == "idle" { $0.timeouts.keepAlive = .milliseconds(50) }
            }
            let client = try plane.connect()
            client.send("GET / HTTP/\(how == "1.0" ? "1.0" : "1.1")\r\nHost: h\r\n\(how == "close" ? "Connection: close\r\n" : "")\r\n")
            // Either all was said and some of it waits, or the client's slowness is waited for.
            _ = await eventually(within: 1) { !plane.exchanges.isEmpty }
            if how == "drain" {
                async let stopping: Void = plane.stopSlowly()
                #expect(try Self.answer(client) == size)
                await stopping
            } else {
                #expect(try Self.answer(client) == size)
                await plane.stop()
            }
        }
    }

    /// - Returns: bytes of the body.
    private static func answer(_ client: RawConnection) throws -> Int {
        _ = try client.read(through: "\r\n\r\n")
        return try client.readToEnd().utf8.count
    }

    @Test(
        "The beginning of an answer that nobody asked for does not become another client's",
        arguments: ["H", "HTTP/1.1 200 OK\r\nx-un", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nx-una: sked\r\n", "\r\n\r\nHTTP/1.1"]
            + [1, 4, 5, 100, 1000, 70_000].map { "HTTP/1.1 200 OK\r\nx-una: " + String(repeating: "a", count: $0) })
    func halfAnswer(extra: String) async throws {
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + extra)
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<5 {
            let answer = try plane.ask(FaultTests.get)
            #expect(answer.body == "ok")
            #expect(!answer.headers.contains { $0.name.hasPrefix("x-un") })
        }
        await plane.stop()
    }

    @Test("An agent's empty lines between answers cost it no connection")
    func emptyLines() async throws {
        let agent = try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n\r\n")
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for _ in 0..<5 { #expect(try plane.ask(FaultTests.get).body == "ok") }
        #expect(agent.connectionCount == 1)
        await plane.stop()
    }

    @Test("What an agent says while nothing is asked of it ends its connection")
    func unaskedLater() async throws {
        let ended = Mutex(0)
        let agent = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            connection.send("HTTP/1.1 200 OK\r\nx-unasked: 1\r\n")
            try connection.waitForEnd()
            ended.withLock { $0 += 1 }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        for count in 1...3 {
            #expect(try plane.ask(FaultTests.get).body == "ok")
            #expect(await eventually { ended.withLock { $0 } == count })
        }
        await plane.stop()
    }

    /// Each of these would be kept, were it for the decoder, which has stopped.
    @Test(
        "What comes behind a refusal is thrown away",
        arguments: [
            "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "NONSENSE\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: upgrade\r\nUpgrade: x\r\n\r\n",
        ])
    func behindRefusal(request: String) async throws {
        let agent = try Self.agent(2)
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send(request)
        // More than the system's buffers hold: it is read, or this would block.
        let isTaken = client.send([UInt8](repeating: UInt8(ascii: "z"), count: 32 << 20))
        #expect(isTaken, "the connection was closed before the client had read its answer")
        let status = try client.readMessage().status
        #expect((400...599).contains(status))
        await plane.stop()
    }

    @Test("Bytes that are no request do not take the answer of the request before them", arguments: [true, false])
    func garbageBehind(closes: Bool) async throws {
        let agent = try Self.agent(2)
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\(closes ? "Connection: close\r\n" : "")\r\nxBAD\r\n\r\n")
        #expect(try client.readMessage().body == "xx")
        let rest = try client.readToEnd()
        #expect(closes ? rest.isEmpty : rest.hasPrefix("HTTP/1.1 400"), "\(rest)")
        await plane.stop()
    }

    @Test("A request that is broken off behind another is refused when that has its answer")
    func brokenOffBehind() async throws {
        let agent = try Self.agent(2)
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        client.send(
            FaultTests.get + "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n")
        #expect(try client.readMessage().body == "xx")
        #expect(try client.readMessage().status == 400)
        #expect(await eventually { plane.plane.status(of: .baseline).inFlight == 0 })
        await plane.stop()
    }

    @Test("Trailers behind a streamed body pass as headers do", arguments: [true, false])
    func trailers(isStreamed: Bool) async throws {
        let seen = Mutex<[String]>([])
        let agent = try RawServer { connection in
            while true {
                let request = try connection.readMessage()
                seen.withLock { $0 = request.trailers }
                connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let client = try plane.connect()
        let trailers = [
            "X-Checksum: 1", "X-Outrigger-Role: candidate", "X_Forwarded_For: 1.2.3.4", "X-Forwarded-For: 1.2.3.4", "traceparent: 00-1-2-3",
            "Host: other", "Authorization: none", "Content-Type: text/evil",
        ]
        client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        if isStreamed { #expect(await eventually { agent.connectionCount == 1 }) }
        client.send("0\r\n" + trailers.joined(separator: "\r\n") + "\r\n\r\n")
        #expect(try client.readMessage().body == "ok")
        #expect(seen.withLock { $0 } == ["X-Checksum: 1"])
        await plane.stop()
    }

    @Test(
        "An answer says of its length what may be said",
        arguments: [
            ("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", 204, nil), ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "0"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n", 502, nil),
        ] as [(String, Int, String?)])
    func lengths(answer: String, status: Int, length: String?) async throws {
        let agent = try RawServer { connection in
            while true {
                _ = try connection.readMessage()
                connection.send(answer)
            }
        }
        let plane = try await TestPlane(baseline: agent, threads: 1)
        let told = try plane.connect()
        told.send(FaultTests.get)
        let head = RawMessage(try told.read(through: "\r\n\r\n"))
        #expect(head.status == status)
        if status < 500 { #expect(head["content-length"] == length) }
        await plane.stop()
    }
}

extension TestPlane {
    /// Stops, and gives what is under way the time that it needs.
    func stopSlowly() async { _ = await plane.stop(within: .seconds(20)) }
}
