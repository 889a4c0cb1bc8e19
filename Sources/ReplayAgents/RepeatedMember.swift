internal import JSONDocuments
internal import JSONText

/// Finds members of JSON objects that are there twice: which of the two was meant, nobody can say.
enum RepeatedMember {
    /// The name of the first one, behind escapes or not.
    ///
    /// - Parameter isDeep: whether to look at every object, and not only at the outermost.
    /// - Returns: nil also for text that is no JSON.
    static func first(in json: [UInt8], isDeep: Bool) -> String? {
        json.withUnsafeBytes { text in
            var tape = JSONTape(maximumDepth: JSONDocument.maximumDepth)
            guard (try? tape.parse(text)) != nil else { return nil }
            var seen: Set<[UInt8]> = []
            for object in 0..<(isDeep ? tape.count : 1) where tape[object].kind == .object {
                seen.removeAll(keepingCapacity: true)
                var index = object + 1
                while index < tape[object].next {
                    var name: [UInt8] = []
                    JSONString.decode(UnsafeRawBufferPointer(rebasing: text[tape[index].range]), into: &name)
                    guard seen.insert(name).inserted else { return String(decoding: name, as: UTF8.self) }
                    index = tape[index + 1].next
                }
            }
            return nil
        }
    }
}
