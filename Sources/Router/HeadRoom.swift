/// Room for a message's head, which is put there text by text.
///
/// Whoever makes it asks for enough room beforehand; more than there is room for is not written but ends the process.
struct HeadRoom {
    private let room: UnsafeMutableRawBufferPointer
    /// Bytes that were put so far.
    private(set) var end = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    mutating func put(_ text: String) {
        let isPut: Void? = text.utf8.withContiguousStorageIfAvailable { put(UnsafeRawBufferPointer($0)) }
        if isPut == nil { Array(text.utf8).withUnsafeBytes { put($0) } }
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        let count = bytes.count
        put(count) { $0.copyMemory(from: bytes) }
    }

    /// Lets so many bytes be put at once.
    mutating func put(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        precondition(count <= room.count - end)
        fill(UnsafeMutableRawBufferPointer(rebasing: room[end..<end + count]))
        end += count
    }

    mutating func endLine() {
        put(2) { room in
            room[0] = 0x0D
            room[1] = 0x0A
        }
    }

    mutating func field(_ name: String, _ value: String) {
        put(name)
        put(": ")
        put(value)
        endLine()
    }

    mutating func fields(_ fields: [(String, String)]) {
        for (name, value) in fields { field(name, value) }
    }

    /// Bytes that ``fields(_:)`` puts.
    static func size(of fields: [(String, String)]) -> Int {
        fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 }
    }
}
