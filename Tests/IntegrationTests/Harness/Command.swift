import Foundation
import Testing

/// A process that a test starts and ends.
final class Command {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
        /// The summary that `--json` prints.
        var summary: [String: Any] {
            get throws {
                let line = try #require(output.split(separator: "\n").last, "no summary on standard output; errors: \(errors)")
                return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }
    }

    let process = Process()
    private let ended = DispatchSemaphore(value: 0)
    private let folder: URL
    private let outputFile: URL
    private let errorFile: URL

    /// - Parameter input: what the process reads from its standard input; nothing if nil.
    init(
        _ executable: URL, _ arguments: [String], environment: [String: String] = [:], input: FileHandle? = nil
    ) throws {
        folder = try Scratch.folder()
        outputFile = folder.appendingPathComponent("out")
        errorFile = folder.appendingPathComponent("err")
        for file in [outputFile, errorFile] { try Data().write(to: file) }
        process.executableURL = executable
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OTEL_") }
        variables.merge(environment) { $1 }
        process.environment = variables
        // Files, not pipes: a full pipe would stop the process, and nobody may be reading yet.
        let (output, errors) = (try FileHandle(forWritingTo: outputFile), try FileHandle(forWritingTo: errorFile))
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input ?? FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        // The process has its own by now. With some 1,300 descriptors in use, Foundation reads beyond the end of their list when it
        // starts a process, and crashes where that is the end of the memory too.
        try output.close()
        try errors.close()
    }

    deinit {
        if process.isRunning { kill() }
    }

    func wait() throws -> Result {
        // Not waitUntilExit, which turns a run loop that the threads of tests do not have.
        ended.wait()
        ended.signal()
        return Result(status: process.terminationStatus, output: try text(outputFile), errors: try text(errorFile))
    }

    var outputSoFar: String { get throws { try text(outputFile) } }
    var errorsSoFar: String { get throws { try text(errorFile) } }

    private func text(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }

    func terminate() { process.terminate() }
    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }
}

/// Outrigger's own binary, as a user starts it.
enum Outrigger {
    /// It stands beside the test program.
    static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("outrigger")

    /// - Parameter fileLimit: kilobytes that a file it writes may have; nil for no limit.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], input: FileHandle? = nil, fileLimit: Int? = nil
    ) throws -> Command {
        guard let fileLimit else { return try Command(executable, arguments, environment: environment, input: input) }
        let script = "ulimit -f \(fileLimit); exec \"$0\" \"$@\""
        return try Command(
            URL(fileURLWithPath: "/bin/bash"), ["-c", script, executable.path] + arguments, environment: environment, input: input)
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: FileHandle? = nil
    ) throws -> Command.Result {
        try start(arguments, environment: environment, input: input).wait()
    }

    /// `outrigger backfill` with a summary for machines.
    static func backfill(_ arguments: [String], environment: [String: String] = [:]) throws -> Command.Result {
        try run(["backfill", "--json"] + arguments, environment: environment)
    }
}

/// What the repository and the test command put in place.
enum Project {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func fixture(_ name: String) -> String { root.appendingPathComponent("Fixtures/traces/\(name)").path }

    static let python = root.appendingPathComponent(".build-venv/bin/python")

    /// Runs one of the programs in Tests/Support.
    static func support(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Command {
        try Command(
            python, ["-B", root.appendingPathComponent("Tests/Support/\(name).py").path] + arguments, environment: environment)
    }

    /// Real agent runs that lie beside a checkout in some places, and are never part of it.
    static let realRuns: [String] = ["tau_airline_t0.jsonl", "tau_airline_t1.jsonl"].map {
        root.deletingLastPathComponent().appendingPathComponent("shared/data/\($0)").path
    }.filter { FileManager.default.fileExists(atPath: $0) }
}

/// Places for the files of one test.
enum Scratch {
    private static let base = FileManager.default.temporaryDirectory
        .appendingPathComponent("outrigger-tests-\(ProcessInfo.processInfo.processIdentifier)")

    static func folder() throws -> URL {
        let folder = base.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    static func file(_ content: some Sequence<UInt8>, name: String = "runs.jsonl") throws -> String {
        let file = try folder().appendingPathComponent(name)
        try Data(content).write(to: file)
        return file.path
    }

    static func file(_ lines: [String], name: String = "runs.jsonl") throws -> String {
        try file(lines.map { $0 + "\n" }.joined().utf8, name: name)
    }
}

/// Waits for something that another process does; the time limit of the test is the bound.
func eventually(_ what: Comment, within seconds: Double = 60, _ condition: () throws -> Bool) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while try !condition() {
        try #require(Date() < deadline, what)
        usleep(20_000)
    }
}
