internal import AgentRuns
internal import JSONText
internal import RunSpans

/// Encodes events as OTLP JSON.
///
/// Source: OTLP specification, "JSON Protobuf Encoding".
public struct JSONEventEncoder: EventEncoder {
    public var batch = SpanBatch()
    private let prologue: [UInt8]

    public init(_ origin: Origin) {
        let resource = JSONValue.array(
            origin.resource.map { .object([("key", .text($0.key)), ("value", .object([("stringValue", .text($0.value))]))]) })
        let scope = JSONValue.object([("name", .text(origin.scopeName)), ("version", .text(origin.scopeVersion))])
        prologue = Array(
            #"{"resourceLogs":[{"resource":{"attributes":\#(resource.text)},"scopeLogs":[{"scope":\#(scope.text),"logRecords":["#
                .utf8)
    }

    public var form: MessageForm {
        MessageForm(contentType: "application/json") { [prologue] records, output in
            output.append(contentsOf: prologue)
            // Each record has a comma in front of it, the first one too.
            output.append(contentsOf: records.dropFirst())
            output.append(contentsOf: "]}]}]}".utf8)
        }
    }

    public mutating func encode(_ event: LogEvent) {
        let attributes = event.attributes.map { attribute in
            let value: (String, JSONValue) =
                switch attribute.value {
                case .text(let text): ("stringValue", .text(text))
                case .integer(let integer): ("intValue", .text(String(integer)))
                case .double(let double): ("doubleValue", .number(double))
                case .bool(let bool): ("boolValue", .bool(bool))
                }
            return JSONValue.object([("key", .text("\(attribute.key.name)")), ("value", .object([value]))])
        }
        let record = JSONValue.object([
            ("timeUnixNano", .text(String(event.time))), ("observedTimeUnixNano", .text(String(event.time))),
            ("severityNumber", .integer(9)), ("eventName", .text("\(event.name)")),
            ("flags", .integer(Int(event.flags & 0xFF))), ("traceId", .text(event.span?.traceID.hex ?? "")),
            ("spanId", .text(event.span?.spanID.hex ?? "")), ("attributes", .array(attributes)),
        ])
        batch.append(Array(",\(record.text)".utf8))
    }
}
