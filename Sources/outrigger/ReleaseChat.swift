import JSONText
import Releases
import ReplayAgents

/// What a release says to a model behind chat completions: its model, system prompt, tools and parameters.
struct ReleaseChat {
    var options: OpenAIAgent.Options
    /// Sentences that a reader must know: what of the release was not used.
    var notes: [String] = []
    /// Whether the model is asked as the release says, so that the run may be credited to its digest.
    var isFaithful = true

    /// - Parameters:
    ///   - flags: what the command line asked for; its model wins.
    ///   - arm: in words, such as `candidate`.
    init(_ release: Release, _ flags: OpenAIAgent.Options, arm: String) {
        options = flags
        if let model = release.model {
            if let asked = flags.model, asked != model.name {
                notes.append("the \(arm) is asked as model \(asked) (--model), not as its release's \(model.name), so it is not credited to the release's digest")
                isFaithful = false
            }
            options.model = flags.model ?? model.name
            options.parameters = ReleaseValue.object(model.parameters).json
        }
        let named = release.prompts.first { $0.name == "system" }
        if let prompt = named ?? (release.prompts.count == 1 ? release.prompts.first : nil) {
            options.system = String(decoding: prompt.text, as: UTF8.self)
        } else if !release.prompts.isEmpty {
            let names = release.prompts.map(\.name).joined(separator: ", ")
            notes.append("the \(arm)'s release has several prompts (\(names)) and none is named system, so none was sent and it is not credited to the release's digest")
            isFaithful = false
        }
        if !release.tools.isEmpty { options.tools = Array(JSONValue.array(release.tools.map(Self.tool)).text.utf8) }
    }

    private static func tool(_ tool: Release.Tool) -> JSONValue {
        var function: [(String, JSONValue)] = [("name", .text(tool.name))]
        if let description = tool.description { function.append(("description", .text(description))) }
        function.append(("parameters", .raw(tool.schema?.json ?? Array(#"{"type":"object"}"#.utf8))))
        return .object([("type", .text("function")), ("function", .object(function))])
    }
}
