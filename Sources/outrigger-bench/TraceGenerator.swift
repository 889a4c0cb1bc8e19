import Glibc

/// Makes a file of agent runs: about 950 bytes a line, two or three tool calls each, the same for the same seed.
struct TraceGenerator {
    private var state: UInt64
    private static let words = Array("the quick brown fox jumps over a lazy dog while the agent plans its next step before it calls a tool".split(separator: " "))
    private static let tools = ["search_flights", "get_user_details", "book_reservation", "cancel_reservation", "calculate", "lookup_order", "send_email"]

    /// Whether the runs are those of another version of the agent: other responses, times and costs, and in one of fifty
    /// runs another argument.
    private let isCandidate: Bool
    /// Random numbers for what a candidate does differently; the others stay the baseline's.
    private var variation: UInt64 = 0

    init(seed: UInt64, isCandidate: Bool = false) {
        state = seed
        self.isCandidate = isCandidate
    }

    /// - Returns: how many spans the runs become.
    mutating func write(_ runs: Int, to path: String) throws -> Int {
        guard let file = fopen(path, "w") else { throw BenchError("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        var spans = 0
        for i in 0..<runs {
            let calls = 2 + Int(next() % 5) / 3
            spans += 1 + 3 * calls
            guard fputs(line(i, calls), file) >= 0 else { throw BenchError("cannot write \(path)") }
        }
        return spans
    }

    private mutating func line(_ i: Int, _ count: Int) -> String {
        var calls: [String] = []
        var results: [String] = []
        for _ in 0..<count {
            let tool = Self.tools[Int(next() % UInt64(Self.tools.count))]
            calls.append(#"{"id":"call_\#(String(next() | 1 << 63, radix: 16))","name":"\#(tool)","args":{"q":"\#(text(4))","n":\#(next() % 100 + difference())}}"#)
            results.append(#"{"success":\#(next() % 20 != 0),"result":{"text":"\#(text(10))","score":0.\#(next() % 1_000_000)}}"#)
        }
        let id = "run-" + String(1_000_000 + i)
        return #"{"trace_id":"\#(id)","request":"\#(text(36))","tool_calls":[\#(calls.joined(separator: ","))],"#
            + #""tool_results":[\#(results.joined(separator: ","))],"response":"\#(text(30))","outcome":"success","#
            + #""expected_outcome":"success","latency_ms":\#(50 + next() % 5000 + later(40)),"cost_tokens":\#(100 + next() % 5000 + later(20)),"#
            + #""agent":"bench-agent","version":"v1"}"# + "\n"
    }

    /// 1 in the arguments of some of the candidate's calls.
    private mutating func difference() -> UInt64 { isCandidate && varied() % 100 == 0 ? 1 : 0 }

    private mutating func later(_ bound: UInt64) -> UInt64 { isCandidate ? varied() % bound : 0 }

    private mutating func varied() -> UInt64 {
        variation = variation &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return variation >> 33
    }

    private mutating func text(_ count: Int) -> String {
        (0..<count).map { _ in Self.words[Int(next() % UInt64(Self.words.count))] }.joined(separator: " ")
    }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
