internal import AgentRuns
internal import JSONText
public import RunSpans

/// Encodes spans as OTLP JSON, as the Collector's file exporter writes them and its otlpjsonfile receiver reads them.
///
/// Source: OTLP specification, "JSON Protobuf Encoding": lower camel case keys, ids in hex, 64-bit integers as strings,
/// enums as numbers.
public struct JSONSpanEncoder: SpanEncoder {
    public var batch = SpanBatch()

    private let prologue: [UInt8]
    private var tail: [UInt8] = []
    private var open: [UInt8] = []
    private var links: [UInt8] = []

    /// Attributes as they stand in the list, each with a comma behind it.
    public struct WrittenAttributes: Sendable {
        fileprivate let bytes: [UInt8]
    }

    public init(_ origin: Origin) {
        var text = Array(#"{"resourceSpans":[{"resource":{"attributes":["#.utf8)
        for (i, attribute) in origin.resource.enumerated() {
            if i > 0 { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: #"{"key":"#.utf8)
            JSONString.encode(attribute.key.utf8, into: &text)
            text.append(contentsOf: #","value":{"stringValue":"#.utf8)
            JSONString.encode(attribute.value.utf8, into: &text)
            text.append(contentsOf: "}}".utf8)
        }
        text.append(contentsOf: #"]},"scopeSpans":[{"scope":{"name":"#.utf8)
        JSONString.encode(origin.scopeName.utf8, into: &text)
        text.append(contentsOf: #","version":"#.utf8)
        JSONString.encode(origin.scopeVersion.utf8, into: &text)
        text.append(contentsOf: #"},"spans":["#.utf8)
        prologue = text
    }

    public func copy() -> JSONSpanEncoder {
        var copy = self
        copy.batch = SpanBatch()
        return copy
    }

    public var form: MessageForm {
        MessageForm(contentType: "application/json") { [prologue] spans, output in
            output.append(contentsOf: prologue)
            // Each span has a comma in front of it, the first one too.
            output.append(contentsOf: spans.dropFirst())
            output.append(contentsOf: "]}]}]}".utf8)
        }
    }

    public func prepare(_ attributes: [Attribute]) -> WrittenAttributes {
        var encoder = copy()
        encoder.open.removeAll()
        for attribute in attributes {
            switch attribute.value {
            case .text(let text):
                let utf8 = Array(text.utf8)
                encoder.attribute(attribute.key, text: utf8.span)
            case .integer(let value): encoder.attribute(attribute.key, integer: value)
            case .double(let value): encoder.attribute(attribute.key, double: value)
            case .bool(let value): encoder.attribute(attribute.key, bool: value)
            }
        }
        return WrittenAttributes(bytes: encoder.open)
    }

    public mutating func begin(_ head: SpanHead) {
        open.removeAll(keepingCapacity: true)
        tail.removeAll(keepingCapacity: true)
        links.removeAll(keepingCapacity: true)
        open.append(contentsOf: #",{"traceId":"\#(head.traceID.hex)","spanId":"\#(head.spanID.hex)""#.utf8)
        if let parent = head.parent { open.append(contentsOf: #","parentSpanId":"\#(parent.hex)""#.utf8) }
        open.append(contentsOf: #","flags":\#(head.flags),"name":"\#(head.name.rawValue)","kind":\#(head.kind.rawValue)"#.utf8)
        if let state = head.traceState {
            open.append(contentsOf: #","traceState":"#.utf8)
            JSONString.encode(state.utf8, into: &open)
        }
        open.append(
            contentsOf: #","startTimeUnixNano":"\#(head.start)","endTimeUnixNano":"\#(head.end)","attributes":["#.utf8)
    }

    public mutating func write(_ prepared: borrowing WrittenAttributes) { open.append(contentsOf: prepared.bytes) }

    public mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) {
        beginAttribute(key)
        open.append(contentsOf: #""stringValue":"#.utf8)
        text.withUnsafeBufferPointer { JSONString.encode($0, into: &open) }
        open.append(contentsOf: "}},".utf8)
    }

    public mutating func attribute(_ key: AttributeKey, integer: Int64) {
        beginAttribute(key)
        open.append(contentsOf: #""intValue":"\#(integer)"}},"#.utf8)
    }

    public mutating func attribute(_ key: AttributeKey, double: Double) {
        beginAttribute(key)
        open.append(contentsOf: #""doubleValue":\#(double)}},"#.utf8)
    }

    public mutating func attribute(_ key: AttributeKey, bool: Bool) {
        beginAttribute(key)
        open.append(contentsOf: #""boolValue":\#(bool)}},"#.utf8)
    }

    private mutating func beginAttribute(_ key: AttributeKey) {
        open.append(contentsOf: #"{"key":"\#(key.name)","value":{"#.utf8)
    }

    public mutating func fail(message: Span<UInt8>) {
        tail.append(contentsOf: #","status":{"#.utf8)
        if !message.isEmpty {
            tail.append(contentsOf: #""message":"#.utf8)
            message.withUnsafeBufferPointer { JSONString.encode($0, into: &tail) }
            tail.append(UInt8(ascii: ","))
        }
        tail.append(contentsOf: #""code":2}"#.utf8)
    }

    public mutating func link(_ link: SpanLink) {
        links.append(contentsOf: links.isEmpty ? #","links":["#.utf8 : ",".utf8)
        links.append(
            contentsOf: #"{"traceId":"\#(link.traceID.hex)","spanId":"\#(link.spanID.hex)","flags":\#(link.flags),"attributes":["#.utf8)
        links.append(contentsOf: #"{"key":"\#(SpanLink.typeKey)","value":{"stringValue":"#.utf8)
        JSONString.encode(link.type.utf8, into: &links)
        links.append(contentsOf: "}}]}".utf8)
    }

    public mutating func end(droppedAttributes: Int) {
        if open.last == UInt8(ascii: ",") { open.removeLast() }
        open.append(UInt8(ascii: "]"))
        if droppedAttributes > 0 { open.append(contentsOf: #","droppedAttributesCount":\#(droppedAttributes)"#.utf8) }
        if !links.isEmpty {
            open.append(contentsOf: links)
            open.append(UInt8(ascii: "]"))
        }
        open.append(contentsOf: tail)
        open.append(UInt8(ascii: "}"))
        batch.bytes.append(contentsOf: open)
        batch.ends.append(batch.bytes.count)
    }
}
