internal import HTTPTypes
internal import HostNames
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
        if isLoopback, let problem = Self.foreignness(of: request) { return problem.response }
        if let token, !Self.open.contains(request.uri.path) {
            guard Self.areEqual(Self.bearer(request.headers[.authorization] ?? ""), token) else {
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
            if error.status == .notFound, let methods = KnownPaths.methods(of: request.uri.path) {
                var response = Problem(
                    .methodNotAllowed, "method_not_allowed", "\(request.method.rawValue) is not for this path; known are \(methods)").response
                response.headers[.allow] = methods
                return response
            }
            return Problem(error.status, "error", error.body ?? error.status.reasonPhrase).response
        }
    }

    /// A page of another site can have a name of its own lead to this machine (DNS rebinding), and the browser then takes the
    /// two for one. What such a page cannot do is to say another name than its own. A token changes nothing about that: the
    /// health of a sidecar is nobody's business either, and the next thing to be open without one would not be.
    private static func foreignness(of request: Request) -> Problem? {
        let authority = request.head.authority ?? ""
        guard LoopbackName.isIn(authority: authority) else {
            return Problem(
                .misdirectedRequest, "host_not_allowed", "the Host \(authority) is none of this machine's; use 127.0.0.1 or localhost")
        }
        if let origin = request.headers[.origin] {
            let scheme = ["http://", "https://"].first { origin.hasPrefix($0) }
            guard let scheme, LoopbackName.isIn(authority: String(origin.dropFirst(scheme.count))) else {
                return Problem(.forbidden, "origin_not_allowed", "pages of \(origin) have no business here")
            }
        }
        return nil
    }

    /// The token of `Authorization: Bearer …`; empty where there is none.
    ///
    /// Source: RFC 9110, section 11.1 (the scheme's case does not matter); RFC 6750, section 2.1.
    private static func bearer(_ value: String) -> [UInt8] {
        let halves = value.split(separator: " ", maxSplits: 1)
        guard halves.count == 2, halves[0].lowercased() == "bearer" else { return [] }
        return Array(halves[1].drop { $0 == " " }.utf8)
    }

    /// Takes as long for a wrong token as for a right one of the same length.
    private static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        var difference = a.count ^ b.count
        for i in b.indices { difference |= Int((i < a.count ? a[i] : 0) ^ b[i]) }
        return difference == 0
    }
}
