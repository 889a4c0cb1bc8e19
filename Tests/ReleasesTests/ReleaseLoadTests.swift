import Foundation
import Releases
import Testing

@Suite struct ReleaseLoadTests {
    static let refused: [(String, String)] = [
        ("prompts: {}", "1:1: version is missing"),
        ("version: 12", "1:10: version: found the number 12 where a text should be"),
        ("version: ''", "no label"),
        ("version: v\nprompts: {s: /etc/passwd}", "2:14: prompts.s: the path /etc/passwd is absolute"),
        ("version: v\nprompts: {s: ../x}", "2:14: prompts.s: the path ../x leaves the bundle's folder"),
        ("version: v\nprompts: {s: a/../../x}", "leaves the bundle's folder"),
        ("version: v\nprompts: {s: missing.md}", "2:14: prompts.s: cannot open missing.md: No such file"),
        ("version: v\nprompts: {s: \"a\\0b\"}", "control characters"),
        ("version: v\nprompts: {s: .}", "names no file"), ("version: v\nprompts: {s: ''}", "no file name"),
        ("version: v\nprompts: {s: folder}", "folder is not a regular file"),
        ("version: v\nprompts: {s: {file: a, text: b}}", "either a file or a text"),
        ("version: v\nprompts: {s: {}}", "either a file or a text"),
        ("version: v\nprompts: {s: binary.md}", "not UTF-8"),
        ("version: v\ntools: [{name: t, schema: bad.json}]", "2:27: tools[0].schema: bad.json, line 2: not JSON"),
        ("version: v\ntools: [{name: t, schema: twice.json}]", "the member \"a\" stands twice"),
        ("version: v\ntools: [{name: t, schema: deep.json}]", "nested too deep"),
        ("version: v\ntools: [{name: t, schema: lone.json}]", "lone surrogate"),
        ("version: v\ntools: [{name: t, effect: wirte}]", "did you mean write?"),
        ("version: v\ntools: [{nme: t}]", "did you mean name?"),
        ("version: v\npolicy: [a]", "found a list where a mapping or a file name should be"),
        ("version: v\npolicy: list.json", "holds no mapping"),
        ("version: v\nmodel: {name: m, parameters: {t: .inf}}", "JSON has no .inf"),
        ("version: v\npromts: {}", "2:1: promts: unknown key \"promts\" (did you mean prompts?)"),
        ("version: v\nprompts: {s: fifo-link}", "leads out of the bundle's folder"),
        ("version: v\nprompts: {s: folder-link/passwd}", "leads out of the bundle's folder"),
    ]

    @Test(arguments: refused)
    func whatIsRefused(_ text: String, _ expected: String) throws {
        let bundle = try Bundle(["release.yaml": text, "folder/x": "", "bad.json": "{\n  oops}", "twice.json": #"{"a":1,"a":2}"#,
            "deep.json": String(repeating: "[", count: 500), "lone.json": #"["\ud800"]"#, "list.json": "[1]"])
        try bundle.write("binary.md", Data([0x41, 0xFF]))
        try bundle.link("fifo-link", to: "/dev/zero")
        try bundle.link("folder-link", to: "/etc")
        let message = try #require(bundle.refusal)
        #expect(message.contains(expected), "\(message)")
        #expect(message.hasPrefix(bundle.path + ":"))
    }

    @Test func linksWithinTheFolderAreFollowed() throws {
        let bundle = try Bundle(["release.yaml": "version: v\nprompts: {s: link.md}", "real/s.md": "text"])
        try bundle.link("link.md", to: "real/s.md")
        #expect(try bundle.load().prompts.map(\.text) == [Array("text".utf8)])
    }

    @Test func theFolderItselfMayBeALink() throws {
        let bundle = try Bundle(["v1/release.yaml": "version: v\nprompts: {s: s.md}", "v1/s.md": "text"])
        try bundle.link("current", to: "v1")
        #expect(try Release.load(bundle.folder + "/current/release.yaml").prompts.count == 1)
    }

    @Test func neighboursWithTheSameStartAreOutside() throws {
        let bundle = try Bundle(["v1/release.yaml": "version: v\nprompts: {s: out/s.md}", "v10/s.md": "text"])
        try bundle.link("v1/out", to: bundle.folder + "/v10")
        #expect(throws: ReleaseError.self) { try Release.load(bundle.folder + "/v1/release.yaml") }
    }

    @Test func sizesAreBounded() throws {
        let bundle = try Bundle(["release.yaml": "version: v\nprompts: {s: large.md}"])
        try bundle.write("large.md", Data(repeating: 0x61, count: 4 << 20))
        #expect(bundle.refusal == nil)
        try bundle.write("large.md", Data(repeating: 0x61, count: 4 << 20 + 1))
        #expect(bundle.refusal?.contains("larger than 4 MiB") == true)
        let many = try Bundle(["release.yaml": "version: v\nprompts:\n" + (0..<17).map { "  p\($0): large.md\n" }.joined()])
        try many.write("large.md", Data(repeating: 0x61, count: 4 << 20))
        #expect(many.refusal?.contains("more than 64 MiB") == true)
    }

    @Test func allMistakesComeTogether() throws {
        let bundle = try Bundle(["release.yaml": "prompts: {a: x.md, b: y.md}\ntools: [{name: 1}]"])
        do {
            _ = try bundle.load()
            Issue.record("no error")
        } catch { #expect(error.problems.count == 4) }
    }

    @Test func aMissingBundleIsNamed() {
        #expect(throws: ReleaseError.self) { try Release.load("/nonexistent/release.yaml") }
    }
}
