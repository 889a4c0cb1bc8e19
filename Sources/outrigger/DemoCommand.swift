import AdminClient
import ArgumentParser
import Demo
import Glibc
import JSONText
import SidecarConfiguration
import Threads

/// `outrigger demo`: two small agents, the sidecar and a load, and what a rollout does to them.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Start two small agents, the sidecar and a load, and watch a shadow, a canary and a rollback.",
        discussion: """
            Everything listens on free ports of this machine, and ends with the command. Spans go to the collector that \
            OTEL_EXPORTER_OTLP_ENDPOINT names, else to http://localhost:4318; none has to be there.

            Exit status: 0, 1 when the sidecar did not do what it promises, 2 when it cannot start.
            """)

    @Option(help: "Requests of each act.") var requests = 400
    @Flag(help: "Go on afterwards, with a load, until Ctrl-C: for trying `outrigger rollout`.") var hold = false

    func validate() throws {
        guard (10...1_000_000).contains(requests) else { throw ValidationError("--requests \(requests) is not between 10 and 1000000") }
    }

    func run() async throws {
        let talker = Talker(isQuiet: false, logLevel: "info")
        let stage: DemoStage
        do {
            stage = try await DemoStage(talker)
        } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
            throw ExitCode(2)
        }
        var isAsPromised = false
        do {
            isAsPromised = try await play(stage)
            if hold, !stage.sidecar.isStopping { try await goOn(stage) }
        } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
        }
        await stage.end()
        Terminal.write(stage.telemetry(), to: STDOUT_FILENO)
        guard isAsPromised else { throw ExitCode(1) }
    }

    /// - Returns: whether the sidecar did what it promises.
    private func play(_ stage: DemoStage) async throws -> Bool {
        let load = DemoLoad(port: stage.sidecar.port)
        @Sendable func isOver() -> Bool { stage.sidecar.isStopping }
        say("\nA support agent, version v12; v13 wants to replace it. \(DemoLoad.users) users ask both kinds of things.\n")

        let before = try await load.send(requests, until: isOver)
        act("baseline", "v12 answers all \(Readable.count(before.arms["baseline"] ?? 0)) requests" + timing(before))

        try await stage.set([("mode", .text("shadow")), ("shadow_percent", .integer(100))], why: "see what v13 would do")
        let shadowed = try await load.send(requests, until: isOver)
        let differing = await stage.differingShadows(of: requests)
        act("shadow", "v12 answers all \(Readable.count(shadowed.arms["baseline"] ?? 0))" + timing(shadowed))
        act("", "v13 gets copies, and nobody waits for them: \(Readable.count(differing.compared)) compared, "
            + "\(Readable.count(differing.different)) with other tool calls")
        act("", "(it refunds without check_policy; no user was told)")

        try await stage.set([("mode", .text("canary")), ("percent", .integer(25))], why: "a quarter of the users")
        let canary = try await load.send(requests, until: isOver)
        act("canary 25%", "v12 answers \(Readable.count(canary.arms["baseline"] ?? 0)), v13 \(Readable.count(canary.arms["candidate"] ?? 0))"
            + timing(canary))
        act("", canary.movedUsers == 0 ? "each user stays with one version" : "\(canary.movedUsers) users met both versions: this should not be")

        stage.candidate.breakDown()
        let broken = try await load.send(requests / 2, until: isOver)
        act("v13 breaks", "\(Readable.count(broken.failed)) of \(Readable.count(requests / 2)) requests fail, all of them v13's")
        let took = try await stage.rollBack(why: "v13 fails")
        let seen = stage.candidate.requests
        let after = try await load.send(requests, until: isOver)
        let late = stage.candidate.requests - seen
        act("rollback", "acknowledged after \(Readable.oneDecimal(took * 1000)) ms; of the next \(Readable.count(requests)) requests v13 gets "
            + "\(Readable.count(late)), and \(Readable.count(after.failed)) fail")
        say("")
        return isOver()
            || before.arms == ["baseline": requests] && shadowed.arms == before.arms && canary.movedUsers == 0 && late == 0
                && before.failed + shadowed.failed + canary.failed + after.failed == 0
    }

    private func goOn(_ stage: DemoStage) async throws {
        let load = DemoLoad(port: stage.sidecar.port)
        say("""
            The load goes on; v13 stays broken. Ctrl-C ends it. In another terminal:
                outrigger rollout status --admin \(stage.admin)
                outrigger rollout set --mode canary --percent 10 --why "try" --admin \(stage.admin)
                curl -s \(stage.admin)/metrics | grep outrigger_

            """)
        while !stage.sidecar.isStopping {
            _ = try await load.send(20, until: { stage.sidecar.isStopping })
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private func timing(_ result: DemoLoad.Result) -> String { ", median \(Readable.oneDecimal(result.median * 1000)) ms" }
    private func act(_ name: String, _ text: String) { say("  \(name.padded(11)) \(text)") }
    private func say(_ text: String) { Terminal.write(text + "\n", to: STDOUT_FILENO) }
}
