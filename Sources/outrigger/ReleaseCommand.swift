import ArgumentParser
import Glibc
import JSONText
import Releases
import StrictYAML

struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Look at release files: the bundle of prompts, tools, policy and model that decides an agent's behaviour.",
        subcommands: [Digest.self, Diff.self, Lint.self])

    struct Digest: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "digest", abstract: "Print the digest that pins a release.")

        @Argument(help: "Release files.") var files: [String]

        func run() throws {
            for file in files {
                let release = try ReleaseCommand.load(file)
                Terminal.write("\(release.digest)  \(release.version.escapedForTerminal)  \(file.escapedForTerminal)\n", to: STDOUT_FILENO)
            }
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "Show what changed from one release to another.",
            discussion: "Exit status: 0 they behave the same; 1 something that decides behaviour changed; 2 a file cannot be read.")

        @Argument(help: "The older release file.") var old: String
        @Argument(help: "The newer release file.") var new: String

        func run() throws {
            let diff = ReleaseDiff(from: try ReleaseCommand.load(old), to: try ReleaseCommand.load(new))
            let text = diff.description
            Terminal.write(text.hasSuffix("\n") || text.isEmpty ? text : text + "\n", to: STDOUT_FILENO)
            if diff.changesBehaviour { throw ExitCode(1) }
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint",
            abstract: "Look for what is wrong or risky in release files.",
            discussion: "Exit status: 0 no errors; 1 errors, or warnings with --strict; 2 a file cannot be read.")

        @Argument(help: "Release files.") var files: [String]
        @Flag(help: "Let warnings fail too.") var strict = false
        @Flag(help: "Findings as JSON, one on a line.") var json = false

        func run() throws {
            var errors = 0
            var warnings = 0
            for file in files {
                let lint = ReleaseLint(try load(file))
                errors += lint.errors.count
                warnings += lint.warnings.count
                for finding in lint.findings { Terminal.write(line(finding) + "\n", to: STDOUT_FILENO) }
            }
            if !json {
                Terminal.write("\(Readable.count(errors, "error")), \(Readable.count(warnings, "warning"))\n", to: STDERR_FILENO)
            }
            if errors > 0 || strict && warnings > 0 { throw ExitCode(1) }
        }

        private func load(_ file: String) throws -> Release {
            guard json else { return try ReleaseCommand.load(file) }
            do throws(ReleaseError) { return try Release.load(file) } catch {
                for problem in error.problems {
                    let line = JSONValue.object([
                        ("file", .text(problem.file)), ("line", problem.position.line > 0 ? .integer(problem.position.line) : .null),
                        ("severity", .text("error")), ("rule", .text("unreadable")),
                        ("message", .text((problem.path.isEmpty ? "" : problem.path + ": ") + problem.problem)),
                        ("remedy", problem.remedy.map { .text($0) } ?? .null),
                    ])
                    Terminal.write(line.text + "\n", to: STDOUT_FILENO)
                }
                throw ExitCode(2)
            }
        }

        private func line(_ finding: ReleaseLint.Finding) -> String {
            if json {
                return JSONValue.object([
                    ("file", .text(finding.file)), ("line", .integer(finding.line)), ("severity", .text(finding.severity.rawValue)),
                    ("rule", .text(finding.rule)), ("message", .text(finding.message)), ("remedy", .text(finding.remedy)),
                ]).text
            }
            let text = "\(finding.file):\(finding.line): \(finding.severity.rawValue): \(finding.message) [\(finding.rule)] (\(finding.remedy))"
            return text.escapedForTerminal
        }
    }

    /// - Throws: the exit status 2, after saying why.
    private static func load(_ file: String) throws -> Release {
        do { return try Release.load(file) } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
            throw ExitCode(2)
        }
    }
}
