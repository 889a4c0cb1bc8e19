import JSONText

/// What became of one text: its tokens, or why it has none.
enum ParsedText: Equatable {
    case tokens([Token])
    case failure(JSONError.Problem, at: Int)

    struct Token: Equatable, CustomStringConvertible {
        var kind: JSONToken.Kind
        /// What the token's range covers.
        var text: String
        var next: Int

        init(_ kind: JSONToken.Kind, _ text: String, next: Int) {
            self.kind = kind
            self.text = text
            self.next = next
        }

        var description: String { "\(kind) \(text) →\(next)" }
    }

    init(_ text: String, maximumDepth: Int = 64) { self.init(Array(text.utf8), maximumDepth: maximumDepth) }

    init(_ text: [UInt8], maximumDepth: Int = 64) {
        var tape = JSONTape(maximumDepth: maximumDepth)
        self.init(text, &tape)
    }

    init(_ text: [UInt8], _ tape: inout JSONTape) {
        self = text.withUnsafeBytes { bytes in
            do throws(JSONError) {
                try tape.parse(bytes)
            } catch {
                return .failure(error.problem, at: error.offset)
            }
            return .tokens(
                (0..<tape.count).map { i in
                    Token(tape[i].kind, String(decoding: bytes[tape[i].range], as: UTF8.self), next: tape[i].next)
                })
        }
    }
}
