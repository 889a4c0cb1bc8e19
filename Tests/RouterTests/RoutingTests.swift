import AgentRuns
import Glibc
import LiveRuns
import Rollout
import RolloutControl
import RunSpans
import Synchronization
import Testing

@testable import Router

/// Which arm answers, and what the other one sees.
@Suite("Routing", .timeLimit(.minutes(10)))
struct RoutingTests {
    /// An agent that answers with its name, and keeps what it was sent.
    final class NamedAgent: Sendable {
        let server: RawServer
        private let seen: Seen

        private final class Seen: Sendable {
            let requests = Mutex<[RawMessage]>([])
            let isHeld = Mutex(false)
        }

        init(_ name: String, isHeld: Bool = false) throws {
            let seen = Seen()
            seen.isHeld.withLock { $0 = isHeld }
            self.seen = seen
            server = try RawServer { connection in
                while true {
                    let request = try connection.readMessage()
                    seen.requests.withLock { $0.append(request) }
                    while seen.isHeld.withLock({ $0 }) { usleep(500) }
                    connection.send(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \(name.utf8.count + 2)\r\n\r\n\"\(name)\"")
                }
            }
        }

        var requests: [RawMessage] { seen.requests.withLock { $0 } }
        func release() { seen.isHeld.withLock { $0 = false } }
    }

    @Test("The same key goes to the same arm, and the arms share by bucket", arguments: [0.0, 12.5, 50, 100])
    func canary(percent: Double) async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate")
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-user")]
        let plane = try await TestPlane(
            baseline: baseline.server, candidate: candidate.server, rollout: .mode(.canary, percent: percent, policy: policy))
        for i in 0..<100 {
            let key = "user-\(i)"
            let isCandidate = Bucket(of: key).isWithin(try #require(Percentage(percent: percent)))
            for _ in 0..<2 {
                let answer = try plane.ask("GET / HTTP/1.1\r\nHost: h\r\nX-User: \(key)\r\n\r\n")
                #expect(answer.body == (isCandidate ? "\"candidate\"" : "\"baseline\""))
                #expect(answer["x-outrigger-role"] == (isCandidate ? "candidate" : "baseline"))
            }
        }
        let exchange = try await plane.exchanges(200)[7]
        #expect(exchange.mode == .canary)
        #expect(exchange.decision.reason == .split)
        #expect(exchange.decision.stickyKey?.hasPrefix("user-") == true)
        #expect(exchange.decision.weight == percent)
        await plane.stop()
    }

    static let sources: [(RoutingPolicy.KeySource, String)] = [
        (.header("x-user"), "GET / HTTP/1.1\r\nHost: h\r\nx-user: k\r\n\r\n"),
        (.cookie("session"), "GET / HTTP/1.1\r\nHost: h\r\ncookie: a=b; session=k; c=d\r\n\r\n"),
        (.baggage("user.id"), "GET / HTTP/1.1\r\nHost: h\r\nbaggage: a=b,user.id=%6B;p=1\r\n\r\n"),
        (.body("/user/id"), "POST / HTTP/1.1\r\nHost: h\r\ncontent-type: application/json\r\ncontent-length: 19\r\n\r\n{\"user\":{\"id\":\"k\"}}"),
        (.requestID, "GET / HTTP/1.1\r\nHost: h\r\nx-request-id: k\r\n\r\n"),
    ]

    @Test("A key is found where it is said to stand", arguments: sources.indices)
    func keySource(_ index: Int) async throws {
        let (source, request) = Self.sources[index]
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate")
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-absent"), source]
        policy.keyRules = ["k": .candidate]
        let plane = try await TestPlane(
            baseline: baseline.server, candidate: candidate.server, rollout: .mode(.canary, policy: policy))
        #expect(try plane.ask(request).body == "\"candidate\"")
        #expect(try plane.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body == "\"baseline\"")
        #expect(try await plane.exchanges(2)[0].decision.reason == .targetingMatch)
        if case .body = source { #expect(candidate.requests.first?.body == "{\"user\":{\"id\":\"k\"}}") }
        await plane.stop()
    }

    @Test("A body too long for a key is passed on whole")
    func longBody() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate")
        var policy = RoutingPolicy()
        policy.keySources = [.body("/user")]
        let plane = try await TestPlane(
            baseline: baseline.server, candidate: candidate.server, rollout: .mode(.canary, percent: 100, policy: policy)
        ) { $0.limits.keyBodyBytes = 1000 }
        let body = "{\"user\":\"\(String(repeating: "a", count: 500_000))\"}"
        let answer = try plane.ask(
            "POST / HTTP/1.1\r\nHost: h\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(answer.body == "\"candidate\"")
        #expect(candidate.requests.first?.body == body)
        await plane.stop()
    }

    @Test("The candidate gets a copy, and the user does not wait for it")
    func shadow() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate", isHeld: true)
        let plane = try await TestPlane(baseline: baseline.server, candidate: candidate.server, rollout: .mode(.shadow))
        let body = "{\"request\":\"hello\"}"
        let request = "POST /run?x=1 HTTP/1.1\r\nHost: h\r\nX-Request-ID: r-1\r\ntraceparent: 00-\(String(repeating: "a", count: 32))-\(String(repeating: "b", count: 16))-01\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        #expect(try plane.ask(request).body == "\"baseline\"")
        #expect(await eventually { candidate.requests.count == 1 })
        candidate.release()
        let exchanges = try await plane.exchanges(2)
        let served = try #require(exchanges.first { $0.role == .baseline })
        let copy = try #require(exchanges.first { $0.role == .candidate })
        let (original, copied) = (baseline.requests[0], candidate.requests[0])
        #expect(original.startLine == copied.startLine)
        #expect(original.body == body && copied.body == body)
        #expect(copied["x-outrigger-mode"] == "shadow")
        #expect(copied["x-outrigger-role"] == "candidate")
        #expect(copied["x-request-id"] == "r-1" && original["x-request-id"] == "r-1")
        #expect(copied["baggage"]?.hasPrefix("outrigger.role=candidate,outrigger.request.id=r-1") == true)
        #expect(served.trace.traceID.hex == String(repeating: "a", count: 32))
        #expect(original["traceparent"]?.hasPrefix("00-\(served.trace.traceID.hex)-\(served.trace.clientSpanID.hex)-") == true)
        #expect(copy.trace.traceID != served.trace.traceID)
        #expect(copied["traceparent"]?.contains(copy.trace.traceID.hex) == true)
        #expect(copy.mode == .shadow)
        #expect(copy.requestID == "r-1")
        #expect(copy.served?.traceID == served.trace.traceID)
        #expect(copy.served?.spanID == served.trace.runSpanID)
        #expect(copy.pairedWith.map { String(decoding: $0.body.joined(), as: UTF8.self) } == "\"baseline\"")
        #expect(copy.response.map { String(decoding: $0.body.joined(), as: UTF8.self) } == "\"candidate\"")
        await plane.stop()
    }

    @Test("Copies that have no place are dropped and counted; the counts add up")
    func shadowBounds() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate", isHeld: true)
        let plane = try await TestPlane(baseline: baseline.server, candidate: candidate.server, rollout: .mode(.shadow), threads: 1) {
            $0.shadow.maximumConcurrency = 2
            $0.shadow.queue = 3
            $0.shadow.bodyBytes = 10
        }
        for _ in 0..<20 { #expect(try plane.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body == "\"baseline\"") }
        let long = "POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 11\r\n\r\n12345678901"
        #expect(try plane.ask(long).body == "\"baseline\"")
        candidate.release()
        #expect(await eventually { await plane.plane.counts().shadowsDone == 5 })
        let counts = await plane.plane.counts()
        #expect(counts.shadowsTaken == 5)
        #expect(counts.shadowsDropped == ["queue_full": 15, "body_too_large": 1])
        #expect(try await plane.exchanges(26).count == 26)
        await plane.stop()
    }

    @Test("A copy fails by an answer that a user could not be given")
    func shadowOfBadAnswer() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try RawServer { connection in
            _ = try connection.readMessage()
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n")
            try connection.waitForEnd()
        }
        let plane = try await TestPlane(baseline: baseline.server, candidate: candidate, rollout: .mode(.shadow))
        #expect(try plane.ask(FaultTests.get).body == "\"baseline\"")
        let exchanges = try await plane.exchanges(2)
        let copy = try #require(exchanges.first { $0.role == .candidate })
        #expect(copy.failure?.type == "bad_response")
        #expect(copy.response?.status == nil)
        await plane.stop()
    }

    @Test("A candidate that cannot be reached is answered for by the baseline, and the run is marked")
    func fallback() async throws {
        let baseline = try NamedAgent("baseline")
        let nobody = try DeadPort()
        let plane = try await TestPlane(
            baselinePort: baseline.server.port, candidatePort: nobody.port, rollout: .mode(.canary, percent: 100),
            agents: [baseline.server])
        let answer = try plane.ask("POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 2\r\n\r\nhi")
        #expect(answer.body == "\"baseline\"")
        #expect(baseline.requests[0].body == "hi")
        let exchange = try await plane.exchanges(1)[0]
        #expect(exchange.role == .baseline)
        #expect(exchange.decision.fallback == "connect_failed")
        #expect(await plane.plane.counts().fallbacks == ["connect_failed": 1])
        await plane.stop()
        withExtendedLifetime(nobody) {}
    }

    @Test("A candidate that was sent something is never replaced silently")
    func noSilentFallback() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try RawServer { _ = try $0.readMessage() }
        let plane = try await TestPlane(baseline: baseline.server, candidate: candidate, rollout: .mode(.canary, percent: 100))
        let answer = try plane.ask("POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 2\r\n\r\nhi")
        #expect(answer.status == 502)
        #expect(answer["x-outrigger-role"] == "candidate")
        #expect(baseline.requests.isEmpty)
        await plane.stop()
    }

    /// The clients never pause; each counts what the candidate answered after the acknowledgement.
    @Test("After a rollback is acknowledged no new request reaches the candidate, a hundred times")
    func rollback() async throws {
        let baseline = try NamedAgent("baseline")
        let candidate = try NamedAgent("candidate")
        let plane = try await TestPlane(
            baseline: baseline.server, candidate: candidate.server, rollout: .mode(.canary, percent: 100))
        let isOver = Mutex(false)
        let answered = Mutex(0)
        let failures = Mutex<[String]>([])
        for _ in 0..<6 {
            let client = try plane.connect()
            startThread {
                while !isOver.withLock({ $0 }) {
                    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    do {
                        let answer = try client.readMessage()
                        if answer.status != 200 { failures.withLock { $0.append(answer.body) } }
                        answered.withLock { $0 += 1 }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                        return
                    }
                }
            }
        }
        var snapshot = RolloutSnapshot.mode(.canary, percent: 100)
        var acknowledgements: [UInt64] = []
        var restarts: [UInt64] = []
        for _ in 0..<100 {
            let before = answered.withLock { $0 }
            #expect(await eventually { answered.withLock { $0 } > before + 12 })
            snapshot.state = try snapshot.state.applying(.rollback, at: 0)
            plane.plane.apply(snapshot)
            let acknowledged = RequestClock().now
            acknowledgements.append(acknowledged)
            let since = answered.withLock { $0 }
            #expect(await eventually { answered.withLock { $0 } > since + 24 })
            restarts.append(RequestClock().now)
            snapshot.state = try snapshot.state.applying(.promote, at: 0)
            plane.plane.apply(snapshot)
        }
        isOver.withLock { $0 = true }
        #expect(failures.withLock { $0 } == [])
        // Each request's record says when its first byte went to which arm.
        let toCandidate = plane.exchanges.filter { $0.role == .candidate }.compactMap(\.times.sent)
        #expect(toCandidate.count > 1000)
        for (acknowledged, restarted) in zip(acknowledgements, restarts) {
            #expect(!toCandidate.contains { $0 > acknowledged && $0 < restarted })
        }
        await plane.stop()
    }
}
