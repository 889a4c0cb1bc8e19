import Foundation
import Rollout
import Testing

/// The bucketing that router, OFREP and spans share.
@Suite("Bucket")
struct BucketTests {
    /// The original sample's rule, run by Python itself.
    @Test("A whole percentage takes exactly the keys that the sample took")
    func parity() throws {
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            """
            import hashlib
            for i in range(5000):
                key = f"user-{i}-é{chr(0x4e00 + i)}"
                h = int(hashlib.sha256(key.encode()).hexdigest(), 16)
                print(h % 100 * 100 + h // 100 % 100, h % 100)
            """,
        ]
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        python.waitUntilExit()
        let lines = text.split(separator: "\n")
        try #require(lines.count == 5000)
        for (i, line) in lines.enumerated() {
            let expected = line.split(separator: " ").compactMap { Int($0) }
            let key = "user-\(i)-é\(try #require(Unicode.Scalar(0x4E00 + i)))"
            let bucket = Bucket(of: key)
            #expect(bucket.hundredths == expected[0], "\(key)")
            for percent in [0, 1, 5, 37, 99, 100] {
                #expect(bucket.isWithin(try #require(Percentage(percent: Double(percent)))) == (expected[1] < percent))
            }
        }
    }

    @Test("Half a percent assigns half a percent, and more never moves anyone out", arguments: [0.5, 0.05, 12.5, 33.33])
    func fractions(percent: Double) throws {
        let share = try #require(Percentage(percent: percent))
        let more = try #require(Percentage(percent: percent + 0.5))
        let count = 100_000
        var inside = 0
        for i in 0..<count {
            let bucket = Bucket(of: "k\(i)")
            if bucket.isWithin(share) {
                inside += 1
                #expect(bucket.isWithin(more))
            }
        }
        let expected = Double(count) * percent / 100
        // Five standard deviations: one run in two million would miss by chance, and this one is always the same.
        #expect(abs(Double(inside) - expected) < 5 * (expected * (1 - percent / 100)).squareRoot())
    }

    /// Chi-square over a hundred classes; the 0.9999 quantile for 99 degrees of freedom is 159.
    @Test("Buckets are even", arguments: [nil, "salt"])
    func even(salt: String?) {
        var counts = [Int](repeating: 0, count: 100)
        for i in 0..<100_000 { counts[Bucket(of: "user-\(i)", salt: salt).hundredths / 100] += 1 }
        let chiSquare = counts.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(chiSquare < 159)
    }

    @Test("A salt deals anew, and stands before the key with a NUL between")
    func salt() {
        #expect(Bucket(of: "b", salt: "a") == Bucket(of: "a\0b"))
        #expect((0..<100).contains { Bucket(of: "\($0)", salt: "x") != Bucket(of: "\($0)") })
    }

    @Test("Percentages have at most two decimals", arguments: [(0.0, "0"), (100, "100"), (12.5, "12.5"), (0.05, "0.05"), (33.33, "33.33"), (0.1, "0.1")])
    func percentages(value: Double, text: String) {
        #expect(Percentage(percent: value)?.description == text)
        #expect(Percentage(percent: value)?.percent == value)
    }

    @Test("What is no percentage", arguments: [-0.01, 100.01, 0.005, .nan, .infinity, 33.333])
    func noPercentage(value: Double) { #expect(Percentage(percent: value) == nil) }
}
