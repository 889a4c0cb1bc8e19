import Foundation
import Releases
import Testing

@Suite struct ReleaseLintTests {
    @Test(arguments: ["airline-v12", "airline-v13"])
    func theSamplesAreClean(_ name: String) throws {
        #expect(ReleaseLint(try Release.load(Project.release(name))).findings.map(\.description) == [])
    }

    private static let clean = "version: v\npolicy: {a: 1}\nmodel: {name: m-1}\nallowed_tools: []\n"
    private static let tool = "version: v\npolicy: {a: 1}\nmodel: {name: m-1}\nallowed_tools: [a_b]\ntools: "

    static let cases: [(String, [String])] = [
        (clean, []),
        (tool + "[{name: a_b, description: d, effect: read, schema: {type: object}}]", []),
        (tool + "[{name: a_b, description: d, effect: read}]", ["tool-schema-missing"]),
        (tool + "[{name: a_b, description: d, effect: read, schema: {type: array}}]", ["tool-schema-not-object"]),
        (tool + "[{name: a_b, description: d, effect: read, schema: {type: object, required: [x]}}]", ["tool-schema-required-unknown"]),
        (tool + "[{name: a_b, schema: {type: object}}]", ["tool-effect-unknown", "tool-description-missing"]),
        (tool + "[]", ["allowed-tool-unknown"]),
        (clean + "tools: [{name: 'a b', description: d, effect: read, schema: {type: object}}]", ["tool-name-invalid", "tool-not-allowed"]),
        (tool + "[{name: a_b, description: d, effect: read, schema: {type: object}}, {name: a_b, description: d, effect: read, schema: {type: object}}]",
            ["tool-name-duplicate"]),
        (clean.replacing("policy: {a: 1}\n", with: "").replacing("[]", with: "[x]") + "tools: [{name: x, description: d, effect: write, schema: {type: object}}]", ["write-without-policy"]),
        (clean.replacing("allowed_tools: []\n", with: "") + "tools: [{name: x, description: d, effect: read, schema: {type: object}}]", ["allow-list-missing"]),
        (clean.replacing("[]", with: "[x, x]"), ["allowed-tool-unknown", "allowed-tool-duplicate"]),
        (clean + "prompts: {p: {text: ' '}}", ["prompt-empty"]),
        (clean + "prompts: {p: {text: 'Call `do_it` or do_that(1), not `plain` or snake_case.'}}", ["prompt-unknown-tool", "prompt-unknown-tool"]),
        (clean + "prompts: {p: {text: 'key sk-abcdefghij0123456789'}}", ["secret"]),
        (clean + "prompts: {p: {text: 'key sk-proj-abcdEFGHijklMNOPqrst'}}", ["secret"]),
        (clean + "prompts: {p: {text: 'send Authorization: Bearer abc123def456'}}", ["secret"]),
        (clean + "prompts: {p: {text: 'log in with password: Hunter2x9'}}", ["secret"]),
        (clean + "prompts: {p: {text: 'write to help@example.com, send Bearer YOUR_TOKEN, password: <yours>, token: required'}}", []),
        (clean + "prompts: {p: {text: 'a task-force of risk-takers, sk-learn'}}", []),
        (clean.replacing("{a: 1}", with: "{a: [ghp_0123456789abcdefghijABCDEFGHIJ]}"), ["secret"]),
        (clean.replacing("m-1", with: "gpt-latest"), ["model-unpinned"]),
        (clean.replacing("model: {name: m-1}\n", with: ""), ["model-missing"]),
        (clean + "prompts: {p: \"x\\r\\ny\"}", ["prompt-line-endings"]),
        (clean + "prompts: {p: {text: \"e\\u0301\"}}", ["prompt-decomposed"]),
    ]

    @Test(arguments: cases)
    func rules(_ text: String, _ expected: [String]) throws {
        let findings = ReleaseLint(try Bundle(["release.yaml": text]).load()).findings
        #expect(findings.map(\.rule).sorted() == expected.sorted(), "\(findings)")
        #expect(findings.allSatisfy { !$0.description.contains("sk-a") && !$0.description.contains("ghp_") })
    }

    @Test func byteOrderMarksInPromptFilesAreFound() throws {
        let bundle = try Bundle(["release.yaml": Self.clean + "prompts: {p: a.md}", "a.md": "\u{FEFF}text"])
        #expect(ReleaseLint(try bundle.load()).findings.map(\.rule) == ["prompt-byte-order-mark"])
    }

    @Test func findingsNameTheLineOfThePromptFile() throws {
        let bundle = try Bundle(["release.yaml": Self.clean + "prompts: {p: p/a.md}", "p/a.md": "one\ntwo `no_tool`\n", "p/b.md": ""])
        let findings = ReleaseLint(try bundle.load()).findings
        #expect(findings.map(\.rule).sorted() == ["file-unused", "prompt-unknown-tool"])
        #expect(findings.first { $0.rule == "prompt-unknown-tool" }?.line == 2)
        #expect(findings.first { $0.rule == "prompt-unknown-tool" }?.file.hasSuffix("/p/a.md") == true)
    }
}
