internal import HTTPTypes
internal import Hummingbird

/// Lets in who has the token, and no web page that a browser on this machine has open.
struct AccessGuard<Context: RequestContext>: RouterMiddleware {
    let token: [UInt8]?
    let isLoopback: Bool

    init(token: String?, isLoopback: Bool) {
        self.token = token.map { Array($0.utf8) }
        self.isLoopback = isLoopback
    }

    /// What a load balancer asks has no secrets in it.
    private static var open: Set<String> { ["/healthz", "/readyz"] }

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        // A page of another site can have its own name lead here, and would then be let in by the browser.
        if isLoopback, token == nil, !Self.isLocal(request.head.authority) {
            return Problem(.forbidden, "host_not_allowed", "the Host \(request.head.authority ?? "") is none of this machine's; use 127.0.0.1 or localhost").response
        }
        if let token, !Self.open.contains(request.uri.path) {
            let given = request.headers[.authorization].map { Array($0.utf8) } ?? []
            guard Self.areEqual(given, Array("Bearer ".utf8) + token) else {
                var response = Problem(.unauthorized, "unauthorized", "a bearer token is needed").response
                response.headers[.wwwAuthenticate] = "Bearer"
                return response
            }
        }
        do {
            return try await next(request, context)
        } catch let problem as Problem {
            return problem.response
        } catch let error as HTTPError {
            return Problem(error.status, "error", error.body ?? error.status.reasonPhrase).response
        }
    }

    private static func isLocal(_ authority: String?) -> Bool {
        guard let authority else { return false }
        let host: Substring = authority.hasPrefix("[") ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Takes as long for a wrong token as for a right one of the same length.
    private static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        var difference = a.count ^ b.count
        for i in b.indices { difference |= Int((i < a.count ? a[i] : 0) ^ b[i]) }
        return difference == 0
    }
}
