internal import AgentRuns
internal import JSONDocuments
internal import JSONText

extension AgentRun {
    /// What is searched in the response, for words may stand behind escapes of JSON, within strings that are JSON again, or
    /// in JSON that other words stand around: its text; where that is JSON, each key and string in it by itself, and in those
    /// likewise; and the text without its escapes, again and again. Of keys that are repeated all count: another reader may
    /// take another.
    ///
    /// All of them together are no longer than the response times twice the levels and one.
    var responseTexts: [String] {
        guard let response else { return [] }
        let whole = storage[response.text.range]
        var texts = [String(decoding: whole, as: UTF8.self)]
        Self.appendStrings(in: Array(whole), to: &texts)
        Self.appendUnescaped(Array(whole), to: &texts)
        return texts
    }

    /// How often JSON within JSON is opened.
    private static let maximumLevels = 4

    /// Appends every key and string of a JSON text, decoded, and those of strings that are JSON themselves.
    private static func appendStrings(in text: [UInt8], to texts: inout [String]) {
        guard mayBeJSON(text) else { return }
        var tape = JSONTape(maximumDepth: JSONDocument.maximumDepth)
        var level = [text]
        for _ in 0..<maximumLevels where !level.isEmpty {
            var next: [[UInt8]] = []
            for text in level {
                text.withUnsafeBytes { text in
                    guard (try? tape.parse(text)) != nil else { return }
                    for index in 0..<tape.count where tape[index].kind == .string {
                        var string: [UInt8] = []
                        JSONString.decode(UnsafeRawBufferPointer(rebasing: text[tape[index].range]), into: &string)
                        texts.append(String(decoding: string, as: UTF8.self))
                        if mayBeJSON(string) { next.append(string) }
                    }
                }
            }
            level = next
        }
    }

    /// Appends the text without escapes of JSON, whether it is JSON or not, and without the escapes that come to light by it.
    private static func appendUnescaped(_ text: [UInt8], to texts: inout [String]) {
        var text = text
        for _ in 0..<maximumLevels where text.contains(UInt8(ascii: "\\")) {
            var plain: [UInt8] = []
            plain.reserveCapacity(text.count)
            _ = text.withUnsafeBytes { JSONString.decode($0, into: &plain) }
            texts.append(String(decoding: plain, as: UTF8.self))
            text = plain
        }
    }

    private static func mayBeJSON(_ text: [UInt8]) -> Bool {
        switch text.first(where: { $0 > 0x20 }) ?? 0 {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""): true
        default: false
        }
    }
}
