import AgentRuns
import Foundation
import JSONDocuments
import NIOCore
import NIOHTTP1
import NIOPosix
import Replay
import Testing

@testable import ReplayAgents

@Suite(.timeLimit(.minutes(10)))
struct ToolEndpointTests {
    /// Limits that no busy machine reaches by being slow.
    private static var patient: ToolEndpoint.Limits {
        var limits = ToolEndpoint.Limits()
        limits.requestTime = .hours(1)
        return limits
    }

    private func withEndpoint(
        _ limits: ToolEndpoint.Limits = Self.patient, _ body: (ToolEndpoint, ToolEndpoint.Lease, AgentNotices) async throws -> Void
    ) async throws {
        let notices = AgentNotices()
        let endpoint = try await ToolEndpoint.start(notices, limits: limits)
        let task = try task("{}")
        let lease = endpoint.open(ToolSession(task, RecordedTools(task.trace), notices))
        do {
            try await body(endpoint, lease, notices)
            await endpoint.end()
        } catch {
            await endpoint.end()
            throw error
        }
    }

    private static func path(_ lease: ToolEndpoint.Lease) -> String { "/run/" + lease.token.hex }

    private static func post(_ path: String, _ body: String, _ headers: String = "", close: Bool = true) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\n\(close ? "Connection: close\r\n" : "")\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func everyFormOfACallIsAnswered() async throws {
        try await withEndpoint { endpoint, lease, notices in
            let path = Self.path(lease)
            #expect(lease.url == "http://127.0.0.1:\(endpoint.port)" + path)
            let a = try await raw(endpoint.port, Self.post(path + "/tools/re%61d?x", #"{"path": "a"}"#))
            #expect(a.hasPrefix("HTTP/1.1 200 OK") && a.hasSuffix(#"{"success":true,"result":"text of a"}"#))
            let b = try await raw(endpoint.port, Self.post(path + "/call", #"{"name": "read", "args": {"path": "b"}, "id": "7"}"#))
            #expect(b.hasSuffix(#"{"success":false,"error":"no such file"}"#))
            let c = try await raw(endpoint.port, Self.post(path + "/tools/write", ""))
            #expect(c.hasSuffix(#"{"success":true,"result":null}"#))
            let list = try await raw(endpoint.port, "GET \(path)/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(list.hasSuffix(#"{"tools":["read","write"]}"#))
            let bad = try await raw(endpoint.port, Self.post(path + "/tools/read", "{nonsense"))
            #expect(bad.hasPrefix("HTTP/1.1 200") && bad.contains("cannot be read"))
            let record = endpoint.close(lease)
            #expect(record.calls.map(\.name) == ["read", "read", "write", "read"])
            #expect(record.calls.map(\.id) == [nil, "7", nil, nil])
            #expect(record.answers.matched == 3 && record.answers.refused == 1)
            let gone = try await raw(endpoint.port, Self.post(path + "/tools/read", "{}"))
            #expect(gone.hasPrefix("HTTP/1.1 410"))
            #expect(notices.counts == [.lateCall: 1])
        }
    }

    @Test(arguments: [
        ("/", 404, []), ("/run/", 404, []), ("/run/0123456789abcdef0123456789abcdef/tools/read", 404, []), ("/run/../tools/read", 404, []),
        ("/metrics", 404, []), ("UPPER/tools/read", 404, []), ("TOKEN", 404, []),
        // With the token, what was tried counts, by its name as far as that can be read.
        ("TOKEN/tools/", 400, [nil]), ("TOKEN/tools/%zz", 400, [nil]), ("TOKEN/tools/%ff", 400, [nil]), ("TOKEN/call", 400, [nil]),
        ("TOKEN/tools/r%6d%zz", 400, ["rm"]), ("TOKEN/tools/rm%ffx", 400, ["rm"]), ("TOKEN/tools", 405, [nil]), ("TOKEN/rm", 404, ["rm"]),
        ("TOKEN//tools/rm", 404, ["rm"]), ("TOKEN/call/rm", 404, ["rm"]),
    ] as [(String, Int, [String?])])
    func wrongPathsAreRefused(_ path: String, _ status: Int, _ calls: [String?]) async throws {
        try await withEndpoint { endpoint, lease, _ in
            let target = path.replacingOccurrences(of: "TOKEN", with: Self.path(lease))
                .replacingOccurrences(of: "UPPER", with: "/run/" + lease.token.hex.uppercased() + "A")
            let answer = try await raw(endpoint.port, Self.post(target, "{}"))
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            // Nothing is learnt without a token; with one, the way is shown.
            let words = path.hasPrefix("TOKEN") ? "not found: POST the arguments to tools_url/tools/NAME" : "not found"
            #expect(status != 404 || answer.hasSuffix(#"{"success":false,"error":"\#(words)"}"#))
            let record = endpoint.close(lease)
            #expect(record.calls.map(\.name) == calls)
            #expect(record.answers.refused == calls.count)
        }
    }

    @Test("what is refused before it is looked at is a refused call of its run", arguments: [
        ("GET PATH/tools/rm?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ["rm"]),
        ("DELETE PATH/call HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{\"name\":\"rm\"}", ["rm"]),
        ("POST PATH HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{\"name\":\"rm\"}", ["rm"]),
        ("POST PATH/call HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{\"name\":[\"rm\"]}", [nil]),
        ("POST PATH/tools/rm HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", ["rm"]),
        ("POST PATH/call HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", [nil]),
        ("POST PATH/tools/rm HTTP/1.1\r\nHost: x\r\noutrigger-run-id: other\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", ["rm"]),
    ] as [(String, [String?])])
    func attemptsCount(_ request: String, _ calls: [String?]) async throws {
        try await withEndpoint { endpoint, lease, _ in
            let bytes = request.replacingOccurrences(of: "PATH", with: Self.path(lease))
            // A close while the peer still sends resets the connection, which can cost the peer the answer.
            let answer = try await raw(endpoint.port, bytes, mayFail: true)
            #expect(answer.hasPrefix("HTTP/1.1 4") || answer.isEmpty, "\(answer)")
            let record = endpoint.close(lease)
            #expect(record.calls.map(\.name) == calls)
            #expect(record.calls.allSatisfy { !$0.reply.success && $0.arguments == nil })
            #expect(record.answers.refused == 1 && record.answers.unasked == [0, 1, 2])
        }
    }

    @Test func theListOfToolsIsNoCall() async throws {
        try await withEndpoint { endpoint, lease, _ in
            _ = try await raw(endpoint.port, "HEAD \(Self.path(lease))/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            _ = try await raw(endpoint.port, "GET \(Self.path(lease))/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(endpoint.close(lease).calls.isEmpty)
        }
    }

    @Test(arguments: [
        ("huge body", "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413"),
        ("garbage", "\u{16}\u{3}\u{1} hello\r\n\r\n", "HTTP/1.1 400"),
        ("huge header", "GET / HTTP/1.1\r\nX: \(String(repeating: "y", count: 100_000))\r\n\r\n", "HTTP/1.1 "),
        ("many headers", "GET / HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 1000))\r\n", "HTTP/1.1 "),
        ("chunks", "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: "10000\r\n\(String(repeating: "z", count: 65536))\r\n", count: 20), "HTTP/1.1 413"),
        ("half a request", "POST /x HTT", ""),
    ])
    func hostilePeersAreClosedAndHarmNobody(_ name: String, _ bytes: String, _ start: String) async throws {
        var limits = ToolEndpoint.Limits()
        limits.requestTime = .milliseconds(name == "half a request" ? 100 : 30_000)
        try await withEndpoint(limits) { endpoint, lease, _ in
            // The end of this exchange is that the endpoint closes the connection.
            let answer = try await raw(endpoint.port, bytes, mayFail: true)
            // A close while the peer still sends resets the connection, which can cost the peer the answer.
            #expect(answer.hasPrefix(start) || answer.isEmpty, "\(answer.prefix(200))")
            // Where the time for a request is short, a busy machine may need several attempts to be fast enough.
            var good = ""
            for _ in 0..<100 where good.isEmpty {
                good = (try? await raw(endpoint.port, Self.post(Self.path(lease) + "/tools/read", #"{"path":"a"}"#), mayFail: true)) ?? ""
            }
            #expect(good.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withEndpoint { endpoint, lease, _ in
            let path = Self.path(lease)
            let answer = try await raw(
                endpoint.port,
                Self.post(path + "/tools/read", #"{"path":"a"}"#, close: false) + Self.post(path + "/tools/read", #"{"path":"b"}"#, close: false)
                    + Self.post(path + "/tools/none", "{}"))
            let places = ["text of a", "no such file", "replay"].map { answer.range(of: $0)?.lowerBound }
            #expect(places.allSatisfy { $0 != nil } && places.compactMap { $0 }.sorted() == places.compactMap { $0 })
        }
    }

    @Test func connectionsBeyondTheLimitAreClosed() async throws {
        var limits = ToolEndpoint.Limits()
        limits.connections = 3
        try await withEndpoint(limits) { endpoint, lease, notices in
            var idle: [any Channel] = []
            for _ in 0..<3 {
                let answered = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(FirstAnswer(answered))
                        }
                    }
                    .connect(host: "127.0.0.1", port: endpoint.port).get()
                idle.append(channel)
                try await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n\r\n")).get()
                // The answer proves that the endpoint has the connection.
                try await answered.futureResult.get()
            }
            let answer = try await raw(endpoint.port, Self.post(Self.path(lease) + "/tools/read", "{}"), mayFail: true)
            #expect(answer.isEmpty)
            #expect(notices.counts[.closedConnection] == 1)
            for channel in idle { try await channel.close().get() }
        }
    }

    @Test func aCallThatSaysItIsAnotherRunsIsRefused() async throws {
        try await withEndpoint { endpoint, lease, notices in
            let other = try task("{}")
            let second = endpoint.open(ToolSession(other, RecordedTools(other.trace), notices))
            let path = Self.path(lease) + "/tools/read"
            for headers in ["traceparent: \(other.traceParent)\r\n", "outrigger-run-id: \(other.runID)\r\n"] {
                #expect(try await raw(endpoint.port, Self.post(path, "{}", headers)).hasPrefix("HTTP/1.1 403"))
            }
            // A trace that no run has, and the run's own.
            let own = "00-\(lease.session.traceID)-00000000000000aa-01"
            for parent in ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", own, "junk"] {
                #expect(try await raw(endpoint.port, Self.post(path, "{}", "traceparent: \(parent)\r\n")).hasPrefix("HTTP/1.1 200"))
            }
            // What says that it is another's counts where it came, and uses up nothing; of two recorded ones, the third has none.
            let record = endpoint.close(lease)
            #expect(record.calls.map(\.name) == Array(repeating: "read", count: 5))
            #expect(record.answers.refused == 3 && record.answers.matchedByName == 2)
            #expect(endpoint.close(second).calls.isEmpty)
            #expect(notices.counts == [.foreignCall: 2])
        }
    }

    @Test func tokensAreUnguessableAndReadBack() {
        let tokens = (0..<1000).map { _ in RunToken() }
        #expect(Set(tokens).count == 1000)
        for token in tokens { #expect(RunToken(hex: token.hex[...]) == token && token.hex.count == 32) }
    }

    @Test func tooManyCallsAreRefusedAndEndTheRunAsAProblem() throws {
        let task = try task("{}")
        let session = ToolSession(task, RecordedTools(task.trace), AgentNotices())
        for _ in 0..<ToolSession.maximumCalls { _ = session.answer(name: "x", arguments: nil) }
        let reply = try #require(session.answer(name: "read", arguments: nil))
        #expect(reply.source == .refused)
        let record = session.finish()
        #expect(record.calls.count == ToolSession.maximumCalls && record.answers.refused == ToolSession.maximumCalls + 1)
        #expect(session.answer(name: "read", arguments: nil) == nil)
        let arm = LiveRun(task, AgentNotices()).ended(.success(AgentAnswer(run: task.emptyRun)), record)
        #expect(arm.problem?.kind == .badAnswer)
        #expect(arm.problem?.detail.contains("more tool calls than are kept: 10000") == true)
        #expect(arm.run.toolCalls.count == ToolSession.maximumCalls)
    }
}

/// Sends bytes over a connection of its own, and gives all that comes back until the peer closes it.
private func raw(_ port: Int, _ bytes: String, mayFail: Bool = false) async throws -> String {
    let received = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String.self)
    let channel: any Channel
    do {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    } catch {
        received.fail(error)
        throw error
    }
    do {
        try await channel.writeAndFlush(ByteBuffer(string: bytes)).get()
    } catch {
        // The peer may have closed before it had read all.
        if !mayFail { throw error }
    }
    return try await received.futureResult.get()
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let received: EventLoopPromise<String>
    private var text = ""

    init(_ received: EventLoopPromise<String>) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { text += String(buffer: unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { received.succeed(text) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class FirstAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let answered: EventLoopPromise<Void>

    init(_ answered: EventLoopPromise<Void>) { self.answered = answered }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { answered.succeed() }
    func channelInactive(context: ChannelHandlerContext) { answered.fail(ChannelError.eof) }
}
