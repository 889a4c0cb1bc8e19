import AdminClient
import ArgumentParser
import Glibc
import JSONDocuments
import JSONText

/// `outrigger rollout`: a sidecar's rollout, from the command line.
struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Look at the rollout of a running sidecar, and change it.",
        discussion: "Exit status: 0 done, 1 refused, 2 the sidecar cannot be reached or the command line cannot be carried out.",
        subcommands: [Status.self, Set.self, Start.self, Pause.self, Resume.self, Promote.self, Rollback.self, History.self])

    struct Status: AsyncParsableCommand {
        // Said here and below, since looking a type's name up costs milliseconds at every start.
        static let configuration = CommandConfiguration(commandName: "status", abstract: "The rollout as it is.")
        @OptionGroup var admin: AdminOptions

        func run() async throws {
            try await admin.talk(RolloutText.state) { client in try await client.send("GET", "/v1/rollout") }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "set", abstract: "Set the mode, or the candidate's share.")
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        @Option(help: "baseline, shadow or canary.") var mode: String?
        @Option(help: "The candidate's share of the keys in canary, such as 12.5.") var percent: Double?
        @Option(help: "The share of the requests that are copied in shadow.") var shadowPercent: Double?

        func validate() throws {
            guard percent != nil, let mode, mode != "canary" else { return }
            throw ValidationError(
                "--percent is the candidate's share in a canary"
                    + (mode == "shadow" ? "; --shadow-percent says how many requests are copied in shadow" : ", and this sets another mode"))
        }

        func run() async throws {
            var members = reason.members
            if let mode { members.append(("mode", .text(mode))) }
            if let percent { members.append(("percent", .number(percent))) }
            if let shadowPercent { members.append(("shadow_percent", .number(shadowPercent))) }
            try await admin.put(members, reason)
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start",
            abstract: "Start a canary by steps.",
            discussion: """
                outrigger rollout start 5:10m 25:1h 100 --why "v13 is ready"

                A step goes by its time alone. The last one, whatever its time, and one without a time stay until promote, \
                rollback or set.
                """)
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        @Argument(help: "PERCENT:TIME, or PERCENT to stay there.") var steps: [StepArgument]

        func run() async throws {
            let steps = JSONValue.array(
                steps.map { .object([("percent", .number($0.percent)), ("seconds", $0.seconds.map { .integer($0) } ?? .null)]) })
            try await admin.put(reason.members + [("steps", steps)], reason)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "pause", abstract: "Let the schedule stand still.")
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        func run() async throws { try await admin.act("pause", reason) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let the schedule go on.")
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        func run() async throws { try await admin.act("resume", reason) }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promote",
            abstract: "Give the candidate all keys, at once and from wherever the rollout stands, and say what it was before.")
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        func run() async throws { try await admin.promote(reason) }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rollback", abstract: "Give everything to the baseline, at once.")
        @OptionGroup var admin: AdminOptions
        @OptionGroup var reason: ReasonOptions
        func run() async throws { try await admin.act("rollback", reason) }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "history", abstract: "Who changed what, when and why; the newest first.")
        @OptionGroup var admin: AdminOptions
        @Option(help: "How many changes.") var limit = 20

        func run() async throws {
            try await admin.talk(RolloutText.history) { client in try await client.send("GET", "/v1/rollout/history?limit=\(limit)") }
        }
    }
}

/// `25:1h`: a share, and how long it lasts.
struct StepArgument: ExpressibleByArgument {
    var percent: Double
    var seconds: Int?

    init?(argument: String) {
        let halves = argument.split(separator: ":", maxSplits: 1)
        guard let first = halves.first, let percent = Double(first.hasSuffix("%") ? first.dropLast() : first) else { return nil }
        self.percent = percent
        guard halves.count == 2 else { return }
        guard let time = DurationArgument(argument: String(halves[1])), time.duration >= .seconds(1) else { return nil }
        seconds = Int(time.duration.components.seconds)
    }
}

/// Who changes something, and why.
struct ReasonOptions: ParsableArguments {
    @Option(help: "Why; it stands in the history.") var why: String
    @Option(help: ArgumentHelp("Who; the user's name if left out.")) var by: String?
    @Option(help: "Only if the rollout is at this revision.") var revision: Int?

    var members: [(String, JSONValue)] {
        [("why", .text(why)), ("by", .text(by ?? Self.userName))]
    }

    /// Also in a container, where no variable says it.
    private static var userName: String {
        if let name = ExportSetup.environment()["USER"], !name.isEmpty { return name }
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "user \(getuid())" }
        return String(cString: name)
    }
}

/// Where the sidecar's admin API is.
struct AdminOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The admin API.", valueName: "url")) var admin = "http://127.0.0.1:8081"
    @Option(help: ArgumentHelp("A file that holds the bearer token; else OUTRIGGER_ADMIN_TOKEN.", valueName: "file")) var tokenFile: String?
    @Flag(help: "Print the answer as JSON.") var json = false

    func act(_ verb: String, _ reason: ReasonOptions) async throws {
        var members = reason.members
        if let revision = reason.revision { members.append(("revision", .integer(revision))) }
        try await talk(RolloutText.state) { client in try await client.send("POST", "/v1/rollout/\(verb)", .object(members)) }
    }

    /// Promotes, at the revision given or at the one that it is found at: what is told to have been before then was so.
    func promote(_ reason: ReasonOptions) async throws {
        try await tell { client in
            let before = try await client.send("GET", "/v1/rollout")
            var members = reason.members
            if let revision = reason.revision ?? Self.revision(of: before) { members.append(("revision", .integer(revision))) }
            let after = try await client.send("POST", "/v1/rollout/promote", .object(members))
            return (after.json, try json ? "" : RolloutText.change(from: before, to: after))
        }
    }

    private static func revision(of answer: AdminClient.Answer) -> Int? {
        guard case .number(let number)? = answer.document["revision"] else { return nil }
        return number.intValue
    }

    /// Sets the rollout, at the revision given or at the one that it is found at.
    func put(_ members: [(String, JSONValue)], _ reason: ReasonOptions) async throws {
        try await talk(RolloutText.state) { client in
            var revision = reason.revision
            if revision == nil { revision = Self.revision(of: try await client.send("GET", "/v1/rollout")) }
            return try await client.send("PUT", "/v1/rollout", .object(members), ifMatch: revision)
        }
    }

    /// Asks, prints, and ends with the status that goes with the answer.
    func talk(
        _ text: (AdminClient.Answer) throws -> String, _ body: (AdminClient) async throws -> AdminClient.Answer
    ) async throws {
        try await tell { client in
            let answer = try await body(client)
            return (answer.json, try json ? "" : text(answer))
        }
    }

    /// As ``talk(_:_:)``, of an answer that comes with its text.
    private func tell(_ body: (AdminClient) async throws -> (json: String, text: String)) async throws {
        do {
            let token = try tokenFile.map(TokenFile.read) ?? ExportSetup.environment()["OUTRIGGER_ADMIN_TOKEN"]
            let told = try await body(AdminClient(url: admin, token: token))
            Terminal.write(json ? told.json + "\n" : told.text, to: STDOUT_FILENO)
        } catch let refusal as AdminClient.Refusal {
            Terminal.write("error: \(refusal.detail.escapedForTerminal)\n", to: STDERR_FILENO)
            if json { Terminal.write(refusal.json + "\n", to: STDOUT_FILENO) }
            throw ExitCode(1)
        } catch {
            Terminal.write("error: \(Terminal.lines(error))\n", to: STDERR_FILENO)
            throw ExitCode(2)
        }
    }
}
