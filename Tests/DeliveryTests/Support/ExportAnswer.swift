/// Bodies of answers to export requests.
enum ExportAnswer {
    /// An ExportTraceServiceResponse in protobuf that rejects some spans; `rejected` is written as a varint.
    static func partial(rejected: Int, _ message: String) -> [UInt8] {
        var partial: [UInt8] = []
        if rejected > 0 { partial += [0x08] + varint(rejected) }
        if !message.isEmpty { partial += [0x12] + varint(message.utf8.count) + Array(message.utf8) }
        return [0x0A] + varint(partial.count) + partial
    }

    private static func varint(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
