internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// Users of the demo's agent, who ask through the sidecar.
public struct DemoLoad: Sendable {
    /// Users that take turns; each is a sticky key.
    public static let users = 200
    /// The users who ask for a refund: one in five.
    public static func asksForRefund(_ user: Int) -> Bool { user % 5 == 0 }

    private let url: String

    /// - Parameter port: where the sidecar listens on loopback.
    public init(port: Int) { url = "http://127.0.0.1:\(port)/run" }

    /// What the users saw.
    public struct Result: Sendable {
        /// Requests by the arm that the answer names, such as `baseline`.
        public var arms: [String: Int] = [:]
        /// Answers other than 200.
        public var failed = 0
        /// Users who were answered by more than one arm.
        public var movedUsers: Int { armsOfUsers.values.count { $0.count > 1 } }
        /// Seconds, of each request, ascending.
        public var latencies: [Double] = []

        fileprivate var armsOfUsers: [Int: Set<String>] = [:]

        /// Seconds.
        public var median: Double { latencies.isEmpty ? 0 : latencies[latencies.count / 2] }
    }

    /// Sends requests, sixteen at a time, until there were `count` or `isStopped` says so.
    ///
    /// - Throws: ``DemoError`` when the sidecar cannot be reached.
    public func send(_ count: Int, until isStopped: @escaping @Sendable () -> Bool = { false }) async throws -> Result {
        var result = Result()
        try await withThrowingTaskGroup(of: (user: Int, arm: String, isGood: Bool, latency: Double).self) { group in
            var sent = 0
            func next() {
                guard sent < count, !isStopped() else { return }
                let user = sent % Self.users
                sent += 1
                group.addTask { try await one(user) }
            }
            for _ in 0..<16 { next() }
            while let one = try await group.next() {
                result.arms[one.arm, default: 0] += 1
                result.armsOfUsers[one.user, default: []].insert(one.arm)
                if !one.isGood { result.failed += 1 }
                result.latencies.append(one.latency)
                next()
            }
        }
        result.latencies.sort()
        return result
    }

    private func one(_ user: Int) async throws -> (user: Int, arm: String, isGood: Bool, latency: Double) {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "x-user-id", value: "user-\(user)")
        let question = Self.asksForRefund(user) ? "I want a refund for order 1042." : "Where is order 1042?"
        request.body = .bytes(ByteBuffer(string: #"{"request":"\#(question)"}"#))
        let begin = ContinuousClock.now
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            _ = try await response.body.collect(upTo: 1 << 20)
            let took = ContinuousClock.now - begin
            return (user, response.headers.first(name: "x-outrigger-role") ?? "none", response.status == .ok, took / .seconds(1))
        } catch {
            throw DemoError("the sidecar does not answer: \(error)")
        }
    }
}
