import Foundation
import Testing

/// What the rollout's state file is worth when the sidecar or its disk fails.
@Suite(.timeLimit(.minutes(10)), .serialized) struct RolloutStateTests {
    @Test("killed forty times amid changes, the state is whole, has all that was acknowledged, and never goes back")
    func kills() throws {
        let dead = try Loopback.freePort()
        var sidecar = try RunningSidecar(collector: dead, mode: "canary", percent: "50%")
        let file = try Self.stateFile(of: sidecar)
        var last = 1
        var random = SystemRandomNumberGenerator()
        for round in 0..<40 {
            if round > 0 { sidecar = try RunningSidecar(like: sidecar, collector: dead) }
            #expect(try sidecar.rollout().value("revision") as? Int == last)
            let pid = sidecar.command.process.processIdentifier
            DispatchQueue.global().asyncAfter(deadline: .now() + .microseconds(Int.random(in: 0..<60_000, using: &random))) {
                kill(pid, SIGKILL)
            }
            var acknowledged = last
            while let state = try? sidecar.put(["mode": "canary", "percent": acknowledged % 100, "why": "x"], revision: acknowledged),
                let revision = state["revision"] as? Int
            {
                #expect(revision == acknowledged + 1)
                acknowledged = revision
            }
            _ = try sidecar.command.wait()
            let saved = try Self.savedRevision(file)
            // The change that was under way may have been written and not acknowledged.
            #expect((acknowledged...acknowledged + 1).contains(saved))
            last = saved
        }
        #expect(last > 20)
        sidecar = try RunningSidecar(like: sidecar, collector: dead)
        #expect(try sidecar.end().status == 0)
    }

    @Test("when the state file cannot grow, changes are refused, and a rollback stands and says that it is not saved")
    func fullDisk() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "50%", fileLimit: 16)
        let file = try Self.stateFile(of: sidecar)
        let why = String(repeating: "long ", count: 380)
        var revision = 1
        var refusal: [String: Any] = [:]
        while refusal.isEmpty, revision < 100 {
            let answer = try sidecar.put(["mode": "canary", "percent": revision % 100, "why": why], revision: revision)
            if let next = answer["revision"] as? Int { revision = next } else { refusal = answer }
        }
        #expect(refusal["status"] as? Int == 507 && refusal["code"] as? String == "not_saved")
        #expect(try sidecar.rollout().value("revision") as? Int == revision)
        #expect(try Self.savedRevision(file) == revision)
        let admin = "http://127.0.0.1:\(sidecar.admin)"
        let rolledBack = try Outrigger.run(["rollout", "rollback", "--why", why, "--json", "--admin", admin])
        #expect(rolledBack.status == 0)
        #expect(try rolledBack.summary.value("mode") as? String == "baseline")
        #expect((try rolledBack.summary["unsaved"] as? String)?.contains("File too large") == true)
        #expect(try sidecar.arm(of: "x") == "baseline")
        #expect(try Self.savedRevision(file) == revision, "the file is still the one before, and whole")
        #expect(try sidecar.metric("outrigger_rollout_saved") == 0)
        #expect(try sidecar.end().status == 0)
    }

    private static func stateFile(of sidecar: RunningSidecar) throws -> String {
        let text = try String(contentsOfFile: sidecar.config, encoding: .utf8)
        let start = try #require(text.range(of: "state_file: "))
        return String(text[start.upperBound...].prefix { $0 != "}" })
    }

    private static func savedRevision(_ file: String) throws -> Int {
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
        let state = try #require((json as? [String: Any])?["state"] as? [String: Any])
        return try #require(state["revision"] as? Int)
    }
}
