internal import AgentRuns
internal import HTTPTypes
internal import Hummingbird
internal import JSONDocuments
internal import JSONText
internal import Rollout
internal import RolloutControl

/// The routing decision as a feature flag: whoever asks gets the arm that the data plane would choose.
///
/// Source: OpenFeature Remote Evaluation Protocol (OFREP) 0.2.
struct FlagRoutes: Sendable {
    private let controller: RolloutController

    init(_ service: AdminService) { controller = service.controller }

    func add(to router: Router<BasicRequestContext>) {
        router.post("ofrep/v1/evaluate/flags/:key") { request, context in
            try await evaluate(request, context.parameters.require("key"))
        }
        router.post("ofrep/v1/evaluate/flags") { request, _ in try await evaluateAll(request) }
    }

    private func evaluate(_ request: Request, _ key: String) async throws -> Response {
        let snapshot = controller.snapshot
        let inputs: FlagInputs
        do {
            inputs = try FlagInputs(try await RolloutRoutes.body(of: request))
        } catch let problem as FlagProblem {
            return problem.response(key)
        } catch let problem as Problem {
            return FlagProblem("PARSE_ERROR", problem.detail).response(key)
        }
        guard key == snapshot.policy.flagKey else {
            return FlagProblem("FLAG_NOT_FOUND", "the only flag is \(snapshot.policy.flagKey)", status: .notFound).response(key)
        }
        return .json(.object(evaluation(snapshot, inputs)))
    }

    private func evaluateAll(_ request: Request) async throws -> Response {
        let snapshot = controller.snapshot
        let inputs: FlagInputs
        do {
            inputs = try FlagInputs(try await RolloutRoutes.body(of: request))
        } catch let problem as FlagProblem {
            return problem.response(nil)
        } catch let problem as Problem {
            return FlagProblem("PARSE_ERROR", problem.detail).response(nil)
        }
        let flag = JSONValue.object(evaluation(snapshot, inputs))
        // What it was computed from is all in the revision and the answer.
        let tag = "\"\(snapshot.state.revision)-\(flag.text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })\""
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: [.eTag: tag]) }
        var response = Response.json(.object([("flags", .array([flag]))]))
        response.headers[.eTag] = tag
        return response
    }

    private func evaluation(_ snapshot: RolloutSnapshot, _ inputs: FlagInputs) -> [(String, JSONValue)] {
        let decision = snapshot.policy.decide(snapshot.state, inputs, key: (inputs.requestID, .requestID))
        return [
            ("key", .text(snapshot.policy.flagKey)), ("reason", .text(decision.reason.rawValue.uppercased())),
            ("variant", .text(decision.role.rawValue)), ("value", .text(decision.role.rawValue)),
            ("metadata", .object([
                ("rollout", .text(snapshot.state.id)), ("revision", .integer(snapshot.state.revision)),
                ("mode", .text(snapshot.state.mode.rawValue)), ("weight", .number(snapshot.state.weight.percent)),
            ])),
        ]
    }
}

/// An evaluation context as the inputs of a decision: its targeting key is the sticky key, its other members stand for headers.
private struct FlagInputs: RoutingInputs {
    private let context: JSONDocument
    let requestID: String

    init(_ body: JSONDocument) throws {
        guard let context = body["context"], case .object = context else {
            throw FlagProblem("INVALID_CONTEXT", "the body must be {\"context\": {\"targetingKey\": …}}")
        }
        guard case .string(let key)? = context["targetingKey"], !key.isEmpty else {
            throw FlagProblem("TARGETING_KEY_MISSING", "context.targetingKey is missing")
        }
        self.context = context
        requestID = key
    }

    func header(_ name: String) -> String? {
        if case .string(let text)? = context[name] { return text }
        return nil
    }

    func cookie(_ name: String) -> String? { nil }
    func baggage(_ name: String) -> String? { nil }
    func bodyField(_ pointer: String) -> String? { nil }
}

/// An answer of OFREP that an evaluation was not possible.
private struct FlagProblem: Error {
    var code: String
    var details: String
    var status: HTTPResponse.Status

    init(_ code: String, _ details: String, status: HTTPResponse.Status = .badRequest) {
        self.code = code
        self.details = details
        self.status = status
    }

    func response(_ key: String?) -> Response {
        let members: [(String, JSONValue)] = [("errorCode", .text(code)), ("errorDetails", .text(details))]
        return .json(.object((key.map { [("key", .text($0))] } ?? []) + members), status: status)
    }
}
