import Testing

@testable import Gate

@Suite("A set of fingerprints")
struct FingerprintSetTests {
    @Test("knows what it was given, and nothing else, however much that is", arguments: [0, 1, 200, 5000])
    func insertions(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        var set = FingerprintSet()
        var known: Set<UInt64> = []
        for _ in 0..<count {
            // Few enough that many come again, 0 among them, and such that fall on the same place of any table.
            let number = UInt64.random(in: 0...UInt64(count / 2), using: &generator)
            let fingerprint = Bool.random(using: &generator) ? number : number << 40
            let isNew = known.insert(fingerprint).inserted
            let wasTaken = set.insert(fingerprint)
            #expect(wasTaken == isNew)
        }
        #expect(set.count == known.count)
        for fingerprint in known {
            let isNew = set.insert(fingerprint)
            #expect(!isNew)
        }
    }

    @Test("0 and the largest are fingerprints as any other")
    func ends() {
        var set = FingerprintSet()
        for fingerprint in [0, .max] as [UInt64] {
            let isNew = [set.insert(fingerprint), set.insert(fingerprint)]
            #expect(isNew == [true, false])
        }
        #expect(set.count == 2)
    }
}
