internal import HTTPTypes
internal import Hummingbird
internal import JSONText
internal import Logging
internal import NIOCore
internal import Synchronization

/// A small support agent that really listens: it answers in the agent protocol, and says which tools it called.
///
/// Version v12 looks up the order and checks the policy before it refunds. Version v13 is faster because it does not check:
/// that is what a shadow shows before a user meets it.
public final class DemoAgent: Sendable {
    public enum Version: String, Sendable, CaseIterable {
        case v12, v13
    }

    private struct State: Sendable {
        var requests = 0
        var isBroken = false
    }

    private final class Counter: Sendable {
        let state = Mutex(State())
    }

    public let version: Version
    /// On loopback; chosen by the system.
    public let port: Int
    private let counter: Counter
    private let task: Task<Void, any Error>

    private init(_ version: Version, port: Int, _ counter: Counter, _ task: Task<Void, any Error>) {
        self.version = version
        self.port = port
        self.counter = counter
        self.task = task
    }

    public var url: String { "http://127.0.0.1:\(port)" }

    /// Requests so far.
    public var requests: Int { counter.state.withLock { $0.requests } }

    /// From now on every request is answered with 500.
    public func breakDown() { counter.state.withLock { $0.isBroken = true } }

    /// - Throws: ``DemoError`` when it cannot listen.
    public static func start(_ version: Version) async throws -> DemoAgent {
        let counter = Counter()
        let router = Router()
        router.post("run") { request, _ in
            let isBroken = counter.state.withLock { state in
                state.requests += 1
                return state.isBroken
            }
            let body = try await request.body.collect(upTo: 1 << 16)
            let isRefund = body.readableBytesView.contains(Array("refund".utf8))
            // The work of a model, in short.
            try await Task.sleep(for: .milliseconds(version == .v12 ? 12 : 8))
            return response(version, isRefund: isRefund, isBroken: isBroken)
        }
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0), serverName: "agent/\(version.rawValue)"),
            onServerRunning: { channel in channel.localAddress?.port.map { _ = continuation.yield($0) } },
            logger: Logger(label: "outrigger.demo", factory: { _ in SwiftLogNoOpLogHandler() }))
        let task = Task {
            defer { continuation.finish() }
            try await application.run()
        }
        for await port in ports { return DemoAgent(version, port: port, counter, task) }
        do {
            try await task.value
        } catch {
            throw DemoError("an agent of the demo cannot listen on 127.0.0.1: \(error)")
        }
        throw DemoError("an agent of the demo ended at once")
    }

    public func stop() async {
        task.cancel()
        _ = try? await task.value
    }

    private static func response(_ version: Version, isRefund: Bool, isBroken: Bool) -> Response {
        var answer: [(String, JSONValue)]
        if isBroken {
            answer = [("error", .text("the model's answer could not be read")), ("outcome", .text("error"))]
        } else {
            var calls = [call("lookup_order", [("order", .integer(1042))], .text("delivered"), milliseconds: 3)]
            if isRefund, version == .v12 { calls.append(call("check_policy", [("order", .integer(1042))], .text("within 30 days"), milliseconds: 4)) }
            if isRefund { calls.append(call("refund_order", [("order", .integer(1042))], .text("done"), milliseconds: 5)) }
            answer = [
                ("response", .text(isRefund ? "Your money is on its way." : "Your order was delivered.")), ("outcome", .text("success")),
                ("cost_tokens", .integer(version == .v12 ? 212 : 148)), ("tool_calls", .array(calls)),
            ]
        }
        let text = JSONValue.object(answer).text
        return Response(
            status: isBroken ? .internalServerError : .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func call(_ name: String, _ arguments: [(String, JSONValue)], _ result: JSONValue, milliseconds: Int) -> JSONValue {
        .object([
            ("name", .text(name)), ("args", .object(arguments)), ("result", result), ("success", .bool(true)),
            ("duration_ms", .integer(milliseconds)),
        ])
    }
}

/// Why the demo cannot go on.
public struct DemoError: Error, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
