internal import AgentRuns
internal import COTLP
internal import CProtobufC
internal import RunSpans

/// Encodes events as OTLP protobuf through protobuf-c.
public struct ProtobufEventEncoder: EventEncoder {
    public var batch = SpanBatch()
    private let requests: RequestEnvelope

    public init(_ origin: Origin) { requests = RequestEnvelope(origin) }

    /// The messages around log records have the same field numbers as those around spans (opentelemetry-proto:
    /// ExportLogsServiceRequest, ResourceLogs and ScopeLogs against their namesakes for traces), so one envelope serves.
    public var form: MessageForm {
        MessageForm(contentType: "application/x-protobuf") { [requests] in requests.pack($0, into: &$1) }
    }

    public mutating func encode(_ event: LogEvent) {
        let attributes = EventAttributes(event)
        var ids: [UInt8] = []
        if let span = event.span {
            for value in [span.traceID.high, span.traceID.low, span.spanID.value] {
                withUnsafeBytes(of: value.bigEndian) { ids.append(contentsOf: $0) }
            }
        }
        ids.withUnsafeMutableBufferPointer { ids in
            var record = Otlp__LogRecord()
            otlp__log_record__init(&record)
            record.time_unix_nano = event.time
            record.observed_time_unix_nano = event.time
            record.severity_number = OTLP__SEVERITY_NUMBER__SEVERITY_NUMBER_INFO
            record.event_name = ProtobufCBinaryData(event.name)
            record.flags = event.flags & 0xFF
            if !ids.isEmpty {
                record.trace_id = ProtobufCBinaryData(len: 16, data: ids.baseAddress)
                record.span_id = ProtobufCBinaryData(len: 8, data: ids.baseAddress.map { $0 + 16 })
            }
            record.attributes = attributes.pairs.baseAddress
            record.n_attributes = attributes.pairs.count
            withUnsafeMutablePointer(to: &record) { record in
                var records: UnsafeMutablePointer<Otlp__LogRecord>? = record
                withUnsafeMutablePointer(to: &records) { records in
                    var list = Otlp__ScopeLogs()
                    otlp__scope_logs__init(&list)
                    list.log_records = records
                    list.n_log_records = 1
                    batch.bytes.append(atMost: otlp__scope_logs__get_packed_size(&list)) { otlp__scope_logs__pack(&list, $0) }
                }
            }
        }
        batch.ends.append(batch.bytes.count)
        withExtendedLifetime(attributes) {}
    }
}

/// The attributes of one event as C messages, in memory of their own.
private final class EventAttributes {
    let pairs: UnsafeMutableBufferPointer<UnsafeMutablePointer<Otlp__KeyValue>?>
    private var texts: [UnsafeMutableBufferPointer<UInt8>] = []

    init(_ event: LogEvent) {
        pairs = .allocate(capacity: event.attributes.count)
        pairs.initialize(repeating: nil)
        for (i, attribute) in event.attributes.enumerated() {
            switch attribute.value {
            case .text(let string):
                let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: string.utf8.count)
                _ = text.initialize(from: string.utf8)
                texts.append(text)
                add(i, attribute.key) { value in
                    value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE
                    value.string_value = ProtobufCBinaryData(len: text.count, data: text.baseAddress)
                }
            case .integer(let integer):
                add(i, attribute.key) { value in
                    value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE
                    value.int_value = integer
                }
            case .double(let double):
                add(i, attribute.key) { value in
                    value.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE
                    value.double_value = double
                }
            case .bool(let bool):
                add(i, attribute.key) { value in
                    value.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE
                    value.bool_value = bool ? 1 : 0
                }
            }
        }
    }

    private func add(_ i: Int, _ key: AttributeKey, _ fill: (inout Otlp__AnyValue) -> Void) {
        let value = UnsafeMutablePointer<Otlp__AnyValue>.allocate(capacity: 1)
        otlp__any_value__init(value)
        fill(&value.pointee)
        let pair = UnsafeMutablePointer<Otlp__KeyValue>.allocate(capacity: 1)
        otlp__key_value__init(pair)
        pair.pointee.key = ProtobufCBinaryData(key.name)
        pair.pointee.value = value
        pairs[i] = pair
    }

    deinit {
        for case let pair? in pairs {
            pair.pointee.value.deallocate()
            pair.deallocate()
        }
        pairs.deallocate()
        for text in texts { text.deallocate() }
    }
}
