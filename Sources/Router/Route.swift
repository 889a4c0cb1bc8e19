internal import AgentRuns
internal import JSONDocuments
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1
internal import Rollout
internal import RolloutControl

/// Which arm answers a request, and why. A class, since a request holds it and asks it often, and it has many texts.
final class Route {
    let role: RunRole
    let mode: RunMode
    /// Whether the candidate is given a copy.
    let copies: Bool
    /// The rollout's epoch at the decision: a rollback since makes it void for a candidate.
    let epoch: Int
    let decision: Exchange.Decision

    init(_ rollout: RolloutSnapshot, _ inputs: HeadInputs) {
        let decided = rollout.policy.decide(rollout.state, inputs)
        role = decided.role
        switch rollout.state.mode {
        case .canary: mode = .canary
        case .baseline, .shadow: mode = .live
        }
        copies = decided.copies
        epoch = rollout.state.epoch
        var decision = Exchange.Decision()
        decision.flagKey = rollout.policy.flagKey
        decision.reason = Exchange.Decision.Reason(decided.reason)
        decision.bucket = decided.bucket?.position
        decision.stickyKey = decided.key
        decision.rolloutID = rollout.state.id
        decision.revision = rollout.state.revision
        decision.stage = rollout.state.stage
        decision.weight = rollout.state.weight.percent
        self.decision = decision
    }
}

extension Exchange.Decision.Reason {
    fileprivate init(_ reason: RoutingDecision.Reason) {
        switch reason {
        case .static: self = .static
        case .split: self = .split
        case .targetingMatch: self = .targetingMatch
        case .disabled: self = .disabled
        }
    }
}

/// What a decision may ask of a request's head, and of its body where it was held back.
struct HeadInputs: RoutingInputs {
    private let head: RequestHead
    let requestID: String
    private let body: [ByteBuffer]?

    init(_ head: RequestHead, requestID: String = "", body: [ByteBuffer]? = nil) {
        self.head = head
        self.requestID = requestID
        self.body = body
    }

    func header(_ name: String) -> String? { head.head.headers.first(name: name) }

    func cookie(_ name: String) -> String? {
        for header in head.head.headers["cookie"] {
            for pair in header.split(separator: ";") {
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2, halves[0].drop(while: { $0 == " " }) == name else { continue }
                return String(halves[1])
            }
        }
        return nil
    }

    func baggage(_ name: String) -> String? { head.baggage.flatMap { Baggage.value(of: name, in: $0) } }

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
