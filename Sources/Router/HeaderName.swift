/// What a header's name means to the sidecar. Each name is looked at once, told apart by its length first.
enum HeaderName: UInt8, CaseIterable {
    // Of one connection, not of the message: RFC 9110, section 7.6.1.
    case connection, keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization, te, transferEncoding, upgrade
    /// How long the body is, which the sidecar says again.
    case contentLength
    // What the sidecar says itself, and so does not pass on from the client. `Forwarded` says what `X-Forwarded-*` do, and
    // would say otherwise.
    case traceparent, tracestate, baggage, requestID, forwardedFor, forwardedProto, forwardedHost, via, forwarded, expect
    // What passes, and is asked for.
    case host, contentType, contentEncoding, userAgent
    /// `X-Outrigger-` and something behind it.
    case prefixed
    /// A name with `_`, which a server may read as one with `-`.
    case withUnderscore
    case other

    init(_ name: String) {
        self = name.utf8.withContiguousStorageIfAvailable { Self.of($0) } ?? Array(name.utf8).withUnsafeBufferPointer { Self.of($0) }
    }

    /// Whether it concerns one connection, not the message.
    var isHopByHop: Bool { rawValue <= HeaderName.upgrade.rawValue }

    /// Whether the sidecar says it itself.
    var isOurs: Bool { rawValue >= HeaderName.traceparent.rawValue && rawValue <= HeaderName.expect.rawValue }

    private static func of(_ name: UnsafeBufferPointer<UInt8>) -> HeaderName {
        func reads(_ word: StaticString) -> Bool { Self.reads(name, word) }
        switch name.count {
        case 2: if reads("te") { return .te }
        case 3: if reads("via") { return .via }
        case 4: if reads("host") { return .host }
        case 6: if reads("expect") { return .expect }
        case 7:
            if reads("baggage") { return .baggage }
            if reads("upgrade") { return .upgrade }
        case 9: if reads("forwarded") { return .forwarded }
        case 10:
            if reads("user-agent") { return .userAgent }
            if reads("connection") { return .connection }
            if reads("keep-alive") { return .keepAlive }
            if reads("tracestate") { return .tracestate }
        case 11: if reads("traceparent") { return .traceparent }
        case 12:
            if reads("content-type") { return .contentType }
            if reads("x-request-id") { return .requestID }
        case 14: if reads("content-length") { return .contentLength }
        case 15: if reads("x-forwarded-for") { return .forwardedFor }
        case 16:
            if reads("content-encoding") { return .contentEncoding }
            if reads("x-forwarded-host") { return .forwardedHost }
            if reads("proxy-connection") { return .proxyConnection }
        case 17:
            if reads("transfer-encoding") { return .transferEncoding }
            if reads("x-forwarded-proto") { return .forwardedProto }
        case 18: if reads("proxy-authenticate") { return .proxyAuthenticate }
        case 19: if reads("proxy-authorization") { return .proxyAuthorization }
        default: break
        }
        if name.count > 12, reads("x-outrigger-") { return .prefixed }
        return name.contains(UInt8(ascii: "_")) ? .withUnderscore : .other
    }

    /// Whether a name begins with the word, in any case of ASCII letters.
    ///
    /// - Parameter word: letters in lower case, and dashes; no longer than the name.
    private static func reads(_ name: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        precondition(count <= name.count)
        let wanted = word.utf8Start
        for i in 0..<count {
            let byte = name[i]
            guard byte == wanted[i] || (byte | 0x20 == wanted[i] && wanted[i] >= UInt8(ascii: "a")) else { return false }
        }
        return true
    }
}
