import Testing

@testable import Backfill

/// The index must count as a dictionary would, however many ids have gone to its file.
@Suite(.timeLimit(.minutes(10))) struct OccurrenceIndexTests {
    @Test func occurrencesAreCountedFromZero() throws {
        var index = OccurrenceIndex()
        let (a, b) = (Fingerprint(high: 1, low: 2), Fingerprint(high: 2, low: 1))
        var counts: [Int] = []
        for key in [a, a, b, a, b] { counts.append(try index.insert(key)) }
        #expect(counts == [0, 1, 0, 2, 1])
    }

    @Test func keysThatDifferInOneHalfAreDifferent() throws {
        var index = OccurrenceIndex()
        for high in 0..<20 as Range<UInt64> {
            for low in 0..<20 as Range<UInt64> { #expect(try index.insert(Fingerprint(high: high, low: low)) == 0) }
        }
        #expect(try index.insert(Fingerprint(high: 7, low: 19)) == 1)
    }

    /// Over ten tables full: the file has several sorted runs, and eight of them have been merged. Repeats come from all
    /// ages, so that they are found in the table, in young runs and in merged ones.
    @Test func itCountsAsADictionaryDoesAfterSpillsAndMerges() throws {
        var numbers = SeededNumbers(seed: 42)
        var index = OccurrenceIndex()
        var model: [UInt64: Int] = [:]
        let distinct = 680_000
        var mistakes = 0
        func key(_ i: Int) -> UInt64 { UInt64(i) &* 0x9E37_79B9_7F4A_7C15 ^ 0x5555 }
        func insert(_ i: Int) throws {
            let expected = model[key(i), default: 0]
            model[key(i)] = expected + 1
            // Both halves spread over their whole range, as those of a digest do.
            var spread = SeededNumbers(seed: key(i))
            if try index.insert(Fingerprint(high: spread.next(), low: spread.next())) != expected { mistakes += 1 }
        }
        model.reserveCapacity(distinct)
        for i in 0..<distinct {
            try insert(i)
            if i % 200 == 199 { try insert(.random(in: 0...i, using: &numbers)) }
            // A few ids come again and again, across every spill.
            if i % 5000 == 0 { try insert(i % 3) }
        }
        #expect(mistakes == 0)
        #expect(model.count == distinct)
    }
}
