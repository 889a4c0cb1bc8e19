import Foundation
import Testing

@testable import Delivery

/// Whether what ISA-L writes is gzip is for another implementation to say: the system's own `gzip`.
@Suite(.timeLimit(.minutes(10))) struct GzipCompressorTests {
    enum Content: String, CaseIterable {
        case random, repetitive, text

        func bytes(_ count: Int) -> [UInt8] {
            var numbers = SeededNumbers(seed: UInt64(count) + 1)
            return switch self {
            case .random: (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
            case .repetitive: Array(repeating: 0x61, count: count)
            case .text: (0..<count).map { _ in Array("etaoin shrdlu".utf8)[Int.random(in: 0..<13, using: &numbers)] }
            }
        }
    }

    /// Around the edges of deflate's stored blocks (65,535 bytes) and of its window (32 kB).
    static let sizes = [0, 1, 2, 100, 1000, 32_768, 65_535, 65_536, 131_071, 300_000]

    @Test(arguments: Content.allCases)
    func gzipReadsBackWhatWentIn(_ content: Content) throws {
        let folder = try TemporaryFolder()
        // One compressor for all sizes, as a sender uses it, large and small in turn.
        let compressor = GzipCompressor()
        var output: [UInt8] = []
        for size in Self.sizes + Self.sizes.reversed() {
            let input = content.bytes(size)
            try #require(input.withUnsafeBytes { compressor.compress($0, into: &output) }, "\(size) bytes")
            #expect(try gunzipped(output, in: folder) == input, "\(size) bytes")
        }
    }

    @Test func theSameCompressorGivesTheSameBytes() throws {
        let compressor = GzipCompressor()
        let input = Content.text.bytes(10_000)
        var first: [UInt8] = []
        var second: [UInt8] = [1, 2, 3]
        try #require(input.withUnsafeBytes { compressor.compress($0, into: &first) })
        try #require(input.withUnsafeBytes { compressor.compress($0, into: &second) })
        #expect(first == second, "the output's old content is replaced")
    }

    @Test func repetitionShrinksAndRandomnessHardlyGrows() throws {
        let compressor = GzipCompressor()
        var output: [UInt8] = []
        try #require(Content.repetitive.bytes(300_000).withUnsafeBytes { compressor.compress($0, into: &output) })
        #expect(output.count < 10_000)
        try #require(Content.random.bytes(300_000).withUnsafeBytes { compressor.compress($0, into: &output) })
        #expect(output.count < 301_000)
    }

    private func gunzipped(_ data: [UInt8], in folder: TemporaryFolder) throws -> [UInt8] {
        // Through files: a pipe that nobody empties while the other end is filled would block both.
        let (compressed, plain) = (folder.path("data.gz"), folder.path("data"))
        try Data(data).write(to: URL(fileURLWithPath: compressed))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "--decompress", "--force", "--quiet", compressed]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "gzip refuses \(data.count) bytes")
        return Array(try Data(contentsOf: URL(fileURLWithPath: plain)))
    }
}
