import AdminAPI
import AgentRuns
import Foundation
import FoundationNetworking
import Rollout
import RolloutControl
import Testing

/// The admin API over real HTTP, by programs that were not written here.
@Suite("Admin API", .timeLimit(.minutes(10)))
struct AdminAPITests {
    private func server(
        token: String? = nil, mode: RolloutMode = .baseline, percent: Double = 0, policy: RoutingPolicy = RoutingPolicy()
    ) async throws -> AdminServer {
        let state = RolloutState(id: "test", mode: mode, percentage: Percentage(percent: percent) ?? .none)
        let controller = try RolloutController(state, policy: policy, path: nil) { _ in }
        let service = AdminService(controller: controller, unreadiness: { [] }, metrics: { "up 1\n" })
        return try await AdminServer.start(.init(host: "127.0.0.1", port: 0, token: token), service)
    }

    @Test("Every answer fits the OpenAPI document, which is valid")
    func document() async throws {
        let server = try await server()
        let result = try await Python.run("check_admin_api.py", ["\(server.port)"])
        #expect(result.status == 0, "\(result.text)")
        #expect(result.text.contains("answers fit the document"))
        await server.stop()
    }

    @Test("OpenFeature's own provider gets the arm that the router would choose", arguments: [nil, "s3cret"])
    func openFeature(token: String?) async throws {
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-user"), .requestID]
        policy.salt = "salt"
        policy.keyRules = ["alice": .candidate]
        policy.headerRules = [.init(name: "x-arm", value: "new", role: .candidate)]
        policy.deny = ["mallory"]
        let server = try await server(token: token, mode: .canary, percent: 30, policy: policy)
        var contexts: [[String: Any]] = (0..<200).map { ["key": "user-\($0)", "attributes": [String: String]()] }
        contexts.append(["key": "alice", "attributes": ["x-user": "someone-else"]])
        contexts.append(["key": "mallory", "attributes": ["x-arm": "new"]])
        contexts.append(["key": "eve", "attributes": ["x-arm": "new"]])
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("contexts-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try JSONSerialization.data(withJSONObject: contexts).write(to: file)
        let result = try await Python.run("check_ofrep.py", ["\(server.port)", "agent-rollout", file.path] + (token.map { [$0] } ?? []))
        #expect(result.status == 0, "\(result.text)")
        let line = try #require(result.text.split(separator: "\n").last)
        let answers = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [[Any?]])
        try #require(answers.count == 203)
        for i in 0..<200 {
            let isCandidate = Bucket(of: "user-\(i)", salt: "salt").isWithin(try #require(Percentage(percent: 30)))
            #expect(answers[i][0] as? String == (isCandidate ? "candidate" : "baseline"))
            #expect(answers[i][1] as? String == (isCandidate ? "candidate" : "baseline"))
            #expect((answers[i][2] as? String)?.contains("SPLIT") == true)
        }
        #expect(answers[200...].map { $0[0] as? String } == ["candidate", "baseline", "candidate"])
        await server.stop()
    }

    @Test(
        "With a token only its bearer gets in; health and readiness are open",
        arguments: [
            ("/v1/rollout", nil, 401), ("/v1/rollout", "Bearer wrong!", 401), ("/v1/rollout", "Bearer s3cre", 401),
            ("/v1/rollout", "Bearer s3crets", 401), ("/v1/rollout", "s3cret", 401), ("/v1/rollout", "Bearer s3cret", 200),
            ("/v1/rollout", "bearer s3cret", 200), ("/v1/rollout", "BEARER  s3cret", 200), ("/v1/rollout", "Basic s3cret", 401),
            ("/v1/rollout", "Bearers3cret", 401), ("/v1/rollout", "Bearer", 401), ("/v1/rollout", "Bearer s3cret x", 401),
            ("/metrics", nil, 401), ("/openapi.json", nil, 401), ("/healthz", nil, 200), ("/readyz", nil, 200), ("/nowhere", nil, 401),
        ] as [(String, String?, Int)])
    func token(path: String, authorization: String?, status: Int) async throws {
        let server = try await server(token: "s3cret")
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(server.port)\(path)")))
        if let authorization { request.setValue(authorization, forHTTPHeaderField: "Authorization") }
        let (_, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == status)
        await server.stop()
    }

    @Test(
        "A page of another site is turned away, with the token and without",
        arguments: [
            ("127.0.0.1", nil, 200), ("localhost:80", nil, 200), ("LocalHost", nil, 200), ("[::1]:8081", nil, 200), ("127.8.9.10", nil, 200),
            ("evil.example", nil, 421), ("127.evil.example", nil, 421), ("127.0.0.1.evil.example", nil, 421), ("127.0.0.1@evil", nil, 421),
            ("localhost.evil.example", nil, 421), ("[::1].evil", nil, 421), ("127.0.0.256", nil, 421), ("localhost:80.evil", nil, 421),
            ("10.0.0.1", nil, 421), ("127.0.0.1", "http://evil.example", 403), ("127.0.0.1", "null", 403),
            ("127.0.0.1", "http://127.evil.example", 403), ("127.0.0.1", "http://localhost:3000", 200),
        ] as [(String, String?, Int)], [nil, "s3cret"])
    func foreign(_ shape: (host: String, origin: String?, status: Int), token: String?) async throws {
        let server = try await server(token: token)
        var lines = ["GET /v1/rollout HTTP/1.1", "Host: \(shape.host)", "Connection: close"]
        if let origin = shape.origin { lines.append("Origin: \(origin)") }
        if let token { lines.append("Authorization: Bearer \(token)") }
        let result = try await Python.run("ask_raw.py", ["\(server.port)"] + lines)
        #expect(result.text.hasPrefix("HTTP/1.1 \(shape.status) "), "\(result.text)")
        await server.stop()
    }

    @Test(
        "Another method on a path that there is says which ones are known",
        arguments: [
            ("DELETE", "/v1/rollout", "GET, PUT"), ("POST", "/v1/rollout", "GET, PUT"), ("GET", "/v1/rollout/pause", "POST"),
            ("PUT", "/v1/rollout/history", "GET"), ("POST", "/metrics", "GET"), ("DELETE", "/healthz", "GET"),
            ("GET", "/ofrep/v1/evaluate/flags", "POST"), ("GET", "/ofrep/v1/evaluate/flags/agent-rollout", "POST"),
            ("DELETE", "/v1/rollout/unknown", nil), ("DELETE", "/", nil), ("POST", "/v1", nil), ("GET", "/ofrep/v2/evaluate/flags", nil),
        ] as [(String, String, String?)])
    func methods(method: String, path: String, allow: String?) async throws {
        let server = try await server()
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(server.port)\(path)")))
        request.httpMethod = method
        let (_, response) = try await URLSession.shared.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        #expect(answer.statusCode == (allow == nil ? 404 : 405))
        #expect(answer.value(forHTTPHeaderField: "Allow") == allow)
        #expect(answer.value(forHTTPHeaderField: "Content-Type") == "application/problem+json")
        await server.stop()
    }

    @Test("It does not listen beyond this machine without a token", arguments: ["0.0.0.0", "127.evil.example"])
    func openToTheNetwork(host: String) async throws {
        let controller = try RolloutController(RolloutState(id: "t"), policy: RoutingPolicy(), path: nil) { _ in }
        let service = AdminService(controller: controller, unreadiness: { [] }, metrics: { "" })
        await #expect { try await AdminServer.start(.init(host: host, port: 0, token: nil), service) } throws: {
            "\($0)".contains("without a token")
        }
    }

    @Test("A port that is taken is an error that names it")
    func portTaken() async throws {
        let first = try await server()
        let controller = try RolloutController(RolloutState(id: "t"), policy: RoutingPolicy(), path: nil) { _ in }
        let service = AdminService(controller: controller, unreadiness: { [] }, metrics: { "" })
        await #expect { try await AdminServer.start(.init(host: "127.0.0.1", port: first.port, token: nil), service) } throws: {
            "\($0)".contains("\(first.port)")
        }
        await first.stop()
    }
}

/// Programs of Tests/Support.
enum Python {
    struct Result: Sendable {
        var status: Int32
        var text: String
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func run(_ program: String, _ arguments: [String]) async throws -> Result {
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/Support/\(program)").path] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        // The server under test answers on Swift's own threads: they must not be kept waiting.
        return try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                do {
                    try process.run()
                    let data = try output.fileHandleForReading.readToEnd() ?? Data()
                    process.waitUntilExit()
                    continuation.resume(returning: Result(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self)))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            thread.start()
        }
    }
}
