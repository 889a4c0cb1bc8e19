internal import AsyncHTTPClient
internal import Glibc
internal import HTTPAnswers
public import JSONDocuments
public import JSONText
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Talks to a sidecar's admin API.
public struct AdminClient: Sendable {
    private let url: String
    private let token: String?

    /// - Parameters:
    ///   - url: the API's base, such as `http://127.0.0.1:8081`.
    ///   - token: the bearer token; nil where none is asked for.
    public init(url: String, token: String?) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
    }

    /// What the sidecar answered with 200.
    public struct Answer: Sendable {
        /// JSON on one line.
        public var json: String
        public var document: JSONDocument
    }

    /// The sidecar said no.
    public struct Refusal: Error, Sendable {
        /// Its words for people.
        public var detail: String
        public var json: String
    }

    /// Nobody answered, or somebody else.
    public struct Unreachable: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// - Parameter ifMatch: the revision that a change is meant for.
    /// - Throws: ``Refusal`` or ``Unreachable``.
    public func send(_ method: String, _ path: String, _ body: JSONValue? = nil, ifMatch revision: Int? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let revision { request.headers.add(name: "if-match", value: "\"\(revision)\"") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.text))
        }
        guard Self.isUsable(url) else { throw Unreachable(description: "\(url) is no address of an admin API, such as http://127.0.0.1:8081") }
        let (status, headers, bytes) = try await exchange(request)
        guard let document = try? JSONDocument(parsing: bytes), !Self.isOfRequest(headers), Self.isAdminAnswer(status, document) else {
            throw Self.stranger(url, status, headers)
        }
        let json = String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ")
        guard status == 200 else {
            var detail = "it answers \(status)"
            if case .string(let words)? = document["detail"] { detail = words }
            throw Refusal(detail: detail, json: json)
        }
        return Answer(json: json, document: document)
    }

    /// One answer, whole. What asks for the token is this address alone: a redirect is an answer, and is not followed.
    private func exchange(_ request: HTTPClientRequest) async throws -> (status: UInt, headers: HTTPHeaders, bytes: [UInt8]) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), decompression: .disabled)
        // The library would try a port that nobody listens at again and again, until the time is up.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.refuseImpossibleStatuses()
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let bytes = Array(try await response.body.collect(upTo: 16 << 20).readableBytesView)
            try? await client.shutdown()
            return (response.status.code, response.headers, bytes)
        } catch {
            try? await client.shutdown()
            if error is NIOTooManyBytesError { throw Unreachable(description: "\(url) answers without end; is it a sidecar's admin API?") }
            throw Unreachable(description: Self.isRefusal(error)
                ? "nobody listens at \(url); is the sidecar running? (--admin URL)"
                : "\(url) cannot be reached (\(error)); is the sidecar running, and is this its admin address?")
        }
    }

    // MARK: who answered

    /// Whether it has the form of the API's answers: a rollout, its history, or a problem.
    private static func isAdminAnswer(_ status: UInt, _ document: JSONDocument) -> Bool {
        switch (document["revision"], document["mode"], document["changes"], document["code"], document["detail"]) {
        case (.number?, .string?, _, _, _), (_, _, .array?, _, _): status == 200
        case (_, _, _, .string?, .string?): status != 200
        default: false
        }
    }

    /// Whether it is an answer to a client's request, an agent's or the sidecar's own: those have headers that no other port's have.
    private static func isOfRequest(_ headers: HTTPHeaders) -> Bool {
        headers.contains(name: "x-outrigger-role") || headers.contains(name: "x-outrigger-error")
    }

    private static func stranger(_ url: String, _ status: UInt, _ headers: HTTPHeaders) -> Unreachable {
        let fault = isOfRequest(headers)
            ? "\(url) is where clients send their requests, and not the admin API"
            : "\(url) answers (\(status)), but not as a sidecar's admin API does"
        return Unreachable(
            description: "\(fault); name that with --admin URL (admin.listen in the sidecar's configuration, 127.0.0.1:8081 unless it says otherwise)")
    }

    // MARK: where it is

    /// Whether it is `http(s)://HOST[:PORT]…` with a port that there can be: the HTTP client traps on others.
    private static func isUsable(_ url: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) else { return false }
        let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        let afterHost = authority.lastIndex(of: "]").map { authority[authority.index(after: $0)...] } ?? authority
        guard let colon = afterHost.lastIndex(of: ":") else { return !authority.isEmpty }
        return colon > authority.startIndex && (1...65535).contains(Int(afterHost[afterHost.index(after: colon)...]) ?? 0)
    }

    /// Whether the host is there, and no program has the port.
    private static func isRefusal(_ error: any Error) -> Bool {
        switch error {
        case let error as IOError: error.errnoCode == ECONNREFUSED
        case let error as NIOConnectionError:
            !error.connectionErrors.isEmpty && error.connectionErrors.allSatisfy { isRefusal($0.error) }
        default: false
        }
    }
}
