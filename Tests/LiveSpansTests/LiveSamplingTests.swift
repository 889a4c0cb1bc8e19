import AgentRuns
import LiveRuns
import LiveSpans
import RunSpans
import Testing

@Suite("Sampling of live requests")
struct LiveSamplingTests {
    private static let half: UInt64 = 1 << 55

    @Test(
        "The sampler decides where the caller did not, or is not asked",
        arguments: [
            (TraceSampler.alwaysOn, true, nil, true), (.alwaysOn, true, false, false), (.alwaysOn, false, false, true),
            (.alwaysOff, true, true, true), (.alwaysOff, true, nil, false), (.alwaysOff, false, true, false),
            (.ratio(0.5), true, true, true), (.ratio(0.5), true, false, false), (.ratio(1), true, nil, true), (.ratio(0), true, nil, false),
        ] as [(TraceSampler, Bool, Bool?, Bool)])
    func begin(root: TraceSampler, isParentBased: Bool, parent: Bool?, expected: Bool) {
        let sampling = LiveSampling(root: root, isParentBased: isParentBased)
        #expect(sampling.samples(0, parentIsSampled: parent) == expected)
    }

    @Test(
        "A ratio keeps the randomness that reaches its threshold",
        arguments: [(half - 1, false), (half, true), ((1 << 56) - 1, true), (0, false)] as [(UInt64, Bool)])
    func ratio(randomness: UInt64, expected: Bool) {
        #expect(LiveSampling(root: .ratio(0.5)).samples(randomness, parentIsSampled: nil) == expected)
    }

    @Test("A trace and its copy's trace are sampled alike", arguments: [0.01, 0.25, 0.5, 0.99])
    func copies(ratio: Double) {
        let sampling = LiveSampling(root: .ratio(ratio))
        var random = SeededGenerator(seed: 3)
        var kept = 0
        for i in 0..<4000 {
            let served = TraceID(high: random.next(), low: random.next())
            let state = i % 2 == 0 ? TraceState.beginning(withRequest: "r-\(i)") : nil
            let copy = TraceState.copying(served, state)
            let isKept = sampling.samples(TraceState.randomness(of: served, state), parentIsSampled: nil)
            let copyID = TraceID(high: random.next(), low: random.next())
            #expect(sampling.samples(TraceState.randomness(of: copyID, copy), parentIsSampled: nil) == isKept)
            if isKept { kept += 1 }
        }
        #expect(abs(Double(kept) / 4000 - ratio) < 0.04)
    }

    @Test(
        "What was not sampled is kept if it failed or is the candidate's",
        arguments: [
            (RunRole.baseline, 200, nil, LiveSampling.Reason?.none), (.baseline, 404, nil, nil), (.baseline, 500, nil, .error),
            (.baseline, 200, "reset", .error), (.baseline, nil, "client_gone", .error), (.baseline, nil, nil, .error),
            (.candidate, 200, nil, .candidate), (.candidate, 500, nil, .candidate),
        ] as [(RunRole, Int?, String?, LiveSampling.Reason?)])
    func end(role: RunRole, status: Int?, failure: String?, expected: LiveSampling.Reason?) {
        var exchange = Exchange.sample(.canary, role) {
            $0.response?.status = status ?? 0
            if status == nil { $0.response = nil }
            $0.failure = failure.map { .init(type: $0, message: "") }
        }
        var sampling = LiveSampling(root: .alwaysOff)
        #expect(sampling.exports(exchange) == .sampled)
        exchange.trace.isSampled = false
        #expect(sampling.exports(exchange) == expected)
        sampling.keepsErrors = false
        #expect(sampling.exports(exchange) == (expected == .candidate ? .candidate : nil))
        sampling.keepsCandidate = false
        #expect(sampling.exports(exchange) == nil)
        sampling.keepsErrors = true
        #expect(sampling.exports(exchange) == (expected == nil || (role == .candidate && status == 200) ? nil : .error))
    }

    @Test("A request that the client got wrong is no error")
    func refused() {
        let exchange = Exchange.sample {
            $0.trace.isSampled = false
            $0.failure = .init(type: "bad_request", message: "")
            $0.response = .init(status: 400)
            $0.times.firstByte = nil
        }
        #expect(LiveSampling().exports(exchange) == nil)
    }
}
