import ArgumentParser
import Glibc

@main
struct Outrigger: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "outrigger",
        abstract: "Observability for AI agents: their past and present runs as OpenTelemetry spans.",
        version: version,
        subcommands: [
            BackfillCommand.self, ReplayCommand.self, GateCommand.self, ReleaseCommand.self, ServeCommand.self, RolloutCommand.self,
            AuditCommand.self, CorrelateCommand.self, DemoCommand.self,
        ])

    /// What the parser finds wrong begins as every other error does.
    static let _errorPrefix = "error: "

    /// Exit statuses are part of the interface, so they are not left to the argument parser: what is wrong with the
    /// command line or the configuration is 2.
    static func main() async {
        // A file opened under the number of a closed standard stream would get what is meant for people.
        // Standard output that nobody opened fails when it is written, since a result would be lost there.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR)
        }
        do {
            try await run(try parseAsRoot())
        } catch let status as ExitCode {
            Glibc.exit(status.rawValue)
        } catch {
            let isHelp = exitCode(for: error) == .success
            Terminal.write(fullMessage(for: error) + "\n", to: isHelp ? STDOUT_FILENO : STDERR_FILENO)
            Glibc.exit(isHelp ? 0 : 2)
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var concurrent = command as? any AsyncParsableCommand {
            try await concurrent.run()
        } else {
            var command = command
            try command.run()
        }
    }
}
