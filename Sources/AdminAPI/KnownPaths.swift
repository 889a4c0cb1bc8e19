/// What may be asked of the paths that there are.
enum KnownPaths {
    /// - Returns: as `Allow` lists them (RFC 9110, section 10.2.1); nil for a path that there is not.
    static func methods(of path: String) -> String? {
        let parts = path.split(separator: "/")
        switch parts.count {
        case 1 where ["healthz", "readyz", "metrics", "openapi.json"].contains(parts[0]): return "GET"
        case 2 where path == "/v1/rollout": return "GET, PUT"
        case 3 where parts[0] == "v1" && parts[1] == "rollout":
            if parts[2] == "history" { return "GET" }
            return RolloutRoutes.verbs.contains(String(parts[2])) ? "POST" : nil
        case 4, 5: return Array(parts[..<4]) == ["ofrep", "v1", "evaluate", "flags"] ? "POST" : nil
        default: return nil
        }
    }
}
