import AgentRuns
@testable import OTLP
@testable import RunSpans
import Testing

/// Heads that are kept may change how long the encoding takes, never what comes out.
@Suite("Heads of packed attributes")
struct AttributeHeadsTests {
    @Test("A run that was encoded before is encoded the same again")
    func secondTime() {
        let once = ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder(.full))
        var twice = ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder(.full)))
        let first = twice.batch.removeFirst(once.batch.count)
        #expect(first.bytes == once.batch.bytes)
        #expect(twice.batch.bytes == once.batch.bytes)
    }

    private enum Value: CustomStringConvertible {
        case text(String)
        case integer(Int64)
        case double(Double)
        case bool(Bool)

        var description: String {
            switch self {
            case .text(let text): text
            case .integer(let integer): "\(integer)"
            case .double(let double): "\(double)"
            case .bool(let bool): "\(bool)"
            }
        }
    }

    @Test("Any sequence of keys and values comes out as from an encoder that remembers nothing", arguments: 0..<UInt64(4))
    func anySequence(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // Texts of all lengths for which heads are kept and of some more, and numbers of all lengths, under a key of a few
        // bytes, some of our own, and one that is longer than a head can be.
        let keys: [AttributeKey] = [
            "k", .toolName, .genAIToolName, .requestDigest,
            "a.key.that.is.longer.than.the.heads.which.are.kept.may.be.at.the.most",
        ]
        let texts = [0...160, 16_380...16_390].joined().map { Value.text(String(repeating: "é\0", count: $0 / 3) + String(repeating: "l", count: $0 % 3)) }
        let integers = (0..<64).flatMap { [Value.integer(1 << $0), .integer(-1 << $0)] } + [.integer(0)]
        let values = texts + integers + integers + [.double(0), .double(-0.5), .double(.infinity), .bool(true), .bool(false)]
        var encoder = ProtobufSpanEncoder(.golden)
        for _ in 0..<6000 {
            let key = keys.randomElement(using: &random) ?? .toolName
            let value = values.randomElement(using: &random) ?? .bool(true)
            write(&encoder, key, value)
            let span = encoder.batch.count - 1
            var fresh = ProtobufSpanEncoder(.golden)
            write(&fresh, key, value)
            let isSame = encoder.batch[span..<span + 1] == fresh.batch[0..<1]
            guard isSame else {
                Issue.record("\(key.name) = \(value) came out otherwise")
                return
            }
        }
    }

    private func write(_ encoder: inout ProtobufSpanEncoder, _ key: AttributeKey, _ value: Value) {
        encoder.begin(.sample())
        switch value {
        case .text(let text): encoder.attribute(key, text)
        case .integer(let integer): encoder.attribute(key, integer: integer)
        case .double(let double): encoder.attribute(key, double: double)
        case .bool(let bool): encoder.attribute(key, bool: bool)
        }
        encoder.end(droppedAttributes: 0)
    }
}
