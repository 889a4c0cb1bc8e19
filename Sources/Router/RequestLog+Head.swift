internal import AgentRuns
internal import LiveRuns
internal import NIOHTTP1
internal import ToolGateway

/// What the agent is told.
extension RequestLog {
    /// Writes the request's head as it goes to the arm: the client's fields, then the sidecar's own.
    ///
    /// Its texts go straight to where they leave from: as fields of a list they would each be made first.
    ///
    /// - Parameter routing: names of the headers that decide on the arm, in lower case.
    func writeHead(to writer: MessageWriter, routing: [String]) {
        let fields = head.fields(routing: routing)
        let method = head.method.token
        let path = RequestCheck.originForm(head.uri, isOptions: head.method == .OPTIONS) ?? head.uri
        let base = path == "*" ? "" : arm?.settings.upstream.basePath ?? ""
        let theirBaggage = head.baggage.map { Baggage.adding(role: role, requestID: requestID, to: $0) }
        let ourBaggage = theirBaggage == nil ? Baggage.encoded(requestID) : ""
        let token = toolRun.map { $0.token.hex }
        let proto = head.forwardedProto ?? "http"
        let host = head.forwardedHost ?? head.host.first
        let authority = head.host.count == 0 ? arm?.settings.upstream.authority : nil
        func length(_ text: String?) -> Int { text?.utf8.count ?? 0 }
        var size = Self.ownBytes + HeadRoom.size(of: fields)
        size += method.utf8.count + base.utf8.count + path.utf8.count + requestID.utf8.count + ourBaggage.utf8.count
        size += length(trace.traceState) + length(theirBaggage) + length(token) + length(toolsURL) + length(head.forwardedFor)
        size += length(peer.address) + proto.utf8.count + length(host) + length(head.via) + length(authority)
        size += length(head.contentLength.first)
        writer.write(isChunked: head.transferEncoding.count > 0, size: size) { room in
            room.put(method)
            room.put(" ")
            room.put(base)
            room.put(path)
            room.put(" HTTP/1.1\r\n")
            room.fields(fields)
            writeTrace(to: &room)
            if let theirBaggage {
                room.field("baggage", theirBaggage)
            } else {
                room.put("baggage: outrigger.role=")
                room.put(role.rawValue)
                room.put(",outrigger.request.id=")
                room.put(ourBaggage)
                room.endLine()
            }
            room.field("x-request-id", requestID)
            room.field("x-outrigger-role", role.rawValue)
            room.field("x-outrigger-mode", mode.rawValue)
            if let token, let toolsURL {
                room.field(ToolOffer.tokenHeader, token)
                room.field(ToolOffer.urlHeader, toolsURL)
            }
            if let address = peer.address { Self.write("x-forwarded-for: ", head.forwardedFor, address, to: &room) }
            room.field("x-forwarded-proto", proto)
            if let host { room.field("x-forwarded-host", host) }
            Self.write("via: ", head.via, head.versionText, " outrigger", to: &room)
            if let authority { room.field("host", authority) }
            if head.transferEncoding.count > 0 {
                room.field("transfer-encoding", "chunked")
            } else if let length = head.contentLength.first {
                room.field("content-length", length)
            }
            room.endLine()
        }
    }

    /// No fewer than the words that ``writeHead(to:routing:)`` puts beside texts from elsewhere, the longest role, mode and
    /// version among them: those are 406 bytes.
    private static let ownBytes = 448

    private func writeTrace(to room: inout HeadRoom) {
        room.put("traceparent: ")
        room.put(Exchange.TraceContext.traceParentLength) { trace.writeTraceParent(to: $0.bindMemory(to: UInt8.self)) }
        room.endLine()
        if let state = trace.traceState { room.field("tracestate", state) }
    }

    /// A field with what earlier servers said, if anything, and what is added to it.
    private static func write(_ name: String, _ earlier: String?, _ added: String, _ more: String = "", to room: inout HeadRoom) {
        room.put(name)
        if let earlier {
            room.put(earlier)
            room.put(", ")
        }
        room.put(added)
        room.put(more)
        room.endLine()
    }
}
