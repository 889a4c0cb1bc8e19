internal import HTTPTypes
internal import Hummingbird
internal import JSONDocuments
internal import JSONText
internal import Rollout
internal import RolloutControl
internal import Threads

/// The rollout: to look at, and to change.
///
/// A change by PUT names the revision that it is meant for (If-Match), so that nobody undoes what he has not seen. A rollback
/// needs none: it is right whatever was before.
struct RolloutRoutes: Sendable {
    private static let maximumBody = 64 << 10
    /// What a rollout can be told to do.
    static let verbs = ["pause", "resume", "promote", "rollback"]
    private let controller: RolloutController

    init(_ service: AdminService) { controller = service.controller }

    func add(to router: Router<BasicRequestContext>) {
        router.get("v1/rollout") { _, _ in answer(controller.snapshot.state) }
        router.put("v1/rollout") { request, _ in try await put(request) }
        router.post("v1/rollout/:verb") { request, context in try await act(request, context.parameters.require("verb")) }
        router.get("v1/rollout/history") { request, _ in try history(request) }
        router.get("openapi.json") { _, _ in Response.text(OpenAPIDocument.text, type: "application/json") }
    }

    private func answer(_ state: RolloutState) -> Response {
        var members: [(String, JSONValue)] = []
        if case .object(let known) = state.json { members = known }
        if let reason = controller.unsavedReason { members.append(("unsaved", .text(reason))) }
        var response = Response.json(.object(members))
        response.headers[.eTag] = "\"\(state.revision)\""
        return response
    }

    // MARK: changes

    private func put(_ request: Request) async throws -> Response {
        guard let match = request.headers[.ifMatch] else {
            throw Problem(
                .init(code: 428, reasonPhrase: "Precondition Required"), "revision_missing",
                "name the revision that the change is meant for: If-Match: \"\(controller.snapshot.state.revision)\"")
        }
        var revision: Int?
        if match != "*" {
            guard match.hasPrefix("\""), match.hasSuffix("\""), let number = Int(match.dropFirst().dropLast()) else {
                throw Problem(.badRequest, "revision_malformed", "If-Match must be a revision in quotes, such as \"7\"")
            }
            revision = number
        }
        let body = try await Self.body(of: request)
        let (command, why, by) = try Self.reading { () throws(RolloutError) in
            var reader = try MemberReader(body, "the change")
            let mode = try reader.optionalWord("mode", RolloutMode.self)
            let percentage = try reader.optionalPercentage("percent")
            let shadowPercentage = try reader.optionalPercentage("shadow_percent")
            var steps: [RolloutState.Schedule.Step]?
            if try reader.optional("steps") != nil {
                var read: [RolloutState.Schedule.Step] = []
                for element in try reader.array("steps") { read.append(try RolloutState.Schedule.Step(json: element)) }
                steps = read
            }
            let why = try reader.string("why")
            let by = try reader.optionalString("by")
            try reader.finish()
            if let steps {
                guard mode == nil || mode == .canary, percentage == nil, shadowPercentage == nil else {
                    throw RolloutError("steps say mode and percent themselves; leave those out")
                }
                return (RolloutCommand.start(steps), why, by)
            }
            return (RolloutCommand.set(mode: mode, percentage: percentage, shadowPercentage: shadowPercentage), why, by)
        }
        return try await change(command, why: why, by: by, request, ifRevision: revision)
    }

    private func act(_ request: Request, _ verb: String) async throws -> Response {
        let command: RolloutCommand =
            switch verb {
            case "pause": .pause
            case "resume": .resume
            case "promote": .promote
            case "rollback": .rollback
            default: throw Problem(.notFound, "unknown_action", "known are pause, resume, promote, rollback")
            }
        let body = try await Self.body(of: request)
        let (why, by, revision) = try Self.reading { () throws(RolloutError) in
            var reader = try MemberReader(body, "the change")
            let result = (try reader.string("why"), try reader.optionalString("by"), try reader.optionalInteger("revision"))
            try reader.finish()
            return result
        }
        return try await change(command, why: why, by: by, request, ifRevision: revision)
    }

    private func change(
        _ command: RolloutCommand, why: String, by: String?, _ request: Request, ifRevision revision: Int?
    ) async throws -> Response {
        guard why.contains(where: { !$0.isWhitespace }), why.utf8.count <= 2000 else {
            throw Problem(.badRequest, "why_missing", "say why, in 1 to 2000 bytes: it stands in the history")
        }
        guard (by ?? "").utf8.count <= 200 else { throw Problem(.badRequest, "by_too_long", "by has more than 200 bytes") }
        do {
            return answer(try await Self.blocking { [controller] in
                try controller.change(command, by: by ?? "unknown", why: why, ifRevision: revision)
            })
        } catch let refusal as RolloutRefusal {
            switch refusal {
            case .conflict(let current):
                throw Problem(.preconditionFailed, "revision_conflict", refusal.description, more: [("current", current.json)])
            case .senseless: throw Problem(.conflict, "not_possible_now", refusal.description)
            case .notSaved: throw Problem(.init(code: 507, reasonPhrase: "Insufficient Storage"), "not_saved", refusal.description)
            }
        }
    }

    /// A change waits for the disk and for the event loops: not on the threads that answer, and each on one of its own, so that
    /// a rollback never queues behind changes whose disk hangs.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            do throws(ThreadError) {
                try WorkerThread { continuation.resume(with: Result { try body() }) }.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func history(_ request: Request) throws -> Response {
        let limit = request.uri.queryParameters["limit"].map { Int($0) } ?? 50
        let before = request.uri.queryParameters["before"].map { Int($0) }
        guard let limit, (1...1000).contains(limit) else { throw Problem(.badRequest, "limit_invalid", "limit must be from 1 to 1000") }
        if let before, before == nil { throw Problem(.badRequest, "before_invalid", "before must be a revision") }
        return .json(.object([("changes", .array(controller.history(limit: limit, before: before ?? nil).map(\.json)))]))
    }

    // MARK: reading

    static func body(of request: Request) async throws -> JSONDocument {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: maximumBody)
        } catch {
            throw Problem(.contentTooLarge, "body_too_large", "a body of at most \(maximumBody) bytes is taken")
        }
        do {
            return try JSONDocument(parsing: Array(buffer.readableBytesView))
        } catch {
            throw Problem(.badRequest, "not_json", "the body must be JSON: \(error)")
        }
    }

    private static func reading<Value>(_ read: () throws(RolloutError) -> Value) throws -> Value {
        do throws(RolloutError) {
            return try read()
        } catch {
            throw Problem(.badRequest, "change_malformed", error.message)
        }
    }
}
