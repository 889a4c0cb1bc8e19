import Foundation
import Testing

/// Back ends that answer 200 and drop: reading back finds it out.
@Suite struct VerifyTests {
    static let backEnds = [("jaeger", ""), ("tempo", "/tempo"), ("phoenix", "")]

    @Test(.timeLimit(.minutes(10)), arguments: backEnds)
    func aHonestBackEndShowsEverything(_ name: String, _ path: String) throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--verify", "\(name)=\(collector.endpoint)\(path)",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("verify.sent") == 68)
        #expect(try result.summary.number("verify.visible") == 68)
    }

    @Test(.timeLimit(.minutes(10)), arguments: backEnds)
    func droppedSpansAreNamed(_ name: String, _ path: String) throws {
        let collector = try StubCollector(["--drop-every", "10"])
        let result = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--verify", "\(name)=\(collector.endpoint)\(path)",
            "--verify-timeout", "300ms",
        ])
        #expect(result.status == 1)
        let summary = try result.summary
        #expect(try summary.number("spans.accepted") == 68, "the collector said yes to all")
        #expect(try summary.number("verify.missing") == 6)
        let missing = try #require(summary.value("verify.missing_spans") as? [[String: String]])
        #expect(missing.count == 6)
        #expect(Set(missing.compactMap { $0["span_id"] }).count == 6)
        #expect(result.errors.contains("missing: trace"))
    }

    @Test(.timeLimit(.minutes(10)))
    func spansTooOldForTheBackEndAreMissed() throws {
        let collector = try StubCollector(["--drop-older-than-hours", "72"])
        let result = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--verify", "jaeger=\(collector.endpoint)",
            "--verify-timeout", "200ms",
        ])
        #expect(result.status == 1)
        #expect(try result.summary.number("verify.missing") == 68)
        #expect(try result.summary.number("warnings.older_than_72_hours") == 8)
    }

    @Test(.timeLimit(.minutes(10)))
    func whatWasDeliveredBeforeIsVerifiedToo() throws {
        let collector = try StubCollector()
        let state = try Scratch.folder().appendingPathComponent("state").path
        let arguments = [
            Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--state", state,
            "--verify", "jaeger=\(collector.endpoint)",
        ]
        #expect(try Outrigger.backfill(arguments).status == 0)
        let again = try Outrigger.backfill(arguments)
        #expect(again.status == 0)
        #expect(try again.summary.number("verify.visible") == 68)
    }

    @Test func aSystemThatAnswersSomethingElseIsNoProof() throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--verify", "tempo=\(collector.endpoint)/_stats?",
            "--verify-timeout", "200ms",
        ])
        #expect(result.status == 1)
    }

    @Test("a back end that cannot be asked is asked for by its own port, not by the collector's", arguments: [
        ("jaeger", "is Jaeger running, and is this its query API's port (usually 16686)?"),
        ("tempo", "is Tempo running, and is this its HTTP API's port (usually 3200)?"),
        ("phoenix", "is Phoenix running, and is this its port (usually 6006)?"),
    ])
    func theRightPort(_ name: String, _ question: String) throws {
        let collector = try StubCollector()
        func problem(_ url: String) throws -> (problem: String?, summary: String) {
            let result = try Outrigger.backfill([
                Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--verify", "\(name)=\(url)", "--verify-timeout", "200ms",
            ])
            #expect(result.status == 1)
            return (try result.summary["verify_problem"] as? String, result.errors)
        }
        let nobody = try problem("http://127.0.0.1:\(try Loopback.freePort())")
        #expect(nobody.problem?.hasSuffix("; " + question) == true, "\(nobody.summary)")
        // It answers, but not how this back end does; Tempo's answer is any JSON in which there may be spans.
        let other = try problem("\(collector.endpoint)/_stats?")
        #expect(name == "tempo" || other.problem?.hasSuffix("; " + question) == true, "\(other.summary)")
        // 404 is also what who knows nothing of traces answers.
        let unknown = try problem("\(collector.endpoint)/nowhere")
        #expect(unknown.problem == nil)
        #expect(unknown.summary.contains("nothing is visible at \(collector.endpoint)/nowhere: \(question)\n"), "\(unknown.summary)")
    }

    @Test(arguments: ["jaeger", "grafana=http://x", "tempo=ftp://x"])
    func anUnknownBackEndIsAUsageError(_ flag: String) throws {
        let result = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--verify", flag])
        #expect(result.status == 2)
        #expect(result.errors.contains("jaeger=URL"))
    }
}
