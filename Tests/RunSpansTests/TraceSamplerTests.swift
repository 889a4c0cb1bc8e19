import AgentRuns
import RunSpans
import Testing

@Suite("Sampling")
struct TraceSamplerTests {
    private func ids(_ count: Int, seed: UInt64 = 1) -> [TraceID] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in TraceID(high: random.next(), low: random.next()) }
    }

    @Test("A smaller ratio keeps a part of what a larger one keeps")
    func monotone() {
        let ratios = [0, 1e-9, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999, 1]
        for id in ids(2000) {
            let kept = ratios.map { TraceSampler.ratio($0).keeps(id) }
            // Once a ratio keeps the trace, all larger ones do.
            #expect(kept == kept.sorted { !$0 && $1 })
        }
    }

    @Test("A ratio keeps about that part", arguments: [0.1, 0.5, 0.9])
    func share(ratio: Double) {
        let kept = ids(10_000).filter(TraceSampler.ratio(ratio).keeps).count
        // Six standard deviations: the ids are fixed, so this can change only with the sampler.
        #expect(abs(Double(kept) - 10_000 * ratio) < 300)
    }

    @Test("All, none, and their ratios")
    func ends() {
        for id in ids(200) + [TraceID(high: 0, low: 0)] {
            #expect(TraceSampler.alwaysOn.keeps(id))
            #expect(TraceSampler.ratio(1).keeps(id))
            #expect(!TraceSampler.alwaysOff.keeps(id))
            #expect(!TraceSampler.ratio(0).keeps(id))
        }
    }

    @Test("A ratio of nothing keeps not even the largest id")
    func largest() {
        let largest = TraceID(high: .max, low: .max)
        #expect(TraceSampler.ratio(1).keeps(largest))
        #expect(!TraceSampler.ratio(0).keeps(largest))
    }

    /// W3C Trace Context, level 2: only the last 56 bits are random.
    @Test("Only the id's last 56 bits decide")
    func randomPart() {
        let half = TraceSampler.ratio(0.5)
        #expect(half.keeps(TraceID(high: 0, low: 0x0080_0000_0000_0000)))
        #expect(half.keeps(TraceID(high: .max, low: 0xFF80_0000_0000_0000)))
        #expect(!half.keeps(TraceID(high: 0, low: 0x007F_FFFF_FFFF_0000)))
        #expect(!half.keeps(TraceID(high: .max, low: 0xFF7F_FFFF_FFFF_0000)))
    }
}
