internal import AsyncHTTPClient
public import JSONDocuments
public import JSONText
internal import NIOCore
internal import NIOHTTP1

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
        let status: UInt
        let bytes: [UInt8]
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            status = response.status.code
            bytes = Array(try await response.body.collect(upTo: 16 << 20).readableBytesView)
        } catch {
            throw Unreachable(description: "\(url) cannot be reached (\(error)); is the sidecar running, and is this its admin address?")
        }
        guard let document = try? JSONDocument(parsing: bytes) else {
            throw Unreachable(description: "\(url) answers \(status), and no JSON; is it a sidecar's admin API?")
        }
        let json = String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ")
        guard status == 200 else {
            var detail = "it answers \(status)"
            if case .string(let words)? = document["detail"] { detail = words }
            throw Refusal(detail: detail, json: json)
        }
        return Answer(json: json, document: document)
    }
}
