import Testing

@testable import Router

@Suite struct HeaderNameTests {
    static let names: [(String, HeaderName)] = [
        ("connection", .connection), ("keep-alive", .keepAlive), ("proxy-connection", .proxyConnection),
        ("proxy-authenticate", .proxyAuthenticate), ("proxy-authorization", .proxyAuthorization), ("te", .te),
        ("transfer-encoding", .transferEncoding), ("upgrade", .upgrade), ("content-length", .contentLength),
        ("traceparent", .traceparent), ("tracestate", .tracestate), ("baggage", .baggage), ("x-request-id", .requestID),
        ("x-forwarded-for", .forwardedFor), ("x-forwarded-proto", .forwardedProto), ("x-forwarded-host", .forwardedHost),
        ("via", .via), ("forwarded", .forwarded), ("expect", .expect), ("host", .host), ("content-type", .contentType),
        ("content-encoding", .contentEncoding), ("user-agent", .userAgent), ("x-outrigger-role", .prefixed),
        ("x-outrigger-a_b", .prefixed), ("x_outrigger_role", .withUnderscore), ("content_length", .withUnderscore),
        ("x-forwarded-port", .other), ("accept", .other), ("x-outrigger-", .other), ("", .other),
    ]

    @Test("A name means the same in any case of its letters", arguments: names)
    func meaning(_ name: String, _ meaning: HeaderName) {
        #expect(HeaderName(name) == meaning)
        #expect(HeaderName(name.uppercased()) == meaning)
        #expect(HeaderName(name.split(separator: "-", omittingEmptySubsequences: false).map(\.capitalizedASCII).joined(separator: "-")) == meaning)
    }

    @Test("Every meaning is tried, and the groups are what the standards and the sidecar say")
    func groups() {
        #expect(Set(Self.names.map { $0.1 }) == Set(HeaderName.allCases))
        #expect(
            Set(HeaderName.allCases.filter(\.isHopByHop)) == [
                .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .transferEncoding, .upgrade,
            ])
        #expect(
            Set(HeaderName.allCases.filter(\.isOurs)) == [
                .traceparent, .tracestate, .baggage, .requestID, .forwardedFor, .forwardedProto, .forwardedHost, .via, .forwarded, .expect,
            ])
    }

    @Test("Another letter, byte or length is another name", arguments: names.filter { $0.1 != .other && $0.1 != .prefixed && $0.1 != .withUnderscore })
    func others(_ name: String, _ meaning: HeaderName) {
        let letters = Array(name.utf8)
        for place in letters.indices {
            // Neighbours, bytes of the other half of ASCII and beyond it, and what differs from a dash as cases of a letter do.
            var bits: [UInt8] = [0x01, 0x40, 0x80]
            if letters[place] == UInt8(ascii: "-") { bits.append(0x20) }
            for bit in bits {
                var bytes = letters
                bytes[place] ^= bit
                #expect(HeaderName(String(decoding: bytes, as: UTF8.self)) != meaning, "\(bytes)")
            }
        }
        #expect(HeaderName(name + "s") != meaning)
        #expect(HeaderName(String(name.dropLast())) != meaning)
    }
}

extension Substring {
    /// With its first letter in upper case.
    fileprivate var capitalizedASCII: String { prefix(1).uppercased() + dropFirst() }
}
