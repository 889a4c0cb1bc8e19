internal import Hummingbird
internal import JSONText

/// What machines ask: whether it lives, whether it may be sent requests, and its numbers.
struct HealthRoutes: Sendable {
    private let service: AdminService

    init(_ service: AdminService) { self.service = service }

    func add(to router: Router<BasicRequestContext>) {
        router.get("healthz") { _, _ in Response.json(.object([("status", .text("ok"))])) }
        router.get("readyz") { _, _ in
            let reasons = service.unreadiness()
            return Response.json(
                .object([("status", .text(reasons.isEmpty ? "ready" : "not ready")), ("reasons", .array(reasons.map { .text($0) }))]),
                status: reasons.isEmpty ? .ok : .serviceUnavailable)
        }
        router.get("metrics") { _, _ in
            Response.text(await service.metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }
}
