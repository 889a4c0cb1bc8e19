internal import AgentRuns
internal import JSONDocuments
internal import NIOHTTP1
internal import Replay

/// One request to the tool endpoint: what it asks for, and the answer. Pure but for the session it is for.
struct ToolCallRequest {
    var method: HTTPMethod
    /// Path and query as sent.
    var target: String
    var headers: HTTPHeaders
    var body: [UInt8]

    struct Answer: Equatable {
        var status: HTTPResponseStatus
        var body: [UInt8]

        static func failure(_ status: HTTPResponseStatus, _ error: String) -> Answer {
            var body: [UInt8] = []
            ToolReply(success: false, error: JSONDocument.string(error).canonicalBytes, source: .refused).append(to: &body)
            return Answer(status: status, body: body)
        }

        /// The same for every path that leads nowhere, so that nothing can be learnt from it.
        static let notFound = failure(.notFound, "not found")
        static let gone = failure(.gone, "this run is over; its tools do not answer any more")
    }

    /// The path up to the token.
    static let prefix = "/run/"

    func answer(_ runs: OpenRuns, _ notices: AgentNotices) -> Answer {
        let (place, path) = destination(runs)
        switch place {
        case .unknown: return stray(notices)
        case .ended(let runID):
            notices.note(.lateCall, runID: runID, "\(method) after the run had ended")
            return .gone
        case .open(let session): return answer(session, path, runs, notices)
        }
    }

    /// Counts a request that is not read to its end as a call that was tried, where its path leads to the tools of a run.
    func countUnread(_ runs: OpenRuns, _ notices: AgentNotices, because problem: String) {
        let (place, path) = destination(runs)
        switch place {
        case .unknown: break
        case .ended(let runID): notices.note(.lateCall, runID: runID, "\(method) after the run had ended")
        case .open(let session):
            let name = path.first == "tools" ? path.dropFirst().first : nil
            if method != .GET || name != nil {
                _ = session.turnAway(name: name.flatMap { Self.readable($0) }, because: problem)
            }
        }
    }

    /// Whose tools the path leads to, and what follows the token in it.
    private func destination(_ runs: OpenRuns) -> (place: OpenRuns.Place, path: ArraySlice<Substring>) {
        let path = target.prefix { $0 != "?" }
        guard path.hasPrefix(Self.prefix) else { return (.unknown, []) }
        let parts = path.dropFirst(Self.prefix.count).split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard let first = parts.first, let token = RunToken(hex: first) else { return (.unknown, []) }
        return (runs.place(of: token), parts.dropFirst())
    }

    private func stray(_ notices: AgentNotices) -> Answer {
        notices.note(.strayRequest, "\(method) of a path that no run has")
        return .notFound
    }

    private func answer(
        _ session: ToolSession, _ path: ArraySlice<Substring>, _ runs: OpenRuns, _ notices: AgentNotices
    ) -> Answer {
        switch (path.first, path.dropFirst().first) {
        case ("tools", nil):
            guard method == .GET else {
                let problem = "GET lists the tools"
                return method == .POST ? refuse(session, nameInBody, .methodNotAllowed, problem) : .failure(.methodNotAllowed, problem)
            }
            let names = session.toolNames.map { JSONDocument.string($0) }
            return Answer(status: .ok, body: JSONDocument.object(["tools": .array(names)]).canonicalBytes)
        case ("tools", ""?) where method == .GET: return .failure(.notFound, "GET tools_url/tools lists the tools")
        case ("tools", let name?):
            guard method == .POST else { return refuse(session, Self.readable(name), .methodNotAllowed, "POST calls the tool") }
            guard let whole = Self.decoded(name), !whole.isEmpty else {
                return refuse(session, Self.readable(name), .badRequest, "the tool's name in the path is not percent-encoded UTF-8")
            }
            return call(session, name: whole, id: nil, arguments: body.isEmpty ? nil : body, claimed: nil, runs, notices)
        case ("call", nil):
            guard method == .POST else { return refuse(session, nameInBody, .methodNotAllowed, "POST calls the tool") }
            return call(session, runs, notices)
        default:
            // Who knows the token may know the paths.
            notices.note(.strayRequest, runID: session.runID, "\(method) of a path that its tools do not have")
            let problem = "not found: POST the arguments to tools_url/tools/NAME"
            let name = nameInBody ?? path.last?.split(separator: "/").last.flatMap { Self.readable($0) }
            guard method == .POST, let name else { return .failure(.notFound, problem) }
            return refuse(session, name, .notFound, problem)
        }
    }

    /// Refuses what was meant as a call. It counts as one, without its arguments: an agent is judged by what it tries, and
    /// not only by what it is given.
    private func refuse(_ session: ToolSession, _ name: String?, _ status: HTTPResponseStatus, _ problem: String) -> Answer {
        session.turnAway(name: name, because: problem) ? .failure(status, problem) : .gone
    }

    /// The tool that the body names, if it does.
    private var nameInBody: String? {
        guard case .string(let name)? = (try? JSONDocument(parsing: body))?["name"], !name.isEmpty else { return nil }
        return name
    }

    /// The form with the name in the body.
    private func call(_ session: ToolSession, _ runs: OpenRuns, _ notices: AgentNotices) -> Answer {
        func malformed(_ problem: String) -> Answer {
            notices.note(.strayRequest, runID: session.runID, "a call that \(problem)")
            return refuse(session, nil, .badRequest, "the call \(problem)")
        }
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: body)
        } catch {
            return malformed("is not JSON: \(error)")
        }
        guard case .string(let name)? = document["name"], !name.isEmpty else {
            return malformed("has no \"name\" that is a string")
        }
        var id: String?
        if case .string(let text)? = document["id"] { id = text }
        var claimed: String?
        if case .string(let text)? = document["run_id"] { claimed = text }
        return call(
            session, name: name, id: id, arguments: document["args"]?.canonicalBytes, claimed: claimed, runs, notices)
    }

    private func call(
        _ session: ToolSession, name: String, id: String?, arguments: [UInt8]?, claimed: String?, _ runs: OpenRuns,
        _ notices: AgentNotices
    ) -> Answer {
        if belongsElsewhere(session, claimed, runs) {
            notices.note(.foreignCall, runID: session.runID, "a call of \(Excerpt.text(name)) that says it is of another run")
            return refuse(session, name, .forbidden, "this call belongs to another run; use the tools_url that came with that run")
        }
        let reply: ToolReply?
        if let arguments, let problem = Self.problem(of: arguments) {
            reply = session.refuse(name: name, id: id, text: arguments, because: problem)
        } else {
            reply = session.answer(name: name, id: id, arguments: arguments)
        }
        guard let reply else { return .gone }
        var body: [UInt8] = []
        reply.append(to: &body)
        return Answer(status: .ok, body: body)
    }

    /// Whether the caller says that it acts for another run: in words, or by the trace context of one that is under way.
    /// A trace id that no run has says nothing: agents may start traces of their own.
    private func belongsElsewhere(_ session: ToolSession, _ claimed: String?, _ runs: OpenRuns) -> Bool {
        if let id = claimed ?? headers.first(name: "outrigger-run-id"), id != session.runID { return true }
        guard let parent = headers.first(name: "traceparent") else { return false }
        let parts = parent.split(separator: "-", maxSplits: 2)
        return parts.count > 1 && runs.isForeign(traceID: String(parts[1]), to: session)
    }

    private static func problem(of json: [UInt8]) -> String? {
        do throws(JSONDocumentError) {
            _ = try JSONDocument(parsing: json)
            return nil
        } catch {
            return error.description
        }
    }

    /// Decodes percent-encoding.
    ///
    /// - Returns: nil when it is malformed, or not UTF-8.
    static func decoded(_ text: Substring) -> String? {
        let (bytes, isWhole) = decodedBytes(of: text)
        return isWhole ? String(validating: bytes, as: UTF8.self) : nil
    }

    /// Decodes percent-encoding up to where it is malformed, or not UTF-8.
    ///
    /// - Returns: nil when that is at once.
    static func readable(_ text: Substring) -> String? {
        if let whole = decoded(text) { return whole.isEmpty ? nil : whole }
        let start = String(decoding: decodedBytes(of: text).bytes, as: UTF8.self).unicodeScalars.prefix { $0 != "\u{FFFD}" }
        return start.isEmpty ? nil : String(start)
    }

    /// The bytes that percent-encoding stands for, up to where it is malformed.
    private static func decodedBytes(of text: Substring) -> (bytes: [UInt8], isWhole: Bool) {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return (bytes, false)
            }
            bytes.append(high << 4 | low)
        }
        return (bytes, true)
    }
}
