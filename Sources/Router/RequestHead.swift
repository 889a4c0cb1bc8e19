internal import LiveRuns
internal import NIOHTTP1

/// A field that is to stand in a head once: what it says first, and how often it stands there.
struct HeaderValue {
    private(set) var first: String?
    private(set) var count = 0

    mutating func add(_ value: String) {
        if count == 0 { first = value }
        count += 1
    }
}

/// A client's request but for its body, gone through once.
///
/// Every question to NIO's headers goes through all of them, and a request is asked some twenty; here one walk answers them all.
/// A class, since the request, its record and its copy share it, and a copy of it would be a retain of each of its texts.
final class RequestHead {
    /// As it came.
    let head: HTTPRequestHead
    let method: HTTPMethod
    let uri: String
    /// Whether the client speaks HTTP/1.1, and so knows chunks and keeps connections unless it says otherwise.
    let isHTTP11: Bool

    /// What goes on to the agent, in its order, but for what ``fields(routing:)`` leaves out.
    private var kept: [(String, String)] = []
    /// Whether a name among these goes on only if the arm is chosen by it, or if nothing of ours could be read into it.
    private var hasDoubtful = false

    private(set) var connection = HeaderValue()
    private(set) var contentLength = HeaderValue()
    private(set) var transferEncoding = HeaderValue()
    private(set) var host = HeaderValue()
    private(set) var hasUpgrade = false
    /// Name of a header that cannot be passed on as it was sent.
    private(set) var altered: String?
    // The first value of each.
    private(set) var contentType: String?
    private(set) var contentEncoding: String?
    private(set) var userAgent: String?
    private(set) var expect: String?
    private(set) var requestID: String?
    private(set) var forwardedProto: String?
    private(set) var forwardedHost: String?
    // All values of each as one.
    private(set) var baggage: String?
    private(set) var forwardedFor: String?
    private(set) var via: String?
    private var traceParent = HeaderValue()
    private var traceState: [String] = []

    init(_ head: HTTPRequestHead) {
        self.head = head
        method = head.method
        uri = head.uri
        let version = head.version
        isHTTP11 = version.major == 1 && version.minor >= 1
        // Most requests have fewer.
        kept.reserveCapacity(16)
        for (name, value) in head.headers {
            if value.hasLostBytes { altered = name }
            take(name, value)
        }
    }

    private func take(_ name: String, _ value: String) {
        switch HeaderName(name) {
        case .connection: connection.add(value)
        case .upgrade: hasUpgrade = true
        case .transferEncoding: transferEncoding.add(value)
        case .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .forwarded: break
        case .contentLength: contentLength.add(value)
        case .traceparent: traceParent.add(value)
        case .tracestate: traceState.append(value)
        case .baggage: Self.join(value, to: &baggage)
        case .forwardedFor: Self.join(value, to: &forwardedFor)
        case .via: Self.join(value, to: &via)
        case .requestID: requestID = requestID ?? value
        case .forwardedProto: forwardedProto = forwardedProto ?? value
        case .forwardedHost: forwardedHost = forwardedHost ?? value
        case .expect: expect = expect ?? value
        case .host:
            host.add(value)
            kept.append((name, value))
        case .contentType:
            contentType = contentType ?? value
            kept.append((name, value))
        case .contentEncoding:
            contentEncoding = contentEncoding ?? value
            kept.append((name, value))
        case .userAgent:
            userAgent = userAgent ?? value
            kept.append((name, value))
        case .prefixed, .withUnderscore:
            hasDoubtful = true
            kept.append((name, value))
        case .other: kept.append((name, value))
        }
    }

    private static func join(_ value: String, to values: inout String?) {
        guard values != nil else {
            values = value
            return
        }
        values?.append(",")
        values?.append(value)
    }

    /// What goes on to the agent, in its order: without what concerns only the connection, what frames the body, what the
    /// sidecar says itself, and what a server that takes `_` for `-` would read as one of these.
    ///
    /// - Parameter routing: names, in lower case, of headers that decide on the arm: those stay, whatever they are called.
    func fields(routing: [String]) -> [(String, String)] {
        let named = ForwardedHeaders.named(by: connection, in: head.headers, routing: routing)
        guard hasDoubtful || !named.isEmpty else { return kept }
        return kept.filter { name, _ in
            ForwardedHeaders.goesToAgent(name, routing: routing) && !ForwardedHeaders.isNamed(name, named)
        }
    }

    /// Where the caller's trace stands; nil where there is none, or none that can be read.
    var traceContext: W3CTraceContext? {
        // Two say nothing, since nobody knows which is right.
        guard traceParent.count == 1 else { return nil }
        return W3CTraceContext(traceParent: traceParent.first, traceState: traceState)
    }

    /// Such as `1.1`; the usual ones without making a text of numbers each time.
    var versionText: String {
        let version = head.version
        return version == .http1_1 ? "1.1" : version == .http1_0 ? "1.0" : "\(version.major).\(version.minor)"
    }
}
