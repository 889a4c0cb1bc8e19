internal import CProtobufC
internal import RunSpans

/// Encodes events as OTLP protobuf through protobuf-c, as spans are encoded: attributes one by one, behind all else, and in
/// memory that serves for one event after the other, so that copies of an encoder belong to one thread.
public struct ProtobufEventEncoder: EventEncoder {
    public var batch = SpanBatch()
    private let requests: RequestEnvelope
    private let scratch = RecordScratch()
    /// Packs the attributes of one event. They stand in a log record as they stand in a span, but for the field's number.
    private var packer: ProtobufSpanEncoder

    /// LogRecord's field 6, of wire type 2, which has a length in front; a span's attributes have a tag of one byte, too.
    private static let attributeTag: UInt8 = 6 << 3 | 2

    public init(_ origin: Origin) {
        requests = RequestEnvelope(origin)
        packer = ProtobufSpanEncoder(requests)
    }

    /// The messages around log records have the same field numbers as those around spans (opentelemetry-proto:
    /// ExportLogsServiceRequest, ResourceLogs and ScopeLogs against their namesakes for traces), so one envelope serves.
    public var form: MessageForm {
        MessageForm(contentType: "application/x-protobuf") { [requests] in requests.pack($0, into: &$1) }
    }

    public mutating func encode(_ event: LogEvent) {
        let attributes = packer.attributes
        attributes.count = 0
        for attribute in event.attributes {
            let start = attributes.count
            packer.write(attribute)
            attributes.replace(at: start, with: Self.attributeTag)
        }
        scratch.pack(event, attributes.bytes, into: &batch.bytes)
        batch.ends.append(batch.bytes.count)
    }
}
