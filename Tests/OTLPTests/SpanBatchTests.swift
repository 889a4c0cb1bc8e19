@testable import OTLP
import Testing

@Suite("Batches of spans")
struct SpanBatchTests {
    /// The model: a batch is a list of byte strings.
    @Test("Whatever is done to a batch, it holds the spans that a plain list would", arguments: 0..<UInt64(8))
    func model(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var batch = SpanBatch()
        var model: [[UInt8]] = []
        for _ in 0..<300 {
            switch Int.random(in: 0..<7, using: &random) {
            case 0:
                let count = Int.random(in: 0...model.count, using: &random)
                let taken = batch.removeFirst(count)
                expectSame(taken, Array(model.prefix(count)))
                model.removeFirst(count)
            case 6:
                expectSame(batch.removeAll(), model)
                model = []
            case 1:
                let range = Self.range(in: model.count, using: &random)
                batch.remove(range)
                model.removeSubrange(range)
            default:
                let span = (0..<Int.random(in: 0...5, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                batch.append(span)
                model.append(span)
            }
            expectSame(batch, model)
            let range = Self.range(in: model.count, using: &random)
            #expect(Array(batch[range]) == model[range].flatMap { $0 })
        }
    }

    private func expectSame(_ batch: SpanBatch, _ model: [[UInt8]]) {
        #expect(batch.count == model.count)
        #expect(batch.isEmpty == model.isEmpty)
        #expect(batch.byteCount == model.reduce(0) { $0 + $1.count })
        #expect((0..<batch.count).map { Array(batch[$0..<$0 + 1]) } == model)
    }

    private static func range(in count: Int, using random: inout SeededGenerator) -> Range<Int> {
        let from = Int.random(in: 0...count, using: &random)
        return from..<Int.random(in: from...count, using: &random)
    }

    @Test(
        "As many spans are taken as fit, but one at least",
        arguments: [(0, 1), (1, 1), (9, 1), (10, 1), (29, 1), (30, 2), (59, 2), (60, 3), (1000, 3)])
    func fitting(limit: Int, count: Int) {
        var batch = SpanBatch()
        for size in [10, 20, 30] { batch.append(Array(repeating: 0, count: size)) }
        #expect(batch.count(fitting: limit) == count)
    }

    @Test("What is taken out and what stays share nothing")
    func independence() {
        var batch = SpanBatch()
        for byte in UInt8(0)..<4 { batch.append([byte]) }
        var taken = batch.removeFirst(2)
        taken.append([9])
        batch.append([8])
        #expect(taken.bytes == [0, 1, 9])
        #expect(batch.bytes == [2, 3, 8])
        #expect(batch.ends == [1, 2, 3])
    }
}
