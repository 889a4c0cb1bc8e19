internal import AgentRuns
internal import COTLP
internal import CProtobufC

/// The C messages of one log record, filled and packed again and again.
///
/// It owns all memory that the messages point to, but for the attributes, which are lent for one call.
final class RecordScratch {
    private let record = UnsafeMutablePointer<Otlp__LogRecord>.allocate(capacity: 1)
    private let records = UnsafeMutablePointer<UnsafeMutablePointer<Otlp__LogRecord>?>.allocate(capacity: 1)
    private let scopeLogs = UnsafeMutablePointer<Otlp__ScopeLogs>.allocate(capacity: 1)
    /// Trace id, span id.
    private let ids = UnsafeMutableRawPointer.allocate(byteCount: 24, alignment: 8)
    private let packedAttributes = UnsafeMutablePointer<ProtobufCMessageUnknownField>.allocate(capacity: 1)

    /// More than the tags, lengths and fixed fields of a record take together.
    private static let overhead = 256

    init() {
        otlp__log_record__init(record)
        record.pointee.severity_number = OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_INFO
        records.initialize(to: record)
        otlp__scope_logs__init(scopeLogs)
        scopeLogs.pointee.log_records = records
        scopeLogs.pointee.n_log_records = 1
        packedAttributes.initialize(
            to: ProtobufCMessageUnknownField(tag: 6, wire_type: PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, len: 0, data: nil))
        record.pointee.base.unknown_fields = packedAttributes
    }

    deinit {
        record.deallocate()
        records.deallocate()
        scopeLogs.deallocate()
        ids.deallocate()
        packedAttributes.deallocate()
    }

    /// Appends the event with the tag and length that it has within ScopeLogs.
    ///
    /// - Parameter attributes: packed, each with its tag.
    func pack(_ event: LogEvent, _ attributes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        record.pointee.time_unix_nano = event.time
        record.pointee.observed_time_unix_nano = event.time
        record.pointee.event_name = ProtobufCBinaryData(event.name)
        record.pointee.flags = event.flags & 0xFF
        let hasSpan = event.span != nil
        if let (traceID, spanID) = event.span {
            ids.storeBytes(of: traceID.high.bigEndian, toByteOffset: 0, as: UInt64.self)
            ids.storeBytes(of: traceID.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            ids.storeBytes(of: spanID.value.bigEndian, toByteOffset: 16, as: UInt64.self)
        }
        let bytes = ids.assumingMemoryBound(to: UInt8.self)
        record.pointee.trace_id = ProtobufCBinaryData(len: hasSpan ? 16 : 0, data: bytes)
        record.pointee.span_id = ProtobufCBinaryData(len: hasSpan ? 8 : 0, data: bytes + 16)
        record.pointee.base.n_unknown_fields = 0
        if let start = attributes.baseAddress, !attributes.isEmpty {
            // An unknown field brings its own tag, so the first attribute goes without it.
            packedAttributes.pointee.len = attributes.count - 1
            packedAttributes.pointee.data = UnsafeMutablePointer(mutating: start + 1)
            record.pointee.base.n_unknown_fields = 1
        }
        output.append(atMost: attributes.count + event.name.utf8CodeUnitCount + Self.overhead, packInPlace)
    }

    /// Packs the record in its place within ScopeLogs.
    private func packInPlace(_ start: UnsafeMutablePointer<UInt8>) -> Int {
        NestedMessage.pack(start, { otlp__log_record__pack(record, $0) }, orWhole: { otlp__scope_logs__pack(scopeLogs, $0) })
    }
}
