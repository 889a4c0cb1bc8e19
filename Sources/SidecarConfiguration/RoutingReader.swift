internal import AgentRuns
internal import Rollout
internal import StrictYAML

/// Reads the `routing` part of a configuration.
enum RoutingReader {
    static func policy(_ fields: YAMLMapping) -> RoutingPolicy {
        var policy = RoutingPolicy()
        policy.flagKey = fields["flag_key"]?.string() ?? policy.flagKey
        policy.salt = fields["salt"]?.string()
        policy.keySources = fields["keys"]?.list(source) ?? policy.keySources
        for rule in fields["overrides"]?.elements() ?? [] { read(rule, into: &policy) }
        policy.allow = Set(fields["allow"]?.list { $0.string() } ?? [])
        policy.deny = Set(fields["deny"]?.list { $0.string() } ?? [])
        return policy
    }

    private static func source(_ field: YAMLField) -> RoutingPolicy.KeySource? {
        if field.text == "request_id" { return .requestID }
        guard field.isMapping else {
            field.report(
                "it is no source of a key", remedy: "write header: NAME, cookie: NAME, baggage: NAME, body: /POINTER, or request_id")
            return nil
        }
        return field.mapping { fields -> RoutingPolicy.KeySource? in
            let found: [RoutingPolicy.KeySource] = [
                fields["header"]?.string().map { .header($0.lowercased()) }, fields["cookie"]?.string().map { .cookie($0) },
                fields["baggage"]?.string().map { .baggage($0) }, pointer(fields["body"]).map { .body($0) },
            ].compactMap(\.self)
            guard found.count == 1 else {
                fields.report("one source has one kind", remedy: "write each source as an element of its own")
                return nil
            }
            return found[0]
        }
    }

    private static func pointer(_ field: YAMLField?) -> String? {
        guard let field, let text = field.string() else { return nil }
        guard text.hasPrefix("/") else {
            field.report("\(text) is no JSON Pointer", remedy: "begin with a slash, such as /user/id")
            return nil
        }
        return text
    }

    private static func read(_ field: YAMLField, into policy: inout RoutingPolicy) {
        field.mapping { fields -> Void in
            let header = fields["header"]?.string()
            let value = fields["value"]?.string()
            let key = fields["key"]?.string()
            guard let role = fields.required("arm")?.word(as: RunRole.self) else { return }
            switch (header, value, key) {
            case (let header?, let value?, nil): policy.headerRules.append(.init(name: header.lowercased(), value: value, role: role))
            case (nil, nil, let key?): policy.keyRules[key] = role
            default: fields.report("an override is for a key, or for a header and its value", remedy: "write key: K, or header: H and value: V")
            }
        }
    }
}
