public import AgentRuns

/// By what a request's arm is decided: which of its parts is the sticky key, and who is treated apart.
public struct RoutingPolicy: Hashable, Sendable {
    /// Where a sticky key can stand.
    public enum KeySource: Hashable, Sendable {
        /// A header, by its name in lower case.
        case header(String)
        case cookie(String)
        /// A member of the W3C baggage.
        case baggage(String)
        /// A field of a JSON body, by its JSON Pointer.
        case body(String)
        case requestID

        /// A stable word for it.
        public var name: String {
            switch self {
            case .header(let name): "header:\(name)"
            case .cookie(let name): "cookie:\(name)"
            case .baggage(let name): "baggage:\(name)"
            case .body(let pointer): "body:\(pointer)"
            case .requestID: "request_id"
            }
        }
    }

    /// Requests with this header go to this arm.
    public struct HeaderRule: Hashable, Sendable {
        /// In lower case.
        public var name: String
        public var value: String
        public var role: RunRole

        public init(name: String, value: String, role: RunRole) {
            self.name = name
            self.value = value
            self.role = role
        }
    }

    /// The flag's name in OFREP and in `feature_flag.evaluation` events.
    public var flagKey = "agent-rollout"
    public var salt: String?
    /// The first that a request has is its key; the request id always is the last.
    public var keySources: [KeySource] = [.requestID]
    public var headerRules: [HeaderRule] = []
    /// Keys with an arm of their own, whatever their bucket.
    public var keyRules: [String: RunRole] = [:]
    /// Keys that are the candidate's before all others, in canary.
    public var allow: Set<String> = []
    /// Keys that are never the candidate's, neither answered nor copied.
    public var deny: Set<String> = []

    public init() {}
}

/// What a decision can ask a request for. Nothing is looked up that no rule needs.
public protocol RoutingInputs {
    /// - Parameter name: in lower case.
    func header(_ name: String) -> String?
    func cookie(_ name: String) -> String?
    func baggage(_ name: String) -> String?
    /// - Returns: the text of a string, or of a number as it stands; nil for anything else, or without a body.
    func bodyField(_ pointer: String) -> String?
    var requestID: String { get }
}

/// Which arm answers, and why.
public struct RoutingDecision: Hashable, Sendable {
    /// The reasons of the feature-flag conventions.
    public enum Reason: String, Sendable {
        /// The mode alone decides.
        case `static`
        case split
        case targetingMatch = "targeting_match"
        /// The mode is baseline: there is nothing to decide.
        case disabled
    }

    public var role: RunRole
    public var reason: Reason
    /// Whether the candidate is given a copy.
    public var copies: Bool
    public var key: String
    public var keySource: RoutingPolicy.KeySource
    /// nil where it did not matter.
    public var bucket: Bucket?
}

extension RoutingPolicy {
    /// The request's key: that of the first source that it has.
    public func key(of inputs: some RoutingInputs) -> (key: String, source: KeySource) {
        for source in keySources {
            let value: String? =
                switch source {
                case .header(let name): inputs.header(name)
                case .cookie(let name): inputs.cookie(name)
                case .baggage(let name): inputs.baggage(name)
                case .body(let pointer): inputs.bodyField(pointer)
                case .requestID: inputs.requestID
                }
            if let value, !value.isEmpty { return (value, source) }
        }
        return (inputs.requestID, .requestID)
    }

    /// Whether the arm depends on the body of a request: a source in it comes before any other that the request has.
    public func needsBody(of inputs: some RoutingInputs, in state: RolloutState) -> Bool {
        guard state.mode != .baseline, headerRule(for: inputs) == nil || state.mode == .shadow else { return false }
        for source in keySources {
            switch source {
            case .body: return true
            case .header(let name): if let value = inputs.header(name), !value.isEmpty { return false }
            case .cookie(let name): if let value = inputs.cookie(name), !value.isEmpty { return false }
            case .baggage(let name): if let value = inputs.baggage(name), !value.isEmpty { return false }
            case .requestID: return false
            }
        }
        return false
    }

    /// Whether any source stands in a body, so that ``needsBody(of:in:)`` is worth asking.
    public var readsBodies: Bool { keySources.contains { if case .body = $0 { true } else { false } } }

    /// Decides. In this order: mode baseline, deny, rules for headers, rules for keys, allow, bucket.
    ///
    /// - Parameter known: the request's key, where it is known already.
    public func decide(
        _ state: RolloutState, _ inputs: some RoutingInputs, key known: (key: String, source: KeySource)? = nil
    ) -> RoutingDecision {
        let (key, source) = known ?? key(of: inputs)
        func decision(_ role: RunRole, _ reason: RoutingDecision.Reason, copies: Bool = false, _ bucket: Bucket? = nil) -> RoutingDecision {
            RoutingDecision(role: role, reason: reason, copies: copies, key: key, keySource: source, bucket: bucket)
        }
        guard state.mode != .baseline else { return decision(.baseline, .disabled) }
        if deny.contains(key) { return decision(.baseline, .targetingMatch) }
        if state.mode == .shadow {
            // Sampled by request, not by key: a shadow should see all kinds of users.
            let isSampled = state.shadowPercentage == .all
                || Bucket(of: inputs.requestID, salt: "outrigger/shadow").isWithin(state.shadowPercentage)
            return decision(.baseline, .static, copies: isSampled)
        }
        if let rule = headerRule(for: inputs) { return decision(rule.role, .targetingMatch) }
        if let role = keyRules[key] { return decision(role, .targetingMatch) }
        if allow.contains(key) { return decision(.candidate, .targetingMatch) }
        let bucket = Bucket(of: key, salt: salt)
        return decision(bucket.isWithin(state.percentage) ? .candidate : .baseline, .split, bucket)
    }

    private func headerRule(for inputs: some RoutingInputs) -> HeaderRule? {
        headerRules.first { inputs.header($0.name) == $0.value }
    }
}
