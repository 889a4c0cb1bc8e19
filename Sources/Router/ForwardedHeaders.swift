internal import NIOHTTP1

/// What of a message's headers goes on to the other side.
///
/// Source: RFC 9110, sections 7.6.1 (Connection) and 7.6.3 (Via); RFC 9112, section 6 (message body framing); RFC 3875, section
/// 4.1.18 (names as variables).
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

    /// What the sidecar says itself, and so does not pass on from the client; beside them all `X-Outrigger-*`. `Forwarded` says
    /// what `X-Forwarded-*` do, and would say otherwise.
    private static let ours = [
        "traceparent", "tracestate", "baggage", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via",
        "forwarded", "expect",
    ]

    /// The sidecar's word to the agent, even if the configuration routes by one of these.
    private static let onlyOurs = ["x-outrigger-role", "x-outrigger-mode", ToolOffer.tokenHeader, ToolOffer.urlHeader]

    /// What a client sends, as the agent may see it.
    ///
    /// - Parameter routing: names, in lower case, of headers that decide on the arm: those stay, whatever they are called.
    /// - Returns: the headers without those that concern only the connection, that frame the body, that the sidecar says itself,
    ///   or that a server which takes `_` for `-` would read as one of these.
    static func ofRequest(_ headers: HTTPHeaders, routing: [String]) -> [(String, String)] {
        endToEnd(headers, routing: routing) { name in
            isOurs(name) || hasOurPrefix(name) && !isRouting(name, routing) || hasUnderscore(name) && isDisguise(name, routing)
        }
    }

    /// What an agent answers, as the client may see it: without what only the sidecar says.
    static func ofAnswer(_ headers: HTTPHeaders) -> [(String, String)] { endToEnd(headers, routing: []) { hasOurPrefix($0) } }

    private static func endToEnd(_ headers: HTTPHeaders, routing: [String], leavingOut: (String) -> Bool) -> [(String, String)] {
        let named = !headers.contains(name: "connection") ? [] : headers[canonicalForm: "connection"].filter {
            !$0.equalsASCII("keep-alive") && !$0.equalsASCII("close") && !isForAll($0.lowercased(), routing)
        }
        var kept: [(String, String)] = []
        kept.reserveCapacity(headers.count + 12)
        for (name, value) in headers {
            if isHopByHop(name) || name.equalsASCII("content-length") || leavingOut(name) { continue }
            if !named.isEmpty, named.contains(where: { name.equalsASCII($0.lowercased()) }) { continue }
            kept.append((name, value))
        }
        return kept
    }

    /// Whether a header is meant for all recipients, so that `Connection` cannot take it away (RFC 9110, section 7.6.1, forbids to
    /// try): without it the agent would serve another request, or another user, than was decided on.
    private static func isForAll(_ name: String, _ routing: [String]) -> Bool {
        ["host", "authorization", "cookie", "set-cookie"].contains(name) || name.hasPrefix("content-") || isOurs(name)
            || routing.contains(name)
    }

    /// Whether it is what a header becomes whose name could not be passed on as it should be: CGI and its heirs (WSGI, Rack, PHP)
    /// make one variable of `X-Outrigger-Role` and `X_Outrigger_Role`.
    private static func isDisguise(_ name: String, _ routing: [String]) -> Bool {
        let lower = name.lowercased()
        guard !routing.contains(lower) else { return false }
        let folded = lower.replacing("_", with: "-")
        return hasOurPrefix(folded) || isOurs(folded) || isHopByHop(folded) || folded.hasPrefix("x-forwarded-")
            || folded.hasPrefix("content-") || routing.contains { $0.replacing("_", with: "-") == folded }
    }

    private static func isRouting(_ name: String, _ routing: [String]) -> Bool {
        !onlyOurs.contains { name.equalsASCII($0) } && routing.contains { name.equalsASCII($0) }
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
        case 3, 6, 7, 9, 10, 11, 12, 15, 16, 17: ours.contains { name.equalsASCII($0) }
        default: false
        }
    }

    private static func hasOurPrefix(_ name: String) -> Bool {
        guard name.utf8.count > 12, name.utf8.first == UInt8(ascii: "x") || name.utf8.first == UInt8(ascii: "X") else { return false }
        return name.prefix(12).equalsASCII("x-outrigger-")
    }

    private static func hasUnderscore(_ name: String) -> Bool {
        name.utf8.withContiguousStorageIfAvailable { $0.contains(UInt8(ascii: "_")) } ?? name.utf8.contains(UInt8(ascii: "_"))
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
