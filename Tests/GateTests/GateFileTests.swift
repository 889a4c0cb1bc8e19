import Replay
import StrictYAML
import Testing

@testable import Gate

@Suite("Reading gate files")
struct GateFileTests {
    private func read(_ text: String) throws -> GateFile { try GateFile(bytes: Array(text.utf8), name: "dir/gate.yaml") }

    @Test("everything that a file can say is read")
    func whole() throws {
        let file = try read("""
            traces: ../traces.jsonl
            baseline: {agent: recorded, version: v1}
            candidate: {agent: "http://127.0.0.1:8080/run", release: release.yaml}
            limits: {max_latency_ms: 2000, max_cost_tokens: 800.5, max_repetitions: 3}
            fail_on: [wrong_tool, missing]
            thresholds: {max_failed: 1, max_tool_misuse: 0, max_budget_overruns: 2, max_problems: 3, min_pass_rate: 95%, min_runs: 7}
            slices:
              - name: money
                match: {tags: [refund], tools: [issue_refund]}
                max_failed: 0
            compare:
              confidence: 99%
              seed: 4
              pass_rate: {margin: 2%}
              latency_ms: {statistic: p95, margin: 10%}
              cost_tokens: {}
            evaluators:
              judge: {agent: "exec:./judge", timeout: 5s}
            checks:
              - {name: greets, response_contains: hello, ignore_case: true}
              - {name: good, score: {evaluator: judge, at_least: 0.5}}
            run: {repeat: 3, concurrency: 8, timeout: 1.5s, tool_match: strict, tool_fallback: answers.jsonl}
            allow_inconclusive: true
            """)
        #expect(file.traces == "../traces.jsonl")
        #expect(file.folder == "dir/")
        #expect(file.candidate == .init(agent: "http://127.0.0.1:8080/run", version: nil, release: "release.yaml"))
        #expect(file.maxLatency == 2000 && file.maxCost == 800.5 && file.maxRepetitions == 3)
        #expect(file.failOn == [.wrongTool, .missing])
        #expect(file.policy.thresholds.maxFailed == 1 && file.policy.thresholds.minPassRate == 0.95)
        #expect(file.policy.slices.first?.slice.tags == ["refund"])
        #expect(file.policy.comparison.confidence == 0.99 && file.policy.comparison.seed == 4)
        #expect(file.policy.comparison.passRate == .init(margin: 0.02, isAskedFor: true))
        #expect(file.policy.comparison.measures == [.init(.latency, statistic: .quantile(0.95), margin: 0.1), .init(.cost)])
        #expect(file.evaluators.map(\.name.name) == ["judge"] && file.evaluators.first?.timeout == .seconds(5))
        #expect(file.checks.map(\.name) == ["greets", "good"])
        #expect(file.repetitions == 3 && file.concurrency == 8 && file.runTimeout == .milliseconds(1500))
        #expect(file.policy.allowsInconclusive)
    }

    @Test("what is wrong is told with its line and the remedy", arguments: [
        ("thresholds: {max_faild: 1}", ["gate.yaml:1", "max_failed"]),
        ("trace: a.jsonl", ["gate.yaml:1", "traces"]),
        ("fail_on: [wrong_tol]", ["gate.yaml:1", "wrong_tool"]),
        ("compare:\n  latency_ms: {margin: 10}", ["gate.yaml:2", "%"]),
        ("checks:\n  - name: x", ["gate.yaml:2", "needs a condition"]),
        ("checks:\n  - {name: x, max_calls: {calls: 1}, response_contains: y}", ["gate.yaml:2", "one condition"]),
        ("slices:\n  - {name: s, match: {tags: [a]}}\n  - {name: s, match: {tags: [b]}}", ["gate.yaml:3", "two slices named s"]),
        ("checks:\n  - {name: x, response_contains: y}\n  - {name: x, response_contains: z}", ["gate.yaml:3", "two checks named x"]),
        ("checks:\n  - {name: x, response_matches: '('}", ["gate.yaml:2", "regular expression"]),
        ("checks:\n  - {name: x, score: {evaluator: judge, at_least: 1}}", ["gate.yaml:2", "judge"]),
        ("slices:\n  - {name: a}", ["gate.yaml:2", "match"]),
        ("checks:\n  - {name: x, arguments: {tool: t, schema: {type: object, additionalPropertes: false}}}", ["gate.yaml:2", "did you mean additionalProperties?"]),
        ("checks:\n  - {name: x, arguments: {tool: t, schema: {properties: {a: {minimun: 1}}}}}", ["gate.yaml:2", "/properties/a/minimun"]),
        ("checks:\n  - {name: x, required_tools: []}", ["gate.yaml:2", "holds for every run"]),
        ("checks:\n  - {name: x, forbidden_tools: []}", ["holds for every run"]),
        ("checks:\n  - {name: x, response_contains: ''}", ["holds for every run"]),
        ("checks:\n  - {name: x, response_matches: ''}", ["holds for every run"]),
        ("checks:\n  - {name: x, response_length: {}}", ["neither min nor max"]),
        ("checks:\n  - {name: x, arguments: {tool: t, schema: {}}}", ["every value fits its schema"]),
        ("checks:\n  - {name: x, arguments: {tool: t, schema: {title: anything}}}", ["every value fits its schema"]),
    ] as [(String, [String])])
    func errors(_ text: String, _ words: [String]) {
        let error = #expect(throws: YAMLError.self) { try read(text) }
        for word in words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "") lacks \(word)") }
    }

    @Test("a check that no run can fail is refused", arguments: [
        "response_matches: 'x*'", "response_matches: '.*'", "response_matches: '^'", "response_matches: '$'", "response_matches: '()'",
        "response_matches: 'a|'", #"response_matches: '\b|\B'"#, "response_matches: '(?:a?|b)*'", "response_length: {max: 9223372036854775806}",
        "response_length: {min: 0, max: 1000000001}", "max_calls: {tool: t, calls: 9223372036854775807}", "max_calls: {calls: 1000000000}",
        "max_tool_time: {time: 8761h}", "score: {evaluator: e, at_least: -1e9}", "score: {evaluator: e, at_least: -1e300}",
        "arguments: {tool: t, schema: {allOf: [{}]}}", "arguments: {tool: t, schema: {properties: {amount: {}}}}",
        "arguments: {tool: t, schema: {minProperties: 0}}", "arguments: {tool: t, schema: {required: []}}",
        "arguments: {tool: t, schema: {x-note: 1, format: date}}",
        "arguments: {tool: t, schema: {type: [object, array, string, number, boolean, 'null', integer]}}",
        "arguments: {tool: t, schema: {anyOf: [{type: string}, {}]}}", "arguments: {tool: t, schema: {not: false}}",
        "arguments: {tool: t, schema: {then: {type: string}}}", "arguments: {tool: t, schema: {pattern: a*, maxLength: 2000000000}}",
        "arguments: {tool: t, schema: {$ref: '#/$defs/any', $defs: {any: {properties: {next: {$ref: '#/$defs/any'}}}}}}",
    ])
    func empty(_ condition: String) {
        let text = "evaluators: {e: {agent: 'exec:./e'}}\nchecks:\n  - {name: x, \(condition)}"
        let error = #expect(throws: YAMLError.self) { try read(text) }
        #expect(error?.description.contains("holds for every run") == true, "\(error?.description ?? "")")
    }

    @Test("a check that some run can fail is taken", arguments: [
        "response_matches: 'x+'", "response_matches: '^$'", "response_matches: '^x*$'", #"response_matches: '\b'"#, #"response_matches: '\B'"#,
        "response_matches: '[^a]'", "response_length: {max: 400}", "response_length: {min: 1}", "max_calls: {calls: 0}",
        "max_tool_time: {time: 24h}", "score: {evaluator: e, at_least: -1}", "arguments: {tool: t, schema: false}",
        "arguments: {tool: t, schema: {type: object}}", "arguments: {tool: t, schema: {properties: {a: {type: string}}}}",
        "arguments: {tool: t, schema: {additionalProperties: false}}", "arguments: {tool: t, schema: {required: [a]}}",
        "arguments: {tool: t, schema: {anyOf: [{type: string}, {minimum: 1}]}}", "arguments: {tool: t, schema: {contains: {}}}",
        "arguments: {tool: t, schema: {if: {type: string}, then: {minLength: 1}}}", "arguments: {tool: t, schema: {not: {}}}",
        "arguments: {tool: t, schema: {$ref: '#/$defs/one', $defs: {one: {properties: {next: {$ref: '#/$defs/one'}, id: {type: string}}}}}}",
        "arguments: {tool: t, schema: {oneOf: [{}, {}]}}", "arguments: {tool: t, schema: {dependentRequired: {a: [b]}}}",
    ])
    func full(_ condition: String) throws {
        let file = try read("evaluators: {e: {agent: 'exec:./e'}}\nchecks:\n  - {name: x, \(condition)}")
        #expect(file.checks.count == 1)
    }

    @Test("nothing may fail unless the file says how much may", arguments: [
        ("thresholds: {min_runs: 1}", 0), ("allow_inconclusive: false", 0), ("thresholds: {max_failed: 4}", 4),
        ("thresholds: {min_pass_rate: 90%}", nil), ("compare: {pass_rate: {margin: 2%}}", nil), ("compare: {pass_rate: {}}", 0),
    ] as [(String, Int?)])
    func failuresByDefault(_ text: String, _ maximum: Int?) throws {
        #expect(try read(text).policy.thresholds.maxFailed == maximum)
    }

    @Test("keywords of a schema that are no slip of the hand assert nothing, and properties are no keywords")
    func foreignKeywords() throws {
        let file = try read("checks:\n  - {name: x, arguments: {tool: t, schema: {x-internal: 1, nullable: true, properties: {tipe: {minimum: 1}}}}}")
        #expect(file.checks.count == 1)
    }

    @Test("a YAML bomb is refused in bounded time")
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for i in 1..<12 { text += "a\(i): &a\(i) [\(Array(repeating: "*a\(i - 1)", count: 9).joined(separator: ", "))]\n" }
        #expect(throws: YAMLError.self) { try read(text) }
    }
}
