internal import AgentRuns
internal import JSONDocuments
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1
internal import Rollout
internal import RolloutControl

/// Which arm answers a request, and why.
struct Route {
    var role: RunRole
    var mode: RunMode
    /// Whether the candidate is given a copy.
    var copies: Bool
    /// The rollout's epoch at the decision: a rollback since makes it void for a candidate.
    var epoch: Int
    var decision: Exchange.Decision

    init(_ rollout: RolloutSnapshot, _ inputs: HeadInputs) {
        let state = rollout.state
        let decided = rollout.policy.decide(state, inputs)
        role = decided.role
        mode = state.mode == .canary ? .canary : .live
        copies = decided.copies
        epoch = state.epoch
        decision = Exchange.Decision()
        decision.flagKey = rollout.policy.flagKey
        decision.reason = Exchange.Decision.Reason(rawValue: decided.reason.rawValue) ?? .error
        decision.bucket = decided.bucket?.position
        decision.stickyKey = decided.key
        decision.rolloutID = state.id
        decision.revision = state.revision
        decision.stage = state.stage
        decision.weight = state.weight.percent
    }
}

/// What a decision may ask of a request's head, and of its body where it was held back.
struct HeadInputs: RoutingInputs {
    private let head: HTTPRequestHead
    let requestID: String
    private let body: [ByteBuffer]?

    init(_ head: HTTPRequestHead, requestID: String = "", body: [ByteBuffer]? = nil) {
        self.head = head
        self.requestID = requestID
        self.body = body
    }

    func header(_ name: String) -> String? { head.headers.first(name: name) }

    func cookie(_ name: String) -> String? {
        for header in head.headers["cookie"] {
            for pair in header.split(separator: ";") {
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2, halves[0].drop(while: { $0 == " " }) == name else { continue }
                return String(halves[1])
            }
        }
        return nil
    }

    func baggage(_ name: String) -> String? { head.headers.joined("baggage").flatMap { Baggage.value(of: name, in: $0) } }

    func bodyField(_ pointer: String) -> String? {
        guard let body, let pointer = try? JSONPointer(pointer) else { return nil }
        let text = body.flatMap { Array($0.readableBytesView) }
        guard let document = try? JSONDocument(parsing: text) else { return nil }
        switch pointer.resolve(in: document) {
        case .string(let text): return text
        case .number(let number): return number.text
        default: return nil
        }
    }
}
