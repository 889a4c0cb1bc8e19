internal import Glibc

/// Reads the members of one large JSON object piece by piece: of most members the whole value, of one array each element.
///
/// Pieces are found by their quotes and brackets and handed on unread; whoever takes them checks that they are JSON.
/// Memory is bounded by the largest piece, not by the file.
struct JSONMembers: ~Copyable {
    enum Piece {
        case member(key: [UInt8])
        case element(index: Int)
        case end
    }

    struct Problem: Error {
        var message: String
    }

    /// Larger pieces are refused.
    static let maximumPiece = 64 << 20

    /// The text of the last piece.
    private(set) var text: [UInt8] = []
    /// Where it starts in the file.
    private(set) var textOffset = 0

    private let descriptor: CInt
    private let arrayKey: [UInt8]
    private var chunk = [UInt8](repeating: 0, count: 1 << 18)
    private var position = 0
    private var end = 0
    private var chunkOffset = 0
    private var state = State.start

    private enum State {
        case start, members
        case elements(next: Int)
    }

    /// - Parameter arrayKey: the member whose elements come one by one, if it is an array.
    init(path: String, arrayKey: String) throws(Problem) {
        self.arrayKey = Array(arrayKey.utf8)
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(message: String(cString: strerror(errno))) }
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    var offset: Int { chunkOffset + position }

    mutating func next() throws(Problem) -> Piece {
        while true {
            switch state {
            case .start:
                guard try token() == UInt8(ascii: "{") else { throw unexpected("no JSON object") }
                position += 1
                state = .members
                if try token() == UInt8(ascii: "}") { return try finish() }
                return try member()
            case .members:
                switch try token() {
                case UInt8(ascii: "}"): return try finish()
                case UInt8(ascii: ","):
                    position += 1
                    return try member()
                default: throw unexpected("neither a comma nor the end of the object")
                }
            case .elements(let next):
                let byte = try token()
                if byte == UInt8(ascii: "]") {
                    position += 1
                    state = .members
                    continue
                }
                if next > 0 {
                    guard byte == UInt8(ascii: ",") else { throw unexpected("neither a comma nor the end of the array") }
                    position += 1
                }
                try value()
                state = .elements(next: next + 1)
                return .element(index: next)
            }
        }
    }

    private mutating func finish() throws(Problem) -> Piece {
        position += 1
        if try token() != nil { throw unexpected("more text after the object") }
        return .end
    }

    /// For the array member there is no value: its elements follow.
    private mutating func member() throws(Problem) -> Piece {
        guard try token() == UInt8(ascii: "\"") else { throw unexpected("no key") }
        try value()
        let key = Array(text.dropFirst().dropLast())
        guard try token() == UInt8(ascii: ":") else { throw unexpected("no colon after the key") }
        position += 1
        if key == arrayKey, try token() == UInt8(ascii: "[") {
            position += 1
            state = .elements(next: 0)
            text.removeAll(keepingCapacity: true)
        } else {
            try value()
        }
        return .member(key: key)
    }

    /// Takes the text up to the end of a value into ``text``.
    private mutating func value() throws(Problem) {
        guard let first = try token() else { throw unexpected("the end of the file") }
        text.removeAll(keepingCapacity: true)
        textOffset = offset
        var depth = 0
        var inString = false
        var isEscaped = false
        let isScalar = first != UInt8(ascii: "{") && first != UInt8(ascii: "[") && first != UInt8(ascii: "\"")
        while try fill() {
            var i = position
            var isDone = false
            scan: while i < end {
                let byte = chunk[i]
                if inString {
                    i += 1
                    if isEscaped { isEscaped = false; continue }
                    if byte == UInt8(ascii: "\\") { isEscaped = true }
                    if byte == UInt8(ascii: "\"") {
                        inString = false
                        isDone = depth == 0
                    }
                } else {
                    switch byte {
                    case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09:
                        if isScalar { isDone = true; break scan }
                        if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
                        isDone = depth <= 0
                    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                    case UInt8(ascii: "\""): inString = true
                    default: break
                    }
                    i += 1
                }
                if isDone { break }
            }
            text.append(contentsOf: chunk[position..<i])
            position = i
            if text.count > Self.maximumPiece {
                throw Problem(message: "a value at byte \(textOffset) is larger than \(Self.maximumPiece >> 20) MiB")
            }
            if isDone { return }
        }
        if !isScalar { throw unexpected("the end of the file within a value") }
    }

    /// The next byte that is no white space; nil at the end.
    private mutating func token() throws(Problem) -> UInt8? {
        while try fill() {
            switch chunk[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// - Returns: whether there is a byte at the position.
    private mutating func fill() throws(Problem) -> Bool {
        if position < end { return true }
        chunkOffset += end
        (position, end) = (0, 0)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Problem(message: String(cString: strerror(errno))) }
            end = count
            return count > 0
        }
    }

    private func unexpected(_ what: String) -> Problem { Problem(message: "\(what) at byte \(offset)") }
}
