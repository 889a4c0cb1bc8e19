import Foundation
import Releases
import Testing

@Suite struct ReleaseDigestTests {
    @Test func theSamplesHaveTheDigestOfTheIndependentImplementation() throws {
        let paths = ["airline-v12", "airline-v13"].map(Project.release)
        let digests = try paths.map { try Release.load($0).digest }
        #expect(digests == (try Project.digests(paths)))
        #expect(digests.allSatisfy { $0.hasPrefix("sha256:") && $0.utf8.count == 71 })
        #expect(Set(digests).count == 2)
    }

    @Test func theCanonicalFormIsAsDocumented() throws {
        let bundle = try Bundle(["release.yaml": """
            version: "1"
            prompts: {p: {text: a}}
            tools: [{name: t, schema: {type: object, maxProperties: 10, minimum: 184.50, x: "é\\t\\"\\u0001"}}]
            allowed_tools: [t, b, t]
            model: {name: m}
            """])
        #expect(String(decoding: try bundle.load().canonicalForm, as: UTF8.self) == """
            {"allowed_tools":["b","t"],"model":{"name":"m","parameters":{},"provider":null},"policy":null,"prompts":{"p":\
            "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},"tools":[{"description":null,\
            "effect":"write","name":"t","schema":{"maxProperties":1e1,"minimum":1845e-1,"type":"object",\
            "x":"é\\t\\"\\u0001"}}],"version":"1"}
            """)
    }

    static let layouts: [[String: String]] = [
        ["release.yaml": "version: v1\nprompts:\n  s: p/s.md\ntools:\n  - {name: t, schema: t.json}\npolicy: {max: 1.50}\nmetadata: {a: 1}\n",
            "p/s.md": "Hi\nthere\n", "t.json": #"{"type": "object", "maximum": 100}"#],
        ["release.yaml": "# other\npolicy: rules.yaml\n\"prompts\": {\"s\": {file: x}}\ntools: [{schema: {maximum: 1e2, type: 'object'}, \"name\": t, effect: write}]\nversion: 'v1'",
            "x": "Hi\nthere\n", "rules.yaml": "max: 15e-1"],
        ["release.yaml": "prompts:\n  s: |\n    Hi\n    there\nversion: v1\npolicy: ./a/../r.json\ntools:\n- name: t\n  schema: s.yml\n",
            "r.json": #"{"max":1.5}"#, "a/x": "", "s.yml": "type: object\nmaximum: 100.0"],
    ]

    @Test func layoutAndFormattingDoNotCount() throws {
        let bundles = try Self.layouts.map(Bundle.init)
        let digests = try bundles.map { try $0.load().digest }
        #expect(Set(digests).count == 1)
        #expect(try Project.digests(bundles.map(\.path)) == digests)
    }

    static let different: [(String, String)] = [
        ("Hi\nthere\n", "Hi\nthere"), ("Hi\n", "Hi\r\n"), ("name: t", "name: u"), ("v1", "v2"), ("s: p/s.md", "u: p/s.md"),
        ("100", "101"), ("1.50", "1.5000000000000000000000001"), ("name: t", "name: t, effect: read"),
        ("version", "model: {name: x}\nversion"), ("version", "allowed_tools: []\nversion"), ("name: t", "name: t, description: ''"),
    ]

    @Test(arguments: different)
    func eachPartCounts(_ old: String, _ new: String) throws {
        let changed = Self.layouts[0].mapValues { $0.replacing(old, with: new) }
        let bundle = try Bundle(changed)
        #expect(try bundle.load().digest != Bundle(Self.layouts[0]).load().digest)
        #expect(try [bundle.load().digest] == Project.digests([bundle.path]))
    }

    @Test func metadataDoesNotCount() throws {
        let changed = Self.layouts[0].mapValues { $0.replacing("{a: 1}", with: "{b: [x]}") }
        #expect(try Bundle(changed).load().digest == Bundle(Self.layouts[0]).load().digest)
    }

    @Test func everyByteOfAPromptCounts() throws {
        var random = SeededGenerator(seed: 5)
        let bundle = try Bundle(["release.yaml": "version: a\nprompts: {p: p.md}"])
        var seen: Set<String> = []
        var text = (0..<64).map { _ in UInt8.random(in: 32...126, using: &random) }
        for i in 0..<64 {
            text[i] = text[i] == 126 ? 32 : text[i] + 1
            try bundle.write("p.md", Data(text))
            #expect(seen.insert(try bundle.load().digest).inserted)
        }
    }

    /// Random bundles, written twice with all keys, tools and spellings of numbers in another order or form.
    @Test func shuffledBundlesHaveOneDigest() throws {
        var random = SeededGenerator(seed: 11)
        var paths: [String] = []
        var digests: [String] = []
        var kept: [Bundle] = []
        for round in 0..<40 {
            let names = ["a", "b", "é", "Z_1", "zz"].shuffled(using: &random).prefix(Int.random(in: 1...5, using: &random))
            let numbers = names.map { _ in Int.random(in: -5000...5000, using: &random) }
            var pair: [String] = []
            for _ in 0..<2 {
                let tools = zip(names, numbers).shuffled(using: &random).map { name, number in
                    let spelling = ["\(number)", "\(number).0", "\(number)0e-1", "+\(number)".replacing("+-", with: "-")].randomElement(using: &random) ?? ""
                    let fields = ["name: \(name)", "schema: {type: object, n: \(spelling)}", "description: \"d \(name)\""]
                    return "{\(fields.shuffled(using: &random).joined(separator: ", "))}"
                }
                let prompts = names.shuffled(using: &random).map { "\($0): {text: \"x \($0)\\n\"}" }
                let parts = [
                    "version: r\(round)", "tools: [\(tools.joined(separator: ", "))]", "prompts: {\(prompts.joined(separator: ", "))}",
                    "allowed_tools: [\(names.shuffled(using: &random).joined(separator: ", "))]",
                    "model: {name: m, parameters: {t: \(["0.5", ".5", "5e-1"].randomElement(using: &random) ?? "")}}",
                ]
                let bundle = try Bundle(["release.yaml": parts.shuffled(using: &random).joined(separator: "\n")])
                kept.append(bundle)
                paths.append(bundle.path)
                pair.append(try bundle.load().digest)
            }
            #expect(pair[0] == pair[1])
            digests += pair
        }
        #expect(try Project.digests(paths) == digests)
        #expect(Set(digests).count == 40)
        withExtendedLifetime(kept) {}
    }
}
