internal import NIOHTTP1

/// What of a message's headers goes on to the other side.
///
/// Source: RFC 9110, sections 7.6.1 (Connection) and 7.6.3 (Via); RFC 9112, section 6 (message body framing).
enum ForwardedHeaders {
    /// Headers that concern one connection, not the message.
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "transfer-encoding",
        "upgrade",
    ]

    /// How the body's end is known.
    enum Framing {
        case none
        case length(String)
        case chunked
    }

    /// What the sidecar says itself, and so does not pass on from the client.
    private static let ours = [
        "traceparent", "tracestate", "baggage", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via",
        "x-outrigger-role", "x-outrigger-mode", "x-outrigger-tools", "expect",
    ]

    /// - Parameters:
    ///   - leavingOutOurs: whether what the sidecar says itself is left out too.
    ///   - leavingOutRole: whether an answer's word about which arm it is of is left out.
    /// - Returns: the headers without those that concern only the connection, and without any that frame the body.
    static func endToEnd(_ headers: HTTPHeaders, leavingOutOurs: Bool = false, leavingOutRole: Bool = false) -> [(String, String)] {
        // Host is the message's own: without it the agent would read another request than was decided on.
        let named = !headers.contains(name: "connection") ? [] : headers[canonicalForm: "connection"].filter {
            !$0.equalsASCII("keep-alive") && !$0.equalsASCII("close") && !$0.equalsASCII("host")
        }
        var kept: [(String, String)] = []
        kept.reserveCapacity(headers.count + 12)
        for (name, value) in headers {
            if isHopByHop(name) || name.equalsASCII("content-length") { continue }
            // A secret between the sidecar and the agent: neither may a client bring one, nor an agent give one away.
            if name.equalsASCII(ToolOffer.tokenHeader) { continue }
            if leavingOutOurs, isOurs(name) { continue }
            if leavingOutRole, name.equalsASCII("x-outrigger-role") { continue }
            if !named.isEmpty, named.contains(where: { name.equalsASCII($0.lowercased()) }) { continue }
            kept.append((name, value))
        }
        return kept
    }

    // Most names are told apart by their length.

    private static func isHopByHop(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2, 7, 10, 16, 17, 18, 19: hopByHop.contains { name.equalsASCII($0) }
        default: false
        }
    }

    private static func isOurs(_ name: String) -> Bool {
        switch name.utf8.count {
        case 3, 6, 7, 10, 11, 12, 15, 16, 17: ours.contains { name.equalsASCII($0) }
        default: false
        }
    }

    static func append(_ framing: Framing, to headers: inout HTTPHeaders) {
        switch framing {
        case .none: break
        case .length(let length): headers.add(name: "content-length", value: length)
        case .chunked: headers.add(name: "transfer-encoding", value: "chunked")
        }
    }
}

extension StringProtocol {
    /// Whether it is the word, in any case of ASCII letters.
    ///
    /// - Parameter word: in lower case.
    func equalsASCII(_ word: String) -> Bool {
        guard utf8.count == word.utf8.count else { return false }
        // Every header's name is compared with several words: over bytes that stand in a row, this is a few instructions.
        return utf8.withContiguousStorageIfAvailable { bytes in
            word.utf8.withContiguousStorageIfAvailable { equalASCII(bytes, $0) }
        }.flatMap { $0 } ?? equalASCII(Array(utf8), Array(word.utf8))
    }
}

/// Whether equally many bytes are the lower-case word.
private func equalASCII(_ bytes: some RandomAccessCollection<UInt8>, _ word: some RandomAccessCollection<UInt8>) -> Bool {
    zip(bytes, word).allSatisfy { byte, wanted in
        byte == wanted || ((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(wanted) && byte | 0x20 == wanted)
    }
}

extension HTTPRequestHead {
    /// Whether the client speaks HTTP/1.1, and so knows chunks and keeps connections unless it says otherwise.
    var isHTTP11: Bool { version.major == 1 && version.minor >= 1 }
}
