import AgentRuns
import Rollout
import Testing

/// Who goes where, by rules alone.
@Suite("Routing policy")
struct RoutingPolicyTests {
    struct Inputs: RoutingInputs {
        var headers: [String: String] = [:]
        var cookies: [String: String] = [:]
        var members: [String: String] = [:]
        var body: [String: String]?
        var requestID = "request"

        func header(_ name: String) -> String? { headers[name] }
        func cookie(_ name: String) -> String? { cookies[name] }
        func baggage(_ name: String) -> String? { members[name] }
        func bodyField(_ pointer: String) -> String? { body?[pointer] }
    }

    static func state(_ mode: RolloutMode, _ percent: Double = 0, shadow: Double = 100) -> RolloutState {
        RolloutState(
            id: "r", mode: mode, percentage: Percentage(percent: percent) ?? .none, shadowPercentage: Percentage(percent: shadow) ?? .none)
    }

    static var policy: RoutingPolicy {
        var policy = RoutingPolicy()
        policy.keySources = [.header("x-user"), .cookie("session"), .baggage("user.id"), .body("/user")]
        policy.headerRules = [.init(name: "x-arm", value: "new", role: .candidate), .init(name: "x-arm", value: "old", role: .baseline)]
        policy.keyRules = ["alice": .candidate, "bob": .baseline]
        policy.allow = ["carol", "mallory"]
        policy.deny = ["mallory", "trent"]
        return policy
    }

    @Test(
        "Rules come before buckets, deny before rules, and mode baseline before all",
        arguments: [
            (RolloutMode.canary, 0.0, "alice", nil as String?, RunRole.candidate, RoutingDecision.Reason.targetingMatch),
            (.canary, 100, "bob", nil, .baseline, .targetingMatch), (.canary, 0, "carol", nil, .candidate, .targetingMatch),
            (.canary, 100, "mallory", nil, .baseline, .targetingMatch), (.canary, 100, "trent", "new", .baseline, .targetingMatch),
            (.canary, 0, "dave", "new", .candidate, .targetingMatch), (.canary, 100, "dave", "old", .baseline, .targetingMatch),
            (.canary, 100, "dave", nil, .candidate, .split), (.canary, 0, "dave", nil, .baseline, .split),
            (.canary, 100, "dave", "other", .candidate, .split), (.baseline, 0, "alice", "new", .baseline, .disabled),
            (.shadow, 0, "alice", "new", .baseline, .static),
        ])
    func order(
        mode: RolloutMode, percent: Double, user: String, arm: String?, role: RunRole, reason: RoutingDecision.Reason
    ) {
        var inputs = Inputs(headers: ["x-user": user])
        inputs.headers["x-arm"] = arm
        let decision = Self.policy.decide(Self.state(mode, percent), inputs)
        #expect(decision.role == role)
        #expect(decision.reason == reason)
        #expect(decision.key == user)
        #expect(decision.copies == (mode == .shadow))
    }

    @Test("Nothing of a denied key is copied")
    func deniedShadow() {
        #expect(!Self.policy.decide(Self.state(.shadow), Inputs(headers: ["x-user": "trent"])).copies)
    }

    @Test("The first source that a request has is its key")
    func keyOrder() {
        var inputs = Inputs(headers: ["x-user": "a"], cookies: ["session": "b"], members: ["user.id": "c"], body: ["/user": "d"])
        #expect(Self.policy.key(of: inputs).key == "a")
        inputs.headers["x-user"] = ""
        #expect(Self.policy.key(of: inputs).key == "b")
        inputs.cookies = [:]
        #expect(Self.policy.key(of: inputs).key == "c")
        inputs.members = [:]
        #expect(Self.policy.key(of: inputs).key == "d")
        inputs.body = nil
        #expect(Self.policy.key(of: inputs).source == .requestID)
    }

    @Test("The body is waited for only where it decides")
    func needsBody() {
        #expect(Self.policy.needsBody(of: Inputs(), in: Self.state(.canary)))
        #expect(!Self.policy.needsBody(of: Inputs(), in: Self.state(.baseline)))
        #expect(!Self.policy.needsBody(of: Inputs(headers: ["x-user": "a"]), in: Self.state(.canary)))
        #expect(!Self.policy.needsBody(of: Inputs(headers: ["x-arm": "new"]), in: Self.state(.canary)))
        #expect(!RoutingPolicy().needsBody(of: Inputs(), in: Self.state(.canary)))
    }

    @Test("Copies are sampled by request")
    func shadowSampling() {
        let copied = (0..<10_000).filter {
            RoutingPolicy().decide(Self.state(.shadow, shadow: 10), Inputs(requestID: "r\($0)")).copies
        }.count
        #expect((800...1200).contains(copied))
    }
}
