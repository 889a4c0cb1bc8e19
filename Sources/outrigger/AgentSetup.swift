import Gate
import Replay

/// Makes agents and evaluators from what the command line and the gate file name.
struct AgentSetup {
    private let flags: ReplayOptions.Running
    private let file: GateFile?

    init(_ flags: ReplayOptions.Running, _ file: GateFile?) throws {
        self.flags = flags
        self.file = file
    }

    /// - Throws: ``UsageError`` when the text names no agent.
    func source(_ text: String) throws -> ArmSource {
        if text == "recorded" { return .recorded }
        if text.hasPrefix("recorded:") { return .recording(path: String(text.dropFirst(9))) }
        throw UsageError("\(text): write recorded, recorded:FILE, http(s)://URL or exec:COMMAND")
    }

    func evaluators(_ rules: [GateFile.EvaluatorRule]) throws -> [EvaluatorName: any RunEvaluator] { [:] }

    /// The agent as it may be shown.
    func displayName(_ text: String) -> String { text }
}
