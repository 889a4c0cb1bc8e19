import Foundation
import Rollout
import RolloutControl
import Synchronization
import Testing

/// The one rollout of a sidecar: in order, in force, and in its file.
@Suite("Rollout controller", .timeLimit(.minutes(10)))
struct RolloutControllerTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollout-\(UUID().uuidString)")
    private var path: String { folder.appendingPathComponent("state.json").path }

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func controller(
        now: @escaping @Sendable () -> Int64 = { 0 }, changePatience: Duration = .seconds(10),
        activate: @escaping @Sendable (RolloutSnapshot) -> Void = { _ in }
    ) throws -> RolloutController {
        try RolloutController(
            RolloutState(id: "r"), policy: RoutingPolicy(), path: path, now: now, changePatience: changePatience, activate: activate)
    }

    @Test("What was changed is there after a restart, with its history")
    func restart() throws {
        var first: RolloutController? = try controller()
        try first?.change(.set(mode: .canary, percentage: Percentage(percent: 12.5), shadowPercentage: nil), by: "ann", why: "begin")
        try first?.change(.rollback, by: "bob", why: "errors")
        let state = first?.snapshot.state
        first = nil
        let second = try controller()
        #expect(second.snapshot.state == state)
        #expect(second.history(limit: 10).map(\.command) == ["rollback", "set", "configure"])
        #expect(second.history(limit: 1, before: 3).map(\.by) == ["ann"])
        #expect(second.history(limit: 10)[0].why == "errors")
    }

    @Test("A change for another revision is refused")
    func conflict() throws {
        let controller = try controller()
        try controller.change(.promote, by: "a", why: "w", ifRevision: 1)
        #expect(throws: RolloutRefusal.self) { try controller.change(.rollback, by: "b", why: "w", ifRevision: 1) }
        #expect(controller.snapshot.state.mode == .canary)
    }

    @Test("Of many changes at once each is made on the one before")
    func atOnce() async throws {
        let seen = Mutex<[Int]>([])
        let controller = try controller(activate: { snapshot in seen.withLock { $0.append(snapshot.state.revision) } })
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try? controller.change(.promote, by: "x", why: "y") } }
        }
        #expect(controller.snapshot.state.revision == 51)
        #expect(seen.withLock { $0 } == Array(2...51))
    }

    @Test("What it would begin with is told without a lock, and without a file of its own")
    func stateAtStart() throws {
        let initial = RolloutState(id: "r")
        #expect(try RolloutController.stateAtStart(initial, path: nil) == initial)
        #expect(try RolloutController.stateAtStart(initial, path: path) == initial)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        let controller = try controller()
        let promoted = try controller.change(.promote, by: "ann", why: "w")
        #expect(try RolloutController.stateAtStart(initial, path: path) == promoted)
        #expect { try RolloutController.stateAtStart(RolloutState(id: "other"), path: path) } throws: { "\($0)".contains("not of other") }
    }

    @Test("A second sidecar on the same state is refused")
    func lock() throws {
        let first = try controller()
        #expect { try controller() } throws: { "\($0)".contains("in use by another sidecar") }
        #expect(first.snapshot.state.revision == 1)
    }

    @Test(
        "A file that is no state is refused, and left as it is",
        arguments: ["", "{", "{\"format\":\"other\"}", "{\"format\":\"outrigger/rollout/1\"}", "null", "\0\0\0"])
    func damaged(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect { try controller() } throws: { "\($0)".contains(path) && "\($0)".contains("move it away") }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text.utf8))
        // Nor is anything put beside it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state.json"])
    }

    /// As a volume that is mounted elsewhere is given: by a link beside the configuration.
    @Test("A link is followed to its file, which may not be there yet", arguments: [1, 2], [true, false])
    func link(length: Int, isRelative: Bool) throws {
        let target = folder.appendingPathComponent("volume")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: false)
        let real = target.appendingPathComponent("real.json").path
        var end = isRelative ? "volume/real.json" : real
        if length == 2 {
            try FileManager.default.createSymbolicLink(atPath: path + ".link", withDestinationPath: end)
            end = isRelative ? "state.json.link" : path + ".link"
        }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: end)
        #expect(try RolloutController.stateAtStart(RolloutState(id: "r"), path: path).revision == 1)
        let first = try controller()
        try first.change(.promote, by: "ann", why: "w")
        try first.change(.rollback, by: "ann", why: "w")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == end)
        #expect(try RolloutController.stateAtStart(RolloutState(id: "r"), path: real) == first.snapshot.state)
        // By whichever name, it is the same state.
        #expect { try RolloutController(RolloutState(id: "r"), policy: RoutingPolicy(), path: real) { _ in } } throws: {
            "\($0)".contains("in use by another sidecar")
        }
    }

    /// The lock is the old file's, and the next start would read the new one: an acknowledged rollback would be gone.
    @Test("A link that leads elsewhere since the start is told of, and nothing is written behind it")
    func retargeted() throws {
        for name in ["a", "b"] { try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false) }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "a/s.json")
        let controller = try controller()
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "b/s.json")
        #expect { try controller.change(.promote, by: "a", why: "w") } throws: { "\($0)".contains("leads to \(folder.path)/b/s.json now") }
        try controller.change(.rollback, by: "a", why: "w")
        #expect(controller.snapshot.state.mode == .baseline && !controller.isSaved)
        #expect(controller.unsavedReason?.contains("leads to") == true)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "a/s.json")
        controller.tick()
        #expect(controller.isSaved)
        #expect(try RolloutController.stateAtStart(RolloutState(id: "r"), path: path).revision == 2)
    }

    @Test("Links in a circle are refused")
    func circle() throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "state.json")
        #expect { try controller() } throws: { "\($0)".contains(path) }
    }

    @Test("The file of another rollout is refused")
    func otherRollout() throws {
        _ = try controller()
        #expect { try RolloutController(RolloutState(id: "other"), policy: RoutingPolicy(), path: path) { _ in } } throws: {
            "\($0)".contains("is that of the rollout r")
        }
    }

    /// A folder in place of the file that is written first: nothing can be written then, not even by root.
    @Test("Without a file to write to, a rollback stands and is saved later; nothing else is done")
    func cannotSave() throws {
        let controller = try controller()
        try controller.change(.promote, by: "a", why: "w")
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        #expect(throws: RolloutRefusal.self) {
            try controller.change(.set(mode: nil, percentage: Percentage(percent: 5), shadowPercentage: nil), by: "a", why: "w")
        }
        #expect(controller.snapshot.state.percentage == .all)
        try controller.change(.rollback, by: "a", why: "w")
        #expect(controller.snapshot.state.mode == .baseline)
        #expect(controller.unsavedReason != nil && !controller.isSaved)
        try FileManager.default.removeItem(atPath: path + ".new")
        controller.tick()
        #expect(controller.unsavedReason == nil && controller.isSaved)
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("\"command\":\"rollback\""))
    }

    /// A named pipe without a reader in place of the file that is written first: opening it takes until somebody reads.
    @Test("A disk that hangs holds back no rollback, and what is in force ends in the file")
    func hangingDisk() async throws {
        let clock = Clock()
        let inForce = Mutex<[Int]>([])
        // The slow change is not to be given up before the rollback, however little of the machine this test gets.
        let controller = try controller(
            now: { clock.read() }, changePatience: .seconds(300), activate: { snapshot in inForce.withLock { $0.append(snapshot.state.revision) } })
        try controller.change(.promote, by: "a", why: "w")
        #expect(mkfifo(path + ".new", 0o600) == 0)
        let readings = clock.readings
        let isDone = Mutex(false)
        let slow = Task.detached {
            defer { isDone.withLock { $0 = true } }
            try controller.change(.set(mode: nil, percentage: Percentage(percent: 5), shadowPercentage: nil), by: "a", why: "w")
        }
        try await eventually { clock.readings > readings }
        try controller.change(.rollback, by: "b", why: "errors")
        #expect(!isDone.withLock { $0 }, "the rollback waited for the other change")
        #expect(controller.snapshot.state.mode == .baseline)
        #expect(inForce.withLock { $0 } == [2, 3])
        try await eventually { controller.unsavedReason?.contains("is being written for too long") == true }
        #expect(controller.tick() == nil)

        let reader = open(path + ".new", O_RDONLY)
        defer { close(reader) }
        await #expect(throws: RolloutRefusal.self) { try await slow.value }
        try await eventually {
            controller.tick() == nil && controller.unsavedReason == nil
                && (try? String(contentsOfFile: path, encoding: .utf8).contains("\"command\":\"rollback\"")) == true
        }
        #expect(controller.snapshot.state.mode == .baseline)
        try controller.change(.promote, by: "a", why: "again")
        #expect(controller.history(limit: 9).map(\.command) == ["promote", "rollback", "promote", "configure"])
    }

    @Test("A controller that is let go while its disk hangs keeps the file from others until the write has ended")
    func letGoWhileHanging() async throws {
        var first: RolloutController? = try controller()
        try first?.change(.promote, by: "a", why: "w")
        #expect(mkfifo(path + ".new", 0o600) == 0)
        try first?.change(.rollback, by: "b", why: "errors")
        first = nil
        #expect { try controller() } throws: { "\($0)".contains("in use by another sidecar") }
        let reader = open(path + ".new", O_RDONLY)
        defer { close(reader) }
        try await eventually { (try? controller()) != nil }
    }

    private func eventually(_ condition: () -> Bool) async throws {
        for _ in 0..<3000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("it never came to that")
    }

    @Test("A schedule moves on by the clock, through a restart")
    func schedule() throws {
        let clock = Clock()
        var first: RolloutController? = try controller(now: { clock.now })
        let steps = [1.0, 10, 100].map { RolloutState.Schedule.Step(percentage: Percentage(percent: $0) ?? .none, seconds: 60) }
        try first?.change(.start(steps), by: "a", why: "w")
        #expect(first?.tick() == nil)
        first = nil
        clock.advance(by: 600_000)
        let second = try controller(now: { clock.now })
        #expect(second.tick()?.percentage.percent == 10)
        #expect(second.tick() == nil)
        clock.advance(by: 60_000)
        #expect(second.tick()?.percentage == .all)
        #expect(second.history(limit: 1)[0].command == "advance")
    }

    @Test("A history that grows too long forgets its oldest, and says so")
    func longHistory() throws {
        let controller = try RolloutController(RolloutState(id: "r"), policy: RoutingPolicy(), path: nil) { _ in }
        for i in 0..<1100 { try controller.change(i % 2 == 0 ? .promote : .rollback, by: "a", why: "\(i)") }
        #expect(controller.history(limit: 5000).count == 1000)
        #expect(controller.history(limit: 1)[0].why == "1099")
        // Without a file there is nothing to be told of, and nothing is saved.
        #expect(controller.unsavedReason == nil && !controller.isSaved)
    }

    final class Clock: Sendable {
        private let time = Mutex<Int64>(1_000_000)
        private let count = Mutex(0)
        /// How often it was asked.
        var readings: Int { count.withLock { $0 } }
        func read() -> Int64 {
            count.withLock { $0 += 1 }
            return now
        }
        var now: Int64 { time.withLock { $0 } }
        func advance(by milliseconds: Int64) { time.withLock { $0 += milliseconds } }
    }
}
