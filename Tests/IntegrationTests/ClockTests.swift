import Foundation
import Testing

/// The machine's clock is set while a sidecar runs, as time synchronisation does after a start or a sleep.
@Suite(.timeLimit(.minutes(5)))
struct ClockTests {
    /// A wall clock for the processes that are started with ``environment``.
    final class SettableClock {
        private let file: String
        let environment: [String: String]

        init() throws {
            let folder = try Scratch.folder()
            file = folder.appendingPathComponent("offset").path
            let library = folder.appendingPathComponent("stepped_clock.so").path
            try Data(count: 8).write(to: URL(fileURLWithPath: file))
            let source = Project.root.appendingPathComponent("Tests/Support/stepped_clock.c").path
            let compiler = try Command(
                URL(fileURLWithPath: "/usr/bin/env"), ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source]).wait()
            try #require(compiler.status == 0, "\(compiler.errors)")
            environment = ["LD_PRELOAD": library, "CLOCK_OFFSET_FILE": file]
        }

        func set(_ seconds: Int64) throws {
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
            try handle.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
            try handle.close()
        }
    }

    @Test("a clock that is set back and forward under load fails no request, turns no span round, and moves no schedule")
    func steps() throws {
        let clock = try SettableClock()
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "shadow", environment: clock.environment)
        let admin = ["--admin", "http://127.0.0.1:\(sidecar.admin)", "--by", "a test", "--why", "clocks"]
        #expect(try Outrigger.run(["rollout", "start", "5:10m", "50:1h"] + admin).status == 0)
        let load = try Project.support(
            "live_load", ["--port", "\(sidecar.port)", "--admin", "\(sidecar.admin)", "--clients", "4", "--prefix", "c", "--list"])
        for offset: Int64 in [-3600, 7200, -86_400 * 365, 0, 86_400 * 3650, 60] {
            let before = try sidecar.metric("outrigger_recorder_exchanges_total")
            try eventually("requests are under way") { try sidecar.metric("outrigger_recorder_exchanges_total") > before + 50 }
            try clock.set(offset)
        }
        let before = try sidecar.metric("outrigger_recorder_exchanges_total")
        try eventually("requests go on") { try sidecar.metric("outrigger_recorder_exchanges_total") > before + 50 }
        #expect(try Outrigger.run(["rollout", "status", "--admin", "http://127.0.0.1:\(sidecar.admin)"]).output.contains("step 1/2"))
        load.terminate()
        let report = try load.wait().summary
        #expect((report["failures"] as? [Any])?.isEmpty == true, "\(report["failures"] ?? "")")
        let ids = Set(try #require(report["ids"] as? [String]))
        #expect(try sidecar.end().status == 0)

        let check = try Project.support("check_answered", [collector.requestsFile]).wait()
        let found = try check.summary
        let recorded = Set(try #require(found["ids"] as? [String]))
        #expect(recorded.isSuperset(of: ids), "\(ids.subtracting(recorded).count) of \(ids.count) have no spans")
        #expect(try found.number("negative") == 0)
        #expect(try #require(found["longest"] as? Double) < 60_000, "milliseconds, where each step is of an hour at least but the last")
    }
}
