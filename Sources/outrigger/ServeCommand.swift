import ArgumentParser
import Glibc
import Threads

/// `outrigger serve`: the sidecar in the request path.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Stand before two versions of an agent: route live requests, roll back at once, emit spans.",
        discussion: """
            Requests are proxied to the baseline or the candidate, by the rollout that the configuration begins with and the admin \
            API changes. SIGHUP, or a change of the file, reads the configuration again; SIGTERM ends it gracefully.

            Exit status: 0 after a graceful end, 1 when answers had to be cut off, 2 when it cannot start.
            """)

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
    var config: String

    @Flag(help: "Check the configuration and whether it could start here, say what it means, and end; nothing is made or started.")
    var check = false

    func run() async throws {
        let talker = Talker(isQuiet: false, logLevel: "info")
        let sidecar: Sidecar
        do {
            let file = ConfigurationFile(config)
            let configuration = try file.read()
            if check {
                let conditions = try StartConditions(configuration)
                for warning in conditions.warnings { talker.warn(warning) }
                let lines = SidecarText.check(configuration, conditions)
                Terminal.write("\(config): ok\n" + lines.map { "  \($0)\n" }.joined(), to: STDOUT_FILENO)
                return
            }
            sidecar = try await Sidecar(configuration, from: file, talker)
        } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
            throw ExitCode(2)
        }
        let cutOff = await sidecar.runUntilStopped()
        if cutOff > 0 { throw ExitCode(1) }
    }
}
