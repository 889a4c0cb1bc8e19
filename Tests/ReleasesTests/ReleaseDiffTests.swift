import Releases
import Testing

@Suite struct ReleaseDiffTests {
    @Test func theSamplesDifferInAPromptASchemaAndTheModel() throws {
        let diff = ReleaseDiff(from: try Release.load(Project.release("airline-v12")), to: try Release.load(Project.release("airline-v13")))
        #expect(diff.changesBehaviour)
        #expect(diff.prompts.map(\.name) == ["system"])
        #expect(diff.tools.map(\.name) == ["issue_refund"])
        #expect(diff.tools.map(\.isSchemaChanged) == [true])
        #expect(diff.model.map(\.path) == ["name", "parameters.temperature"])
        #expect(diff.model.last?.old == "0.2" && diff.model.last?.new == "0.1")
        #expect(diff.policy.isEmpty && diff.allowed.isEmpty && diff.disallowed.isEmpty)
        let text = diff.description
        #expect(text.contains("prompt system: changed\n  @@ -2,8 +2,8 @@\n"), "\(text)")
        #expect(text.contains("  + schema.properties.reason: {\"enum\":["), "\(text)")
    }

    @Test func aReleaseDoesNotDifferFromItself() throws {
        let release = try Release.load(Project.release("airline-v12"))
        let diff = ReleaseDiff(from: release, to: release)
        #expect(!diff.changesBehaviour)
        #expect(diff.description.contains("The releases are the same."))
        var relabelled = release
        relabelled.version = "v99"
        #expect(ReleaseDiff(from: release, to: relabelled).description.contains("Only the version differs."))
    }

    @Test func everyPartIsCompared() throws {
        let old = try Bundle(["release.yaml": "version: a\nprompts: {gone: {text: x}}\ntools: [{name: t}]\nallowed_tools: [t]\npolicy: p.md", "p.md": "one\n"])
        let new = try Bundle(["release.yaml": "version: b\nprompts: {more: {text: \"\\e[2J\"}}\ntools: [{name: u}]\nallowed_tools: [u]\npolicy: p.md", "p.md": "two\n"])
        let diff = ReleaseDiff(from: try old.load(), to: try new.load())
        #expect(diff.prompts.map(\.kind) == [.removed, .added])
        #expect(diff.tools.map(\.kind) == [.removed, .added])
        #expect(diff.allowed == ["u"] && diff.disallowed == ["t"])
        #expect(diff.policyLines == ["@@ -1 +1 @@", "-one", "+two"])
        #expect(!diff.description.unicodeScalars.contains("\u{1B}"))
    }

    @Test func secretsAreNotShown() throws {
        let old = try Bundle(["release.yaml": "version: a\nmodel: {name: m, parameters: {api_key: sk-proj-abcdEFGHijklMNOPqrst}}\nprompts: {p: {text: 'log in with password: Hunter2x9 at a@b.example'}}"])
        let new = try Bundle(["release.yaml": "version: b\nmodel: {name: m, parameters: {api_key: ghp_0123456789abcdefghijABCDEFGHIJ}}\nprompts: {p: {text: 'log in with password: Other3y8z at a@b.example'}}"])
        let text = ReleaseDiff(from: try old.load(), to: try new.load()).description
        for secret in ["sk-proj", "ghp_", "Hunter2x9", "Other3y8z"] { #expect(!text.contains(secret), "\(text)") }
        #expect(text.contains("[REDACTED]") && text.contains("a@b.example"), "\(text)")
    }

    @Test func accentsThatLookTheSameAreDifferent() throws {
        let old = try Bundle(["release.yaml": "version: a\npolicy: {x: \"\u{E9}\"}"])
        let new = try Bundle(["release.yaml": "version: a\npolicy: {x: \"e\u{301}\"}"])
        #expect(ReleaseDiff(from: try old.load(), to: try new.load()).changesBehaviour)
    }

    @Test(.timeLimit(.minutes(10)))
    func longTextsAreComparedInReasonableTime() throws {
        let a = (0..<200_000).map { "a\($0)\n" }.joined()
        let b = (0..<200_000).map { "b\($0)\n" }.joined()
        let old = try Bundle(["release.yaml": "version: a\nprompts: {p: p}", "p": a])
        let new = try Bundle(["release.yaml": "version: a\nprompts: {p: p}", "p": b])
        #expect(ReleaseDiff(from: try old.load(), to: try new.load()).prompts.first?.lines.count == 400_001)
    }
}
