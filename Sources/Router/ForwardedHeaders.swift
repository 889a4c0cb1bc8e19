internal import NIOHTTP1

/// What of a message's headers goes on to the other side.
///
/// Source: RFC 9110, sections 7.6.1 (Connection) and 7.6.3 (Via); RFC 9112, section 6 (message body framing); RFC 3875, section
/// 4.1.18 (names as variables).
enum ForwardedHeaders {
    /// The sidecar's word to the agent, even if the configuration routes by one of these.
    private static let onlyOurs = ["x-outrigger-role", "x-outrigger-mode", ToolOffer.tokenHeader, ToolOffer.urlHeader]

    // MARK: trailers
    //
    // It is too late to refuse the message then: one that cannot be passed on as it was sent stays behind, as any trailer may
    // (RFC 9110, section 6.5).

    /// What a client sends behind its body, as the agent may see it: nothing that would not pass as a header.
    static func ofRequest(_ trailers: HTTPHeaders, routing: [String]) -> [(String, String)] {
        endToEnd(trailers, routing: routing) { goesToAgent($0, routing: routing) && !belongsInHead($0) }
    }

    /// What an agent sends behind its answer's body, as the client may see it.
    static func ofAnswer(_ trailers: HTTPHeaders) -> [(String, String)] {
        endToEnd(trailers, routing: []) { name in
            let meaning = HeaderName(name)
            return !meaning.isHopByHop && meaning != .contentLength && meaning != .prefixed
        }
    }

    /// Whether a field says how a message is to be routed, read or allowed, which must be known before its body.
    ///
    /// Source: RFC 9110, section 6.5.1.
    private static func belongsInHead(_ name: String) -> Bool {
        let lower = name.lowercased()
        return headOnly.contains(lower) || lower.hasPrefix("content-") || lower.hasPrefix("if-")
    }

    private static let headOnly: Set = [
        "host", "authorization", "cookie", "set-cookie", "cache-control", "expect", "max-forwards", "pragma", "range",
    ]

    private static func endToEnd(_ headers: HTTPHeaders, routing: [String], passes: (String) -> Bool) -> [(String, String)] {
        var connection = HeaderValue()
        for (name, value) in headers where HeaderName(name) == .connection { connection.add(value) }
        let named = Self.named(by: connection, in: headers, routing: routing)
        return headers.filter { passes($0.name) && !isNamed($0.name, named) && !$0.value.hasLostBytes }.map { ($0.name, $0.value) }
    }

    // MARK: names

    /// Whether a client's header goes on to the agent, unless `Connection` names it.
    ///
    /// - Parameter routing: names, in lower case, of headers that decide on the arm: those stay, whatever they are called.
    static func goesToAgent(_ name: String, routing: [String]) -> Bool {
        let meaning = HeaderName(name)
        return switch meaning {
        case .prefixed: isRouting(name, routing)
        case .withUnderscore: !isDisguise(name, routing)
        case .contentLength: false
        default: !meaning.isHopByHop && !meaning.isOurs
        }
    }

    /// What `Connection` takes away.
    ///
    /// - Parameters:
    ///   - connection: that field.
    ///   - headers: where it stands.
    static func named(by connection: HeaderValue, in headers: HTTPHeaders, routing: [String]) -> [String] {
        guard let first = connection.first else { return [] }
        // Nearly always one of these stands there alone.
        if connection.count == 1, first.equalsASCII("keep-alive") || first.equalsASCII("close") { return [] }
        return headers[canonicalForm: "connection"].map { $0.lowercased() }.filter {
            $0 != "keep-alive" && $0 != "close" && !isForAll($0, routing)
        }
    }

    /// - Parameter names: in lower case.
    static func isNamed(_ name: String, _ names: [String]) -> Bool {
        !names.isEmpty && names.contains { name.equalsASCII($0) }
    }

    /// Whether a header is meant for all recipients, so that `Connection` cannot take it away (RFC 9110, section 7.6.1, forbids to
    /// try): without it the agent would serve another request, or another user, than was decided on.
    private static func isForAll(_ name: String, _ routing: [String]) -> Bool {
        ["host", "authorization", "cookie", "set-cookie"].contains(name) || name.hasPrefix("content-") || HeaderName(name).isOurs
            || routing.contains(name)
    }

    /// Whether it is what a header becomes whose name could not be passed on as it should be: CGI and its heirs (WSGI, Rack, PHP)
    /// make one variable of `X-Outrigger-Role` and `X_Outrigger_Role`.
    private static func isDisguise(_ name: String, _ routing: [String]) -> Bool {
        let lower = name.lowercased()
        guard !routing.contains(lower) else { return false }
        let folded = lower.replacing("_", with: "-")
        let meaning = HeaderName(folded)
        return meaning == .prefixed || meaning.isOurs || meaning.isHopByHop || folded.hasPrefix("x-forwarded-")
            || folded.hasPrefix("content-") || routing.contains { $0.replacing("_", with: "-") == folded }
    }

    private static func isRouting(_ name: String, _ routing: [String]) -> Bool {
        !onlyOurs.contains { name.equalsASCII($0) } && routing.contains { name.equalsASCII($0) }
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
