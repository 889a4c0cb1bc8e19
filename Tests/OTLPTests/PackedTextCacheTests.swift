import AgentRuns
@testable import OTLP
@testable import RunSpans
import Testing

/// The cache may change how long the encoding takes, never what comes out.
@Suite("Cache of packed text")
struct PackedTextCacheTests {
    @Test("A run that was encoded before is encoded the same again")
    func secondTime() {
        let once = ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder(.full))
        var twice = ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder.encoded(callsOf: [20], ProtobufSpanEncoder(.full)))
        let first = twice.batch.removeFirst(once.batch.count)
        #expect(first.bytes == once.batch.bytes)
        #expect(twice.batch.bytes == once.batch.bytes)
    }

    @Test("Any sequence of keys and texts comes out as from an encoder that remembers nothing", arguments: 0..<UInt64(4))
    func anySequence(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // The same texts under several keys, more of them than the cache has places, and such as it does not take.
        let keys = [AttributeKey.toolName, .genAIToolName, .agentName, .conversationID]
        let texts = (0..<400).map { "text \($0)" } + ["", String(repeating: "l", count: 48), String(repeating: "l", count: 49), "é\0"]
        var encoder = ProtobufSpanEncoder(.golden)
        for _ in 0..<3000 {
            let key = keys.randomElement(using: &random) ?? .toolName
            let text = texts.randomElement(using: &random) ?? ""
            write(&encoder, key, text)
            let span = encoder.batch.count - 1
            var fresh = ProtobufSpanEncoder(.golden)
            write(&fresh, key, text)
            let isSame = encoder.batch[span..<span + 1] == fresh.batch[0..<1]
            guard isSame else {
                Issue.record("\(key.name) = \(text) came out otherwise")
                return
            }
        }
    }

    private func write(_ encoder: inout ProtobufSpanEncoder, _ key: AttributeKey, _ text: String) {
        encoder.begin(.sample())
        encoder.attribute(key, text)
        encoder.end(droppedAttributes: 0)
    }
}
